/** Every bound of the data plane, with its unit last. One place, so that docs and tests can name them all. */
export interface Limits {
  /** Longest request frame that a client may send. Larger: the connection is closed with a log line. */
  readonly requestMaxBytes: number
  /** Memory of large requests that is kept for the next ones, for the whole process. */
  readonly framePoolMaxBytes: number
  /** Unanswered request bytes of one client connection; above it the socket is not read. */
  readonly inflightMaxBytes: number
  /** Unanswered requests of one client connection; above it the socket is not read. */
  readonly inflightMaxRequests: number
  /** Longest time that a refused batch waits for the route version that names its new loglet. */
  readonly holdMaxMs: number
  /**
   * Longest time that a batch of a topic that fails over waits for the write lease, for a cluster that was given up or
   * for a broker that cannot be reached: it ends when another cluster has taken over.
   */
  readonly failoverHoldMaxMs: number
  /** Held bytes of one topic; above it the connections that write to it are not read. */
  readonly heldMaxBytesPerTopic: number
  /** How often a held batch is offered to the same loglet again (a cancelled migration unseals it). */
  readonly reofferMs: number
  /** How long a batch waits for the batches of its producer that come before it in sequence. */
  readonly sequenceGapMaxMs: number
  /** Deadline of one request to a broker, on top of what the client allowed the broker to wait. */
  readonly brokerTimeoutMs: number
  /** Most record bytes that one fetch answer carries, whatever the client allows. */
  readonly fetchMaxBytes: number
  /** Longest time that a broker may hold a fetch, whatever the client allows. */
  readonly fetchMaxWaitMs: number
  /** Producers remembered per partition as known to the active loglet's broker. */
  readonly knownProducersMaxPerPartition: number
  /** Producer ids given out here that are remembered, with when. */
  readonly mintedProducersMax: number
  /** How far a duplicate's place is looked for from the end of a sealed loglet. */
  readonly duplicateScanMaxBytes: number
  /** How often commits are written to the standby home, the latest of each partition. */
  readonly mirrorEveryMs: number
  /** Commits that wait to be written there; above it the oldest are dropped. */
  readonly mirrorMaxCommits: number
  /** Groups whose commits are written there at one time. */
  readonly mirrorMaxGroups: number
  /** Deadline of one request to write them. */
  readonly mirrorTimeoutMs: number
  /** How old a commit may be that is tried again when writing it failed. */
  readonly mirrorRetryMaxMs: number
  /** How long a group's request waits for a home that is away to come back, or to move. */
  readonly homeWaitMaxMs: number
  /** How long home may be silent until what was asked of it is given up. */
  readonly homeSilentMaxMs: number
}

export const defaultLimits: Limits = {
  requestMaxBytes: 104_857_600,
  framePoolMaxBytes: 64 * 1024 * 1024,
  inflightMaxBytes: 16 * 1024 * 1024,
  inflightMaxRequests: 512,
  holdMaxMs: 2_000,
  failoverHoldMaxMs: 5_000,
  heldMaxBytesPerTopic: 64 * 1024 * 1024,
  reofferMs: 250,
  sequenceGapMaxMs: 1_000,
  brokerTimeoutMs: 30_000,
  fetchMaxBytes: 32 * 1024 * 1024,
  fetchMaxWaitMs: 30_000,
  knownProducersMaxPerPartition: 10_000,
  mintedProducersMax: 100_000,
  duplicateScanMaxBytes: 64 * 1024 * 1024,
  mirrorEveryMs: 250,
  mirrorMaxCommits: 100_000,
  mirrorMaxGroups: 16,
  mirrorTimeoutMs: 5_000,
  mirrorRetryMaxMs: 60_000,
  homeWaitMaxMs: 1_000,
  homeSilentMaxMs: 2_000,
}
