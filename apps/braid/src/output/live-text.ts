import type { Output } from '../io.ts'
import { cutToWidth } from './text-width.ts'

const clearLine = '\x1b[K'
const clearBelow = '\x1b[J'

/** Text on a terminal that is drawn again in its place. Lines are cut to the terminal: one that wraps cannot be found again. */
export class LiveText {
  private readonly output: Output
  private drawn = 0

  constructor(output: Output) {
    this.output = output
  }

  draw(text: string): void {
    const rowsMax = Math.max(2, (this.output.rows ?? 24) - 1)
    const widthMax = this.output.columns ?? 80
    const lines = text.replace(/\n$/, '').split('\n')
    const shown =
      lines.length <= rowsMax
        ? lines
        : [...lines.slice(0, rowsMax - 1), `… and ${lines.length - rowsMax + 1} lines more`]
    const up = this.drawn > 0 ? `\x1b[${this.drawn}A\r` : ''
    // Painted lines are ours, and short.
    const cut = shown.map((line) => (line.includes('\x1b') ? line : cutToWidth(line, widthMax)))
    this.output.write(
      up + cut.map((line) => `${line}${clearLine}\n`).join('') + (this.drawn > 0 ? clearBelow : ''),
    )
    this.drawn = cut.length
  }
}
