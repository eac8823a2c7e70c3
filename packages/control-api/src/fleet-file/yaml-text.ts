// A YAML file that a person wrote: read into a value, with the place of everything in it.
import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'

/** Something wrong in a file, where people look for it: lines and columns count from 1. */
export interface TextProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

export type Path = readonly PropertyKey[]

export interface YamlLimits {
  readonly textMaxBytes: number
  /** How many nodes all aliases together may stand for: a bomb is made of them. */
  readonly aliasMax: number
}

const defaultLimits: YamlLimits = { textMaxBytes: 20 * 1024 * 1024, aliasMax: 100 }

export class YamlText {
  readonly problems: TextProblem[] = []
  readonly root: Node | null = null
  /** Undefined when the text could not be read as YAML. */
  private readonly toValue: (() => unknown) | undefined
  private readonly text: string
  private readonly lines = new LineCounter()

  constructor(text: string, limits: Partial<YamlLimits> = {}) {
    const { textMaxBytes, aliasMax } = { ...defaultLimits, ...limits }
    this.text = text
    if (Buffer.byteLength(text) > textMaxBytes) {
      this.add(1, 1, `the file has more than ${textMaxBytes} bytes`)
      return
    }
    try {
      const document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false })
      if (document.errors.some(({ message }) => message.includes('call stack'))) throw new RangeError()
      for (const { code, message, pos } of document.errors)
        this.addAt(pos[0], this.wordsOf(code, message, pos))
      if (this.problems.length > 0) return
      this.root = document.contents
      this.toValue = () => document.toJS({ maxAliasCount: aliasMax })
    } catch (error) {
      // The parser is recursive; how deep it gets is the machine's affair.
      if (!(error instanceof RangeError)) throw error
      this.add(1, 1, 'the file is nested too deeply')
    }
  }

  /** What the text says, after whatever was done to its nodes. Undefined when there are problems. */
  value(): unknown {
    if (this.problems.length > 0) return undefined
    try {
      return this.toValue?.()
    } catch (error) {
      if (!(error instanceof ReferenceError) && !(error instanceof RangeError)) throw error
      this.add(
        1,
        1,
        'the file has aliases (*name) that stand for nothing, for too much or for themselves: write it out',
      )
      return undefined
    }
  }

  addAt(offset: number, message: string): void {
    const { line, col } = this.lines.linePos(offset)
    this.add(Math.max(line, 1), Math.max(col, 1), message)
  }

  addAtNode(node: unknown, message: string): void {
    this.addAt(isNode(node) ? (node.range?.[0] ?? 0) : 0, message)
  }

  /** Where the value of a path begins; of a path that is not there, the nearest thing around it. */
  offsetOf(path: Path): number {
    let node: unknown = this.root
    let offset = startOf(node)
    for (const step of path) {
      if (isMap(node)) node = node.items.find((pair) => keyOf(pair.key) === String(step))?.value
      else if (isSeq(node)) node = node.items[Number(step)]
      else break
      if (isPair(node) || !isNode(node) || isAlias(node)) return isAlias(node) ? startOf(node) : offset
      offset = startOf(node)
    }
    return offset
  }

  /** Where the key itself stands, in the map at a path. */
  offsetOfKey(path: Path, key: string): number {
    let node: unknown = this.root
    for (const step of path) {
      if (isMap(node)) node = node.items.find((pair) => keyOf(pair.key) === String(step))?.value
      else if (isSeq(node)) node = node.items[Number(step)]
    }
    if (!isMap(node)) return this.offsetOf(path)
    return startOf(node.items.find((pair) => keyOf(pair.key) === key)?.key)
  }

  lineOf(offset: number): number {
    return Math.max(1, this.lines.linePos(offset).line)
  }

  columnOf(offset: number): number {
    return Math.max(1, this.lines.linePos(offset).col)
  }

  private add(line: number, column: number, message: string): void {
    this.problems.push({ line, column, message })
  }

  private wordsOf(code: string, message: string, [from, to]: readonly [number, number]): string {
    switch (code) {
      case 'DUPLICATE_KEY': {
        const key =
          /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,}]+)/.exec(this.text.slice(from, Math.max(to, from + 300)))?.[0] ??
          ''
        return `key ${JSON.stringify(key.replace(/^["']|["']$/g, ''))} is there twice`
      }
      case 'MULTIPLE_DOCS':
        return 'a second document begins here (---): one file holds one document'
      case 'TAB_AS_INDENT':
        return 'a tab indents here: YAML indents with spaces'
      default:
        return `no YAML: ${message.replace(/\s*\n[\s\S]*$/, '').replace(/^./, (first) => first.toLowerCase())}`
    }
  }
}

export const keyOf = (key: unknown): string => (isScalar(key) ? String(key.value) : String(key))

const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)
