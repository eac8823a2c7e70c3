import type { logCreator } from 'kafkajs'

const entriesMax = 50

/**
 * KafkaJS logs every answer that it is going to retry as an ERROR. What matters to an application is in its promises
 * and CRASH events, which the history has; the log is kept, bounded, for whoever looks into a verdict.
 */
export class KafkajsLog {
  readonly #entries: string[] = []

  readonly creator: logCreator = () => (entry) => {
    const { message, error } = entry.log as { message: string; error?: unknown }
    this.#entries.push(error === undefined ? message : `${message}: ${String(error)}`)
    if (this.#entries.length > entriesMax) this.#entries.shift()
  }

  get entries(): readonly string[] {
    return this.#entries
  }
}
