import { ConnectionError } from '@braid/kafka-connection'
import type { FakeConnection } from './fake-connection.ts'
import type { FakeKafka } from './fake-kafka.ts'

/** The members of ClusterConnections that the engine uses: one engine's view of a cluster, with its own cache. */
export class FakeConnections {
  readonly kafka: FakeKafka
  readonly name: string
  readonly #leaders = new Map<string, number[]>()
  readonly #shared = new Map<number, Promise<FakeConnection>>()
  readonly #opened = new Set<FakeConnection>()
  readonly #coordinators = new Map<string, number>()
  /** Of those who wait. */
  readonly #ends: ((error: unknown) => void)[] = []
  #destroyed = false
  /** Metadata requests so far. */
  refreshes = 0
  /** Refreshes never end: the cluster does not answer. */
  silent = false

  constructor(kafka: FakeKafka) {
    this.kafka = kafka
    this.name = kafka.name
  }

  leader(topic: string, partition: number): number {
    return this.#leaders.get(topic)?.[partition] ?? -1
  }

  async refreshMetadata(topics: readonly string[]): Promise<void> {
    this.refreshes++
    if (this.#destroyed) throw this.#closedError()
    if (this.silent) await new Promise((_, reject) => this.#ends.push(reject))
    await new Promise(setImmediate)
    for (const name of topics) {
      const topic = this.kafka.topics.get(name)
      if (topic === undefined) {
        throw new ConnectionError('UNKNOWN_TOPIC', `${this.name} has no topic ${name}`, {
          cluster: this.name,
        })
      }
      this.#leaders.set(name, [...topic.leaders])
    }
  }

  invalidate(topic: string, partition?: number): void {
    const leaders = this.#leaders.get(topic)
    if (leaders === undefined) return
    if (partition === undefined) leaders.fill(-1)
    else leaders[partition] = -1
  }

  async open(brokerId: number): Promise<FakeConnection> {
    if (this.#destroyed) throw this.#closedError()
    const opening = this.kafka.open(this.name, brokerId).then((connection) => {
      this.#opened.add(connection)
      if (this.#destroyed) connection.destroy('the cluster was given up')
      return connection
    })
    return Promise.race([opening, new Promise<never>((_, reject) => this.#ends.push(reject))])
  }

  async shared(brokerId: number): Promise<FakeConnection> {
    const known = this.#shared.get(brokerId)
    if (known !== undefined) {
      const connection = await known.catch(() => undefined)
      if (connection?.closed === false) return connection
      if (this.#shared.get(brokerId) !== known) return this.shared(brokerId)
    }
    const opening = this.open(brokerId)
    this.#shared.set(brokerId, opening)
    return opening
  }

  async brokers(): Promise<readonly { id: number; host: string; port: number }[]> {
    return this.kafka.brokerIds.map((id) => ({ id, host: this.name, port: 9000 + id }))
  }

  async coordinator(groupId: string): Promise<number> {
    const known = this.#coordinators.get(groupId) ?? this.kafka.coordinatorOf(groupId)
    this.#coordinators.set(groupId, known)
    return known
  }

  invalidateCoordinator(groupId: string): void {
    this.#coordinators.delete(groupId)
  }

  async close(): Promise<void> {
    this.destroy('the engine was closed')
  }

  destroy(reason: string): void {
    this.#destroyed = true
    for (const end of this.#ends.splice(0)) end(this.#closedError())
    for (const connection of this.#opened) connection.destroy(reason)
  }

  #closedError(): ConnectionError {
    return new ConnectionError('CLOSED', `${this.name} connections were closed here`, { cluster: this.name })
  }
}
