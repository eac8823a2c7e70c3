import { fileURLToPath } from 'node:url'
import { LineProcess } from '../components/line-process.ts'
import { encodeEvent, type HistoryEvent } from '../history/event.ts'
import { readHistory } from '../history/recorder.ts'
import type { KafkajsGroupOptions } from './kafkajs-group.ts'
import type { KafkajsProducersOptions } from './kafkajs-producers.ts'
import { answerMaxMs } from './workload.ts'

/** By which way clients come in: addresses (proxies, or a cluster itself), or the SDK. */
export type Route = { bootstrap: readonly string[] } | { controlPlane: string }

export interface ClientsSpec {
  /** Also the clients' `client.id`. */
  name: string
  route: Route
  /** Where connections to an address really go: to a link that a test breaks. Only for a route by addresses. */
  through?: Readonly<Record<string, string>>
  /** Where the history is written; the caller's to remove. */
  historyFile: string
  producers?: KafkajsProducersOptions
  group?: KafkajsGroupOptions
}

export interface ClientsProgress {
  sent: number
  acknowledged: number
  received: number
}

const startMaxMs = 90_000

/** KafkaJS clients in a process of their own, so that what they wait for is not the judge's own work. */
export class ClientsProcess {
  readonly #process: LineProcess
  readonly #spec: ClientsSpec
  #progress: ClientsProgress = { sent: 0, acknowledged: 0, received: 0 }

  private constructor(process: LineProcess, spec: ClientsSpec) {
    this.#process = process
    this.#spec = spec
    process.onLine((line) => {
      if (line.event !== 'progress') return
      const { sent, acknowledged, received } = line
      this.#progress = {
        sent: Number(sent),
        acknowledged: Number(acknowledged),
        received: Number(received),
      }
    })
  }

  /** Resolves when every producer is connected and every member has joined. */
  static async start(spec: ClientsSpec): Promise<ClientsProcess> {
    const main = fileURLToPath(new URL('./clients-main.ts', import.meta.url))
    const child = await LineProcess.start({
      name: `clients ${spec.name}`,
      command: process.execPath,
      args: ['--disable-warning=TimeoutNegativeWarning', main, JSON.stringify(spec)],
      // KafkaJS asks for a partitioner to be named; ours is.
      env: { KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    })
    const clients = new ClientsProcess(child, spec)
    try {
      await child.waitFor('ready', (line) => line.event === 'ready', startMaxMs)
    } catch (error) {
      await child.stop()
      throw error
    }
    return clients
  }

  get progress(): ClientsProgress {
    return this.#progress
  }

  get name(): string {
    return this.#spec.name
  }

  get pid(): number {
    return this.#process.pid
  }

  /** For an error's message: how far it came, and what its clients said last. */
  async trouble(): Promise<string> {
    const { sent, acknowledged, received } = this.#progress
    const history = await readHistory(this.#spec.historyFile)
    const last = history.findLast(({ type }) => type === 'failed' || type === 'error')
    this.#process.send({ do: 'tell log' })
    const line = await this.#process
      .waitFor('its log', ({ event }) => event === 'log', 5_000)
      .catch(() => undefined)
    const log = Array.isArray(line?.log) ? line.log.slice(-5) : ['it does not answer']
    return [
      `${this.name}: ${sent} sent, ${acknowledged} acknowledged, ${received} received`,
      last === undefined ? 'no failure' : encodeEvent(last),
      ...log,
    ].join(' | ')
  }

  /** No more calls; resolves when every call has its answer, or is in the history as one that has none. */
  async stopProducing(): Promise<void> {
    this.#process.send({ do: 'stop producing' })
    await this.#process.waitFor(
      'that producing stopped',
      (line) => line.event === 'stopped producing',
      answerMaxMs + 15_000,
    )
  }

  async caughtUp(maxMs: number): Promise<boolean> {
    this.#process.send({ do: 'catch up', maxMs })
    const line = await this.#process.waitFor(
      'that it caught up',
      ({ event }) => event === 'caught up',
      maxMs + 15_000,
    )
    return line.yes === true
  }

  /** Ends the process in order and hands its history over. */
  async finish(): Promise<HistoryEvent[]> {
    this.#process.send({ do: 'finish' })
    await this.#process.waitFor('that it finished', (line) => line.event === 'finished', 30_000)
    await this.#process.stop()
    return readHistory(this.#spec.historyFile)
  }

  /** Ends it without ceremony; for when a run is given up. */
  async stop(): Promise<void> {
    await this.#process.stop()
  }
}
