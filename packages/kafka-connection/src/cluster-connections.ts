import type { BrokerConnection } from './broker-connection.ts'
import { Coordinators } from './coordinators.ts'
import { ConnectionError } from './errors.ts'
import { MetadataRefresher } from './metadata.ts'
import { MetadataCache } from './metadata-cache.ts'
import { type ClusterAddress, type ConnectionOptions, defaultOptions } from './options.ts'
import { type BrokerAddress, type Lane, Pool } from './pool.ts'
import { Waits } from './waits.ts'

/** Everything that we hold towards one cluster: its brokers, who leads what, and the pool's own connections. */
export class ClusterConnections {
  readonly name: string
  readonly options: ConnectionOptions
  readonly #waits: Waits
  readonly #pool: Pool
  readonly #cache: MetadataCache
  readonly #refresher: MetadataRefresher
  readonly #coordinators: Coordinators
  #closing: Promise<void> | undefined

  constructor(address: ClusterAddress, options: Partial<ConnectionOptions> = {}) {
    this.name = address.name
    this.options = { ...defaultOptions, ...options }
    this.#waits = new Waits(this.options.clock)
    this.#pool = new Pool(address, this.options, this.#waits)
    this.#cache = new MetadataCache(this.options.maxCachedTopics)
    const any = () => this.any()
    const source = { cluster: this.name, any, learn: this.#pool.learn.bind(this.#pool) }
    this.#refresher = new MetadataRefresher(source, this.#cache, this.options)
    this.#coordinators = new Coordinators(this.name, any, this.options, this.#waits)
  }

  /** Broker id from the cache, at once; -1 when it is not known. */
  leader(topic: string, partition: number): number {
    return this.#cache.leader(topic, partition)
  }

  /** From the cache, at once; -1 when it is not known. */
  partitionCount(topic: string): number {
    return this.#cache.partitionCount(topic)
  }

  /**
   * Resolves when every partition of these topics has a leader; rejects with NO_LEADER, UNKNOWN_TOPIC or what kept us
   * from asking, after bounded tries. Calls of one tick share a request. Never creates a topic.
   */
  refreshMetadata(topics: readonly string[]): Promise<void> {
    return this.#refresher.refresh(topics)
  }

  /** After NOT_LEADER_OR_FOLLOWER: the leader (of this partition, or of all) is not known until the next refresh. */
  invalidate(topic: string, partition?: number): void {
    this.#cache.invalidate(topic, partition)
  }

  forgetTopic(topic: string): void {
    this.#cache.forget(topic)
  }

  async brokers(): Promise<readonly BrokerAddress[]> {
    this.#refuseWhenClosed()
    await this.#pool.ensureKnown()
    return this.#pool.addresses
  }

  /** Asks for the list of brokers and the controller again. */
  async refreshBrokers(): Promise<void> {
    this.#refuseWhenClosed()
    await this.#pool.relearn()
  }

  /** The cluster's own id (KIP-78), to tell whether two addresses are one cluster. */
  async clusterId(): Promise<string | null> {
    this.#refuseWhenClosed()
    await this.#pool.ensureKnown()
    return this.#pool.clusterId
  }

  /** A connection of the caller's own, to be closed by the caller (or by `close`). */
  async open(brokerId: number): Promise<BrokerConnection> {
    this.#refuseWhenClosed()
    return this.#pool.open(brokerId)
  }

  /** The pool's own connection, for control requests; opened again when it broke. Do not close it. */
  async shared(brokerId: number, lane: Lane = 'quick'): Promise<BrokerConnection> {
    this.#refuseWhenClosed()
    return this.#pool.shared(brokerId, lane)
  }

  /** A shared connection to any live broker. */
  async any(lane: Lane = 'quick'): Promise<BrokerConnection> {
    this.#refuseWhenClosed()
    return this.#pool.any(lane)
  }

  /** A shared connection to the broker that takes changes to topics (with KRaft any: it passes them on). */
  async controller(lane: Lane = 'slow'): Promise<BrokerConnection> {
    this.#refuseWhenClosed()
    await this.#pool.ensureKnown()
    const id = this.#pool.controllerId
    if (id >= 0) {
      const connection = await this.#pool.shared(id, lane).catch(() => undefined)
      if (connection !== undefined) return connection
    }
    return this.any(lane)
  }

  /** Broker id of the group's coordinator, cached. */
  async coordinator(groupId: string): Promise<number> {
    this.#refuseWhenClosed()
    return this.#coordinators.find(groupId)
  }

  /** After NOT_COORDINATOR. */
  invalidateCoordinator(groupId: string): void {
    this.#coordinators.invalidate(groupId)
  }

  /** For the loops of the admin functions: ends early when these connections are closed. */
  wait(ms: number): Promise<void> {
    return this.#waits.wait(ms)
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Closes everything, bounded by `closeTimeoutMs`. Never rejects. Nothing keeps the process alive afterwards. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#waits.close()
    this.#refresher.close()
    await this.#pool.close()
  }

  /** Closes now: everything under way fails with CLOSED, on connections that `open` gave out too. */
  destroy(reason: string): void {
    this.#closing ??= Promise.resolve()
    this.#waits.close()
    this.#refresher.close()
    this.#pool.destroy(reason)
  }

  #refuseWhenClosed(): void {
    if (this.#closing === undefined) return
    throw new ConnectionError('CLOSED', `${this.name} connections were closed here`, { cluster: this.name })
  }
}
