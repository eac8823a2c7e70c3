import type { Operation, OperationMove } from '@braid/control-api'
import type { Output } from '../io.ts'
import { LiveText } from '../output/live-text.ts'
import { topicTitle } from '../output/move-plan.ts'
import { countsText, progressBar } from '../output/operation-view.ts'
import { safeData } from '../output/safe-text.ts'

export interface OperationProgress {
  /** Takes a new state of the record. */
  show(operation: Operation): void
  /** Leaves what stands there and shows no more. */
  close(): void
}

/** On a terminal redrawn in place, with what moves now; elsewhere a line each time the counts change. */
export const operationProgress = (
  output: Output,
  moves: () => Promise<readonly OperationMove[]>,
): OperationProgress => (output.isTTY ? new LiveProgress(output, moves) : new PlainProgress(output))

class PlainProgress implements OperationProgress {
  private readonly output: Output
  private said = ''

  constructor(output: Output) {
    this.output = output
  }

  show(operation: Operation): void {
    const shown = safeData(operation)
    const line = `${shown.title}: ${shown.state}, ${countsText(shown.counts, shown.state)}\n`
    if (line !== this.said) this.output.write(line)
    this.said = line
  }

  close(): void {}
}

const movesEveryMs = 2_000
const movesShownMax = 10

class LiveProgress implements OperationProgress {
  private readonly live: LiveText
  private readonly moves: () => Promise<readonly OperationMove[]>
  private readonly timer: NodeJS.Timeout
  private latest: Operation | undefined
  private moving: readonly OperationMove[] = []
  private asking = false
  private closed = false

  constructor(output: Output, moves: () => Promise<readonly OperationMove[]>) {
    this.live = new LiveText(output)
    this.moves = moves
    this.timer = setInterval(() => void this.askMoves(), movesEveryMs)
  }

  show(operation: Operation): void {
    const first = this.latest === undefined
    this.latest = safeData(operation)
    this.draw()
    if (first) void this.askMoves()
  }

  close(): void {
    clearInterval(this.timer)
    this.moving = []
    this.draw()
    this.closed = true
  }

  /** What moves now is shown as far as it can be had; the counts come by the record itself. */
  private async askMoves(): Promise<void> {
    if (this.asking) return
    this.asking = true
    const all = await this.moves().catch(() => undefined)
    this.asking = false
    if (all === undefined || this.closed) return
    this.moving = safeData(all.filter(({ state }) => state === 'moving'))
    this.draw()
  }

  private draw(): void {
    if (this.latest === undefined || this.closed) return
    const { title, state, counts } = this.latest
    const shown = this.moving.slice(0, movesShownMax)
    const more = this.moving.length - shown.length
    const lines = [
      `${title}: ${state}`,
      `${progressBar(counts)} ${countsText(counts, state)}`,
      ...shown.map(
        (move) =>
          `  ${topicTitle(move)}: ${move.from} > ${move.to}${move.migration === null ? '' : `   migration ${move.migration}`}`,
      ),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ]
    this.live.draw(lines.join('\n'))
  }
}
