import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { decodeEvent, encodeEvent, type HistoryEvent } from './event.ts'

export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  readonly code: 'HISTORY_FULL' | 'HISTORY_UNREADABLE'

  constructor(code: HistoryError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export interface RecorderOptions {
  /** A history that drops events would acquit the guilty: past this bound recording throws. */
  maxEvents?: number
  /** Also append every event to this file, one line each, for the process that judges. */
  file?: string
}

/** One client process's history: append-only, in memory, and in a file when another process is to read it. */
export class Recorder {
  readonly #events: HistoryEvent[] = []
  readonly #maxEvents: number
  readonly #file: WriteStream | undefined
  #fileError: Error | undefined

  constructor(options: RecorderOptions = {}) {
    this.#maxEvents = options.maxEvents ?? 5_000_000
    if (options.file !== undefined) {
      this.#file = createWriteStream(options.file, { flags: 'a' })
      this.#file.on('error', (error) => {
        this.#fileError = error
      })
    }
  }

  get events(): readonly HistoryEvent[] {
    return this.#events
  }

  record(event: HistoryEvent): void {
    if (this.#events.length >= this.#maxEvents) {
      throw new HistoryError(
        'HISTORY_FULL',
        `the history holds ${this.#maxEvents} events already: run a shorter load, or raise maxEvents`,
      )
    }
    this.#events.push(event)
    this.#file?.write(`${encodeEvent(event)}\n`)
  }

  /** Everything recorded so far is in the file once this resolves, and nothing more is written to it. */
  async close(): Promise<void> {
    if (this.#file !== undefined && this.#fileError === undefined && !this.#file.writableEnded) {
      this.#file.end()
      await Promise.race([once(this.#file, 'finish'), once(this.#file, 'error')])
    }
    if (this.#fileError !== undefined) throw this.#fileError
  }
}

/** The events of a file. A last line that a killed process left unfinished is not an event. */
export async function readHistory(file: string): Promise<HistoryEvent[]> {
  const text = await readFile(file, 'utf8')
  const lines = text.split('\n')
  lines.pop()
  return lines.map((line, index) => {
    try {
      return decodeEvent(line)
    } catch (error) {
      throw new HistoryError('HISTORY_UNREADABLE', `${file}:${index + 1}: ${(error as Error).message}`)
    }
  })
}

/** One history out of several processes', in the order of their common clock. */
export function mergeHistories(...histories: readonly (readonly HistoryEvent[])[]): HistoryEvent[] {
  return histories.flat().sort((left, right) => left.at - right.at)
}
