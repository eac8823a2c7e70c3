/** A fenced block of a Markdown page. */
export interface CodeBlock {
  readonly path: string
  /** The line in the page of the block's first line, from 1. */
  readonly line: number
  /** What stands behind the fence: `ts`, `sh`. Empty when nothing does. */
  readonly language: string
  readonly code: string
}

/** The fenced code blocks of a page. An indented fence loses its indentation, as Markdown has it. */
export function codeBlocksOf(path: string, markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  let open: { indent: string; fence: string; language: string; line: number; lines: string[] } | undefined
  for (const [i, text] of markdown.split('\n').entries()) {
    if (open === undefined) {
      const match = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(text)
      if (match !== null) {
        const [, indent = '', fence = '', language = ''] = match
        open = { indent, fence, language, line: i + 2, lines: [] }
      }
    } else if (text.trim().startsWith(open.fence)) {
      const { language, line, lines } = open
      blocks.push({ path, line, language, code: lines.join('\n') })
      open = undefined
    } else {
      open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text)
    }
  }
  return blocks
}
