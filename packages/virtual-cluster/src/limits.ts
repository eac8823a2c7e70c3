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
}

export const defaultLimits: Limits = {
  requestMaxBytes: 104_857_600,
  framePoolMaxBytes: 64 * 1024 * 1024,
  inflightMaxBytes: 16 * 1024 * 1024,
  inflightMaxRequests: 512,
  holdMaxMs: 2_000,
  heldMaxBytesPerTopic: 64 * 1024 * 1024,
  reofferMs: 250,
  sequenceGapMaxMs: 1_000,
  brokerTimeoutMs: 30_000,
  fetchMaxBytes: 32 * 1024 * 1024,
  fetchMaxWaitMs: 30_000,
  knownProducersMaxPerPartition: 10_000,
  mintedProducersMax: 100_000,
  duplicateScanMaxBytes: 64 * 1024 * 1024,
}
