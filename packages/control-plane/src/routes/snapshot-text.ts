// A route table as one event, made in slices: a large one takes a second, and the process goes on meanwhile.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type RouteTable, snapshotSlices } from '@braid/routing-model'
import { deflatePiece, FeedBytes } from './feed-bytes.ts'

export type SnapshotEncoding = 'identity' | 'gzip'

/** Pieces that are compressed beside each other, and beside what comes next. */
const compressingMax = 3

/**
 * Of the table as it is at construction, whatever changes while it is made. Readers take the chunks as they come; the
 * first are there at once, for a small table all.
 */
export class SnapshotText {
  readonly version: number
  /** Shared by all readers. Only ever appended to. */
  readonly chunks: Buffer[] = []
  bytes = 0
  state: 'making' | 'made' | 'failed' = 'making'
  private readonly waiting = new Set<() => void>()

  constructor(
    table: RouteTable,
    tenants: ReadonlySet<string> | undefined,
    id: string,
    encoding: SnapshotEncoding,
  ) {
    this.version = table.version
    this.make(id, snapshotSlices(table, tenants), encoding).catch(() => this.end('failed'))
  }

  /** `onMore` is called once, when there is another chunk or no more. */
  wait(onMore: () => void): void {
    this.waiting.add(onMore)
  }

  forget(onMore: () => void): void {
    this.waiting.delete(onMore)
  }

  /** A line of data for each slice: a reader puts them together with line feeds, which JSON allows between slices. */
  private async make(id: string, slices: Iterator<string, void>, encoding: SnapshotEncoding): Promise<void> {
    let head = `event: snapshot\nid: ${id}\n`
    const compressing: Promise<Buffer>[] = []
    for (let slice = slices.next(); !slice.done; ) {
      const next = slices.next()
      const text = `${head}data: ${slice.value}\n${next.done ? '\n' : ''}`
      const whole = next.done && head !== ''
      if (encoding === 'identity') this.add(Buffer.from(text))
      else if (whole) this.add(new FeedBytes(text).gzip)
      else {
        const piece = deflatePiece(text)
        // It is awaited later, or not at all after another has failed.
        piece.catch(() => {})
        compressing.push(piece)
      }
      if (whole) break
      await nextTurn()
      if (compressing.length >= compressingMax) this.add(await compressing.shift()!)
      head = ''
      slice = next
    }
    for (const piece of compressing) this.add(await piece)
    this.end('made')
  }

  private add(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.bytes += chunk.length
    this.wake()
  }

  private end(state: 'made' | 'failed'): void {
    this.state = state
    this.wake()
  }

  private wake(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const onMore of waiting) onMore()
  }
}
