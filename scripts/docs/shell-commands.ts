import type { CodeBlock } from './code-blocks.ts'

export interface ShellCommand {
  readonly path: string
  readonly line: number
  /** `BRAID_API=x npx braid topic list` -> ['npx', 'braid', 'topic', 'list']. */
  readonly words: readonly string[]
}

/**
 * The commands of a shell block: one each for what stands between `&&`, `||`, `;` and `|`, without comments,
 * prompts, assignments and redirections. In a `console` block only lines with a prompt are commands.
 */
export function shellCommandsOf({ path, line, language, code }: CodeBlock): ShellCommand[] {
  const commands: ShellCommand[] = []
  const lines = code.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const at = line + i
    let text = lines[i]!
    if (language === 'console' && !/^\s*[$#] /.test(text)) continue
    while (text.endsWith('\\') && i + 1 < lines.length) text = `${text.slice(0, -1)} ${lines[++i]!.trim()}`
    let words: string[] = []
    const finish = () => {
      while (words[0] !== undefined && /^\w+=/.test(words[0])) words.shift()
      if (words.length > 0) commands.push({ path, line: at, words })
      words = []
    }
    for (const word of wordsOf(text.replace(/^\s*[$#] /, ''))) {
      if (/^(&&|\|\||[;|&])$/.test(word)) finish()
      else words.push(word)
    }
    finish()
  }
  return commands
}

function wordsOf(text: string): string[] {
  const words: string[] = []
  const token =
    /\s+|(#.*$)|(\d?>&\d|\d?>{1,2}\s*\S+|<\s+\S+)|(&&|\|\||[;|&])|((?:'[^']*'|"[^"]*"|\\.|[^\s'"\\;|&])+)/gy
  for (const match of text.matchAll(token)) {
    const [, comment, redirection, operator, word] = match
    if (comment !== undefined) break
    if (redirection !== undefined) continue
    if (operator !== undefined) words.push(operator)
    else if (word !== undefined) words.push(word.replace(/'([^']*)'|"([^"]*)"|\\(.)/g, '$1$2$3'))
  }
  return words
}
