import type { BrokerConnection } from './broker-connection.ts'
import type { ClusterAddress, ConnectionOptions } from './options.ts'

export interface BrokerAddress {
  readonly id: number
  readonly host: string
  readonly port: number
}

/** Which of the pool's own connections to a broker: a slow request (create a topic) must not delay a quick one (a cut). */
export type Lane = 'quick' | 'slow'

const later = (): never => {
  throw new Error('not written yet')
}

/** Everything that we hold towards one cluster: its brokers, who leads what, and the pool's own connections. */
export class ClusterConnections {
  readonly name: string
  readonly options: ConnectionOptions

  constructor(address: ClusterAddress, _options: Partial<ConnectionOptions> = {}) {
    this.name = address.name
    this.options = later()
  }
  /** Broker id from the cache, at once; -1 when it is not known. */
  leader(_topic: string, _partition: number): number {
    return later()
  }
  /** From the cache, at once; -1 when it is not known. */
  partitionCount(_topic: string): number {
    return later()
  }
  /**
   * Resolves when every partition of these topics has a leader; rejects with NO_LEADER, UNKNOWN_TOPIC or what kept us
   * from asking, after bounded tries. Calls of one tick share a request. Never creates a topic.
   */
  refreshMetadata(_topics: readonly string[]): Promise<void> {
    return later()
  }
  /** After NOT_LEADER_OR_FOLLOWER: the leader is not known until the next refresh. */
  invalidate(_topic: string, _partition?: number): void {
    later()
  }
  forgetTopic(_topic: string): void {
    later()
  }
  brokers(): Promise<readonly BrokerAddress[]> {
    return later()
  }
  /** The cluster's own id (KIP-78), to tell whether two addresses are one cluster. */
  clusterId(): Promise<string | null> {
    return later()
  }
  /** A connection of the caller's own, to be closed by the caller (or by `close`). */
  open(_brokerId: number): Promise<BrokerConnection> {
    return later()
  }
  /** The pool's own connection, for control requests; opened again when it broke. Do not close it. */
  shared(_brokerId: number, _lane?: Lane): Promise<BrokerConnection> {
    return later()
  }
  /** A shared connection to any live broker. */
  any(_lane?: Lane): Promise<BrokerConnection> {
    return later()
  }
  /** A shared connection to the broker that takes changes to topics. */
  controller(_lane?: Lane): Promise<BrokerConnection> {
    return later()
  }
  /** Broker id of the group's coordinator, cached. */
  coordinator(_groupId: string): Promise<number> {
    return later()
  }
  invalidateCoordinator(_groupId: string): void {
    later()
  }
  /** Closes everything, bounded by `closeTimeoutMs`. Never rejects. Nothing keeps the process alive afterwards. */
  close(): Promise<void> {
    return later()
  }
}
