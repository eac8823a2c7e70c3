import type { BrokerConnection } from '@braid/kafka-connection'
import type { Engine } from './engine.ts'

/** What a connection is for: a fetch that waits must not hold up a produce or a heartbeat. */
export type Lane = 'produce' | 'group'

type Opened = (error: Error | null, connection: BrokerConnection | null) => void

type Entry =
  | { readonly state: 'opening'; readonly waiting: Opened[] }
  | { readonly state: 'open'; readonly connection: BrokerConnection }

/**
 * A session's own connections, one per broker and lane, opened when first needed. A broker serves one
 * request of a connection at a time, so connections are not shared between clients.
 */
export class Upstreams {
  readonly #engine: Engine
  readonly #lanes: Record<Lane, Map<string, Map<number, Entry>>> = { produce: new Map(), group: new Map() }
  #closed = false

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Calls back at once when the connection is open. Calls for one broker and lane are answered in order. */
  acquire(lane: Lane, cluster: string, brokerId: number, opened: Opened): void {
    let brokers = this.#lanes[lane].get(cluster)
    if (brokers === undefined) {
      brokers = new Map()
      this.#lanes[lane].set(cluster, brokers)
    }
    const entry = brokers.get(brokerId)
    if (entry === undefined) this.#open(brokers, cluster, brokerId, opened)
    else if (entry.state === 'opening') entry.waiting.push(opened)
    else if (entry.connection.closed) this.#open(brokers, cluster, brokerId, opened)
    else opened(null, entry.connection)
  }

  #open(brokers: Map<number, Entry>, cluster: string, brokerId: number, opened: Opened): void {
    const waiting = [opened]
    const entry: Entry = { state: 'opening', waiting }
    brokers.set(brokerId, entry)
    const settle = (error: Error | null, connection: BrokerConnection | null) => {
      if (connection !== null && this.#closed) {
        connection.destroy('the client has gone')
        // Whoever waits counts on an answer: a batch that is never accounted for would stop its partition.
        for (const callback of waiting) callback(new Error('the client has gone'), null)
        return
      }
      if (brokers.get(brokerId) === entry) {
        if (connection === null) brokers.delete(brokerId)
        else brokers.set(brokerId, { state: 'open', connection })
      }
      for (const callback of waiting) callback(error, connection)
    }
    const connections = this.#engine.cluster(cluster)
    if (connections === undefined) {
      settle(new Error(`cluster ${cluster} is not in the route table`), null)
      return
    }
    connections.open(brokerId).then(
      (connection) => settle(null, connection),
      (error: unknown) => settle(error as Error, null),
    )
  }

  /** Opens ahead of need; a failure is met again when the connection is needed. */
  warm(lane: Lane, cluster: string, brokerId: number): void {
    this.acquire(lane, cluster, brokerId, () => {})
  }

  close(): void {
    this.#closed = true
    for (const clusters of Object.values(this.#lanes)) {
      for (const brokers of clusters.values()) {
        for (const entry of brokers.values()) {
          if (entry.state === 'open') entry.connection.destroy('the client has gone')
        }
      }
      clusters.clear()
    }
  }
}
