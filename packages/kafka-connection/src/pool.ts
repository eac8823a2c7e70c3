import type { MetadataResponse } from '@braid/kafka-protocol'
import { type Address, formatAddress, parseAddress } from '@braid/routing-model'
import type { BrokerVersions } from './api-versions.ts'
import { backoffMs } from './backoff.ts'
import type { BrokerConnection } from './broker-connection.ts'
import { ConnectionError, isMisconfiguration } from './errors.ts'
import { askMetadata } from './metadata.ts'
import { openConnection } from './open-connection.ts'
import type { ClusterAddress, ConnectionOptions } from './options.ts'
import type { Waits } from './waits.ts'

export interface BrokerAddress {
  readonly id: number
  readonly host: string
  readonly port: number
}

/**
 * Which of the pool's own connections to a broker. A broker answers one request of a connection at a time, so a slow one
 * (create a topic) must not stand before a quick one (a cut), nor before a seal, which takes 30 ms itself.
 */
export type Lane = 'quick' | 'seal' | 'slow'

/** After failures in a row, not tried before `dueMs`. */
interface Retry {
  readonly failures: number
  readonly dueMs: number
}

const FRESH: Retry = { failures: 0, dueMs: 0 }

interface Broker {
  address: BrokerAddress
  /** of the process that we met there last; asked anew after a connection broke, as it may be another release then */
  versions: BrokerVersions | undefined
  retry: Retry
  readonly opening: Map<Lane, Promise<BrokerConnection>>
  readonly live: Map<Lane, BrokerConnection>
}

/** The brokers of one cluster and the connections to them. */
export class Pool {
  readonly #cluster: ClusterAddress
  readonly #options: ConnectionOptions
  readonly #waits: Waits
  readonly #brokers = new Map<number, Broker>()
  readonly #open = new Set<BrokerConnection>()
  readonly #abort = new AbortController()
  readonly #finding = new Map<Lane, Promise<BrokerConnection>>()
  #bootstrapRetry: Retry = FRESH
  #relearning: Promise<void> | undefined
  clusterId: string | null = null
  controllerId = -1

  constructor(cluster: ClusterAddress, options: ConnectionOptions, waits: Waits) {
    this.#cluster = cluster
    this.#options = options
    this.#waits = waits
  }

  get addresses(): readonly BrokerAddress[] {
    return [...this.#brokers.values()].map((broker) => broker.address)
  }

  /** Every metadata answer lists the brokers that are alive. Those that are not listed are kept as long as connected. */
  learn(answer: MetadataResponse): void {
    if (answer.brokers.length === 0) return
    this.clusterId = answer.clusterId
    this.controllerId = answer.controllerId
    const listed = new Set<number>()
    for (const { nodeId, host, port } of answer.brokers) {
      listed.add(nodeId)
      const known = this.#brokers.get(nodeId)
      if (known === undefined) this.#brokers.set(nodeId, newBroker({ id: nodeId, host, port }))
      else if (known.address.host !== host || known.address.port !== port) {
        known.address = { id: nodeId, host, port }
        known.versions = undefined
        known.retry = FRESH
      }
    }
    for (const [id, broker] of this.#brokers) {
      if (!listed.has(id) && broker.live.size + broker.opening.size === 0) this.#brokers.delete(id)
    }
  }

  /** A new connection, the caller's own. */
  async open(brokerId: number): Promise<BrokerConnection> {
    return this.#connect(await this.#broker(brokerId))
  }

  async shared(brokerId: number, lane: Lane): Promise<BrokerConnection> {
    return this.#sharedOf(this.#brokers.get(brokerId) ?? (await this.#broker(brokerId)), lane)
  }

  async #sharedOf(broker: Broker, lane: Lane): Promise<BrokerConnection> {
    const live = broker.live.get(lane)
    if (live !== undefined && !live.closed) return live
    let opening = broker.opening.get(lane)
    if (opening === undefined) {
      opening = this.#connect(broker)
        .then((connection) => {
          broker.live.set(lane, connection)
          connection.onClose(() => {
            if (broker.live.get(lane) === connection) broker.live.delete(lane)
          })
          return connection
        })
        .finally(() => broker.opening.delete(lane))
      broker.opening.set(lane, opening)
    }
    return opening
  }

