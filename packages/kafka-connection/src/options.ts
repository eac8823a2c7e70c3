import type { FrameMemory } from '@braid/kafka-protocol'
import type { ClusterSecurity } from '@braid/routing-model'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import type { Connect } from './socket.ts'
import { connectSocket } from './socket.ts'

/** Where a cluster is reached at first. Every address is tried; one live broker is enough. */
export interface ClusterAddress {
  readonly name: string
  /** host:port each */
  readonly bootstrap: readonly string[]
}

export interface ConnectionOptions {
  readonly clientId: string
  /** plaintext when absent; what it refers to is read at every connect */
  readonly security?: ClusterSecurity | undefined
  /** TCP connect, TLS, version negotiation and authentication together */
  readonly connectTimeoutMs: number
  /** for `call`, the admin functions and everything that names no time of its own */
  readonly requestTimeoutMs: number
  /**
   * for questions that a broker answers at once: metadata, coordinators, cuts. Short, as a broker that is frozen keeps its
   * connections open, and another may answer
   */
  readonly lookupTimeoutMs: number
  /** how long `close` waits for answers that are under way */
  readonly closeTimeoutMs: number
  /** cached metadata is asked for again after this time, also when nothing complained */
  readonly metadataMaxAgeMs: number
  /** how long a refresh keeps trying while leaders are missing */
  readonly metadataTimeoutMs: number
  /** how long a refresh keeps trying when brokers say that the topic does not exist (new topics take a moment) */
  readonly unknownTopicTimeoutMs: number
  /** waits between tries: full jitter under a ceiling that doubles from the first to the second */
  readonly backoffFirstMs: number
  readonly backoffMaxMs: number
  /** an answer that claims to be longer closes its connection */
  readonly maxFrameBytes: number
  /** where long answers are read to; the heap when absent. Whoever gets the frame may give it back. */
  readonly memory?: Pick<FrameMemory, 'take'>
  /** requests under way on one connection */
  readonly maxInflight: number
  /** bytes that one connection holds for a broker that does not read them */
  readonly maxWritableBytes: number
  /** entries in the metadata cache and in the coordinator cache; the oldest leaves first */
  readonly maxCachedTopics: number
  readonly maxCachedGroups: number
  /** in [0, 1) */
  readonly random: () => number
  readonly clock: Clock
  /** makes a socket; given by tests */
  readonly connect: Connect
}

export const defaultOptions: ConnectionOptions = {
  clientId: 'braid',
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  lookupTimeoutMs: 5_000,
  closeTimeoutMs: 1_000,
  metadataMaxAgeMs: 300_000,
  metadataTimeoutMs: 10_000,
  unknownTopicTimeoutMs: 1_000,
  backoffFirstMs: 20,
  backoffMaxMs: 1_000,
  maxFrameBytes: 128 * 1024 * 1024,
  maxInflight: 1_000,
  maxWritableBytes: 8 * 1024 * 1024,
  maxCachedTopics: 200_000,
  maxCachedGroups: 50_000,
  random: Math.random,
  clock: systemClock,
  connect: connectSocket,
}
