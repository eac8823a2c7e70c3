import { type CallableApi, ConnectionError, type OnAnswer } from '@braid/kafka-connection'
import { Reader, responseHeaderBytes, Writer } from '@braid/kafka-protocol'
import type { FakeKafka } from './fake-kafka.ts'

export interface FakeRequest {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly body: Buffer
  readonly onAnswer: OnAnswer
  readonly sentAtMs: number
  frame: Buffer | undefined
}

/** The members of a BrokerConnection that the engine uses, in order as on a wire. */
export class FakeConnection {
  readonly cluster: string
  readonly brokerId: number
  readonly address: string
  readonly kafka: FakeKafka
  closed = false
  /** What reached the broker and was not answered. */
  readonly requests: FakeRequest[] = []
  #correlationId = 0
  #running = false
  readonly #closeListeners: (() => void)[] = []

  constructor(kafka: FakeKafka, cluster: string, brokerId: number) {
    this.kafka = kafka
    this.cluster = cluster
    this.brokerId = brokerId
    this.address = `${cluster}:${brokerId}`
  }

  send(
    apiKey: number,
    version: number,
    parts: readonly Buffer[],
    onAnswer: OnAnswer,
    _timeoutMs: number,
  ): void {
    if (this.closed) {
      process.nextTick(onAnswer, this.#error('was closed here'), Buffer.alloc(0), 0)
      return
    }
    this.requests.push({
      apiKey,
      version,
      correlationId: this.#correlationId++,
      body: Buffer.concat(parts as Buffer[]),
      onAnswer,
      sentAtMs: Date.now(),
      frame: undefined,
    })
    if (this.kafka.manual || this.#running) return
    this.#running = true
    setImmediate(() => {
      this.#running = false
      this.run()
    })
  }

  call<Q, A>(
    api: CallableApi<Q, A>,
    request: Q,
    options: { version?: number; timeoutMs?: number } = {},
  ): Promise<A> {
    const version = options.version ?? api.maxVersion
    const w = new Writer()
    api.encodeRequest(w, version, request)
    return new Promise((resolve, reject) => {
      this.send(
        api.key,
        version,
        [w.finish()],
        (error, frame, bodyAt) => {
          if (error !== null) reject(error)
          else resolve(api.decodeResponse(new Reader(frame, bodyAt), version))
        },
        options.timeoutMs ?? 0,
      )
    })
  }

  versionOf(api: { readonly maxVersion: number }, cap = 32767): number {
    return Math.min(api.maxVersion, cap)
  }

  /** Processes and delivers whatever is not stopped. */
  run(): void {
    while (this.processNext() || this.deliverNext()) {}
  }

  /** The broker works on the next request of this connection. False: there is none, or it waits. */
  processNext(): boolean {
    const next = this.requests.find((request) => request.frame === undefined)
    if (next === undefined || this.closed || this.kafka.isStopped('process', next.apiKey)) return false
    next.frame = this.kafka.process(next, this.brokerId)
    if (next.frame !== undefined && !this.kafka.manual) setImmediate(() => this.kafka.changed())
    return next.frame !== undefined
  }

  /** The next answer reaches the engine. */
  deliverNext(): boolean {
    const next = this.requests[0]
    if (next?.frame === undefined || this.closed || this.kafka.isStopped('deliver', next.apiKey)) return false
    this.requests.shift()
    next.onAnswer(null, next.frame, bodyAt(next))
    return true
  }

  /** The wire is cut. `reached`: how many of the requests that wait there the broker still works on. */
  break(reached = 0): void {
    if (this.closed) return
    for (let i = 0; i < reached; i++) if (!this.processNext()) break
    this.#end('broke')
  }

  destroy(reason: string): void {
    // What a broker has read it works on, whoever hung up meanwhile.
    const pending = this.closed ? [] : this.requests.filter((request) => request.frame === undefined)
    for (const request of pending.slice(0, this.kafka.reached)) this.kafka.process(request, this.brokerId)
    this.#end(`was closed here: ${reason}`)
  }

  close(): Promise<void> {
    this.#end('was closed here')
    return Promise.resolve()
  }

  onClose(listener: () => void): void {
    this.#closeListeners.push(listener)
  }

  #end(what: string): void {
    if (this.closed) return
    this.closed = true
    this.kafka.connections.delete(this)
    const lost = this.requests.splice(0)
    process.nextTick(() => {
      for (const { onAnswer } of lost) onAnswer(this.#error(what), Buffer.alloc(0), 0)
      for (const listener of this.#closeListeners) listener()
    })
  }

  #error(what: string): ConnectionError {
    return new ConnectionError('CLOSED', `${this.address} ${what}`, { cluster: this.cluster })
  }
}

const bodyAt = ({ apiKey, version, correlationId }: FakeRequest): number =>
  responseHeaderBytes(apiKey, version, correlationId).length