  async any(lane: Lane): Promise<BrokerConnection> {
    const live: BrokerConnection[] = []
    for (const broker of this.#brokers.values()) {
      const connection = broker.live.get(lane)
      if (connection !== undefined && !connection.closed) live.push(connection)
    }
    if (live.length > 0) return live[Math.floor(this.#options.random() * live.length)]!
    let finding = this.#finding.get(lane)
    if (finding === undefined) {
      finding = this.#find(lane).finally(() => this.#finding.delete(lane))
      this.#finding.set(lane, finding)
    }
    return finding
  }

  /** Asks for the list of brokers, if none is known. */
  async ensureKnown(): Promise<void> {
    if (this.#brokers.size === 0) await this.any('quick')
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await Promise.all([...this.#open].map((connection) => connection.close()))
  }

  destroy(reason: string): void {
    this.#abort.abort()
    for (const connection of [...this.#open]) connection.destroy(reason)
  }

  async #broker(id: number): Promise<Broker> {
    if (!this.#brokers.has(id)) await this.relearn()
    const broker = this.#brokers.get(id)
    if (broker !== undefined) return broker
    const known = [...this.#brokers.keys()].join(', ')
    throw this.#error('CONNECT_FAILED', `has no broker ${id}, only ${known}: refresh the metadata`)
  }

  async #connect(broker: Broker): Promise<BrokerConnection> {
    const leftMs = broker.retry.dueMs - this.#options.clock.now()
    if (leftMs > 0) await this.#waits.wait(leftMs)
    const { id, host, port } = broker.address
    const startedMs = this.#options.clock.now()
    try {
      const connection = await this.#openAt(id, host, port, broker)
      broker.retry = FRESH
      return connection
    } catch (error) {
      broker.versions = undefined
      broker.retry = this.#afterFailure(broker.retry, startedMs)
      // It may live at another address by now. Nobody waits for the answer.
      if (!this.#waits.closed) this.relearn().catch(() => {})
      throw error
    }
  }

  /** Many attempts that fail at one time are one failure. */
  #afterFailure(before: Retry, startedMs: number): Retry {
    if (startedMs < before.dueMs) return before
    const failures = before.failures + 1
    return { failures, dueMs: this.#options.clock.now() + backoffMs(failures, this.#options) }
  }

  async #openAt(brokerId: number, host: string, port: number, broker?: Broker): Promise<BrokerConnection> {
    if (this.#waits.closed) throw this.#error('CLOSED', 'connections were closed here')
    const { connection, versions } = await openConnection(
      {
        cluster: this.#cluster.name,
        brokerId,
        address: formatAddress({ host, port }),
        host,
        port,
        versions: broker?.versions,
        signal: this.#abort.signal,
      },
      this.#options,
    )
    if (this.#waits.closed) {
      connection.destroy('these connections were closed meanwhile')
      throw this.#error('CLOSED', 'connections were closed here')
    }
    if (broker !== undefined) broker.versions = versions
    this.#open.add(connection)
    connection.onClose(() => {
      this.#open.delete(connection)
      // If the broker went away, the next to answer there may be of another release.
      if (broker?.versions === versions && !connection.closedHere) broker.versions = undefined
    })
    return connection
  }

  /** Known brokers first, those that failed lately last; then the bootstrap addresses. One pass. */
  async #find(lane: Lane): Promise<BrokerConnection> {
    const nowMs = this.#options.clock.now()
    const all = this.#shuffled([...this.#brokers.values()])
    const ready = all.filter((broker) => broker.retry.dueMs <= nowMs)
    for (const broker of ready) {
      const connection = await this.#sharedOf(broker, lane).catch(() => undefined)
      if (connection !== undefined) return connection
    }
    await this.#bootstrap()
    let failure: unknown
    for (const broker of this.#shuffled([...this.#brokers.values()])) {
      try {
        return await this.#sharedOf(broker, lane)
      } catch (error) {
        failure = error
      }
    }
    if (this.#waits.closed || isMisconfiguration(failure)) throw failure
    const listed = this.addresses.map(({ host, port }) => formatAddress({ host, port })).join(', ')
    throw this.#error(
      'CONNECT_FAILED',
      `answers at its bootstrap address, but not at the addresses that its brokers advertise (${listed}): ` +
        'check advertised.listeners',
      failure,
    )
  }

  /** Learns the brokers from the first bootstrap address that answers. */
  async #bootstrap(): Promise<void> {
    const leftMs = this.#bootstrapRetry.dueMs - this.#options.clock.now()
    if (leftMs > 0) await this.#waits.wait(leftMs)
    const startedMs = this.#options.clock.now()
    const failures: string[] = []
    let misconfigured: ConnectionError | undefined
    for (const address of this.#shuffled([...this.#cluster.bootstrap])) {
      let connection: BrokerConnection | undefined
      try {
        const { host, port } = bootstrapAddress(this.#cluster.name, address)
        connection = await this.#openAt(-1, host, port)
        const answer = await askMetadata(connection, [], this.#options.lookupTimeoutMs)
        if (answer.brokers.length > 0) {
          this.#bootstrapRetry = FRESH
          return this.learn(answer)
        }
        failures.push(`${address} knows of no brokers`)
      } catch (error) {
        if (this.#waits.closed) throw error
        if (isMisconfiguration(error)) misconfigured ??= error
        failures.push(`${(error as Error).message}${this.#hint(error, connection)}`)
      } finally {
        connection?.destroy('the brokers are known')
      }
    }
    this.#bootstrapRetry = this.#afterFailure(this.#bootstrapRetry, startedMs)
    // Brokers share their settings and their users: what one says of ours, others would say too.
    if (misconfigured !== undefined) throw misconfigured
    throw this.#error('CONNECT_FAILED', `cannot be reached at any bootstrap address: ${failures.join('; ')}`)
  }

  /** A listener with SASL tells versions to everybody, and hangs up at the first question of who has not said who it is. */
  #hint(error: unknown, connection: BrokerConnection | undefined): string {
    const { protocol } = this.#options.security ?? { protocol: 'PLAINTEXT' }
    const hungUp = error instanceof ConnectionError && error.code === 'CLOSED' && connection !== undefined
    return hungUp && !protocol.startsWith('SASL_')
      ? ' (a port with SASL does so: then set protocol to SASL_PLAINTEXT or SASL_SSL)'
      : ''
  }

  /** Asks any broker for the list of brokers. */
  relearn(): Promise<void> {
    this.#relearning ??= this.any('quick')
      .then((connection) => askMetadata(connection, [], this.#options.lookupTimeoutMs))
      .then((answer) => this.learn(answer))
      .finally(() => {
        this.#relearning = undefined
      })
    return this.#relearning
  }

  #shuffled<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = Math.floor(this.#options.random() * (i + 1))
      const other = items[j]!
      items[j] = items[i]!
      items[i] = other
    }
    return items
  }

  #error(code: 'CONNECT_FAILED' | 'CLOSED', what: string, cause?: unknown): ConnectionError {
    return new ConnectionError(code, `${this.#cluster.name} ${what}`, { cluster: this.#cluster.name, cause })
  }
}

function newBroker(address: BrokerAddress): Broker {
  return { address, versions: undefined, retry: FRESH, opening: new Map(), live: new Map() }
}

function bootstrapAddress(cluster: string, text: string): Address {
  const address = parseAddress(text)
  if (address !== undefined && address.port > 0) return address
  throw new ConnectionError('CONNECT_FAILED', `${cluster}: bootstrap address ${text} is not host:port`, {
    cluster,
  })
}
