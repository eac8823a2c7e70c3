import { writeLeaseMs } from '@braid/control-api'

/** Every wait of the control plane, in ms. */
export interface Timings {
  /** How long clusters may take to name leaders for a fresh topic. */
  readonly leadersMaxMs: number
  /** Between telling access points where a topic will go, and sealing it: they open connections meanwhile. */
  readonly warmUpMs: number
  /** From the seal's request; then it is taken back. */
  readonly sealMaxMs: number
  /** Between two looks at whether brokers refuse already. In the pause, so hardly any. */
  readonly sealPollMs: number
  /** When a sealed loglet is looked at for strays, after its switch. */
  readonly strayChecksMs: readonly number[]
  /** Between looks after those, until it is retired. */
  readonly drainCheckMs: number
  /**
   * A stray is copied on only after this: an append that was validated just before the seal may land just after
   * it, and then it is its access point's to send again.
   */
  readonly strayGraceMs: number
  /** A sealed loglet stays for so long at least, for access points that have yet to hear of the switch. */
  readonly retireAfterMs: number
  readonly retryBaseMs: number
  readonly retryMaxMs: number
  /** How long a call waits for physical topics to be deleted before it leaves that to the background. */
  readonly sweepMaxMs: number
  readonly sweepEveryMs: number
  /** A leftover that is not there is looked for again for so long: what makes it may still be under way. */
  readonly leftoverSettleMs: number
  /** Between two looks at the topics of a cluster: whether they are what they should be. */
  readonly reconcileEveryMs: number
  /** A cluster that has not answered such a look by then is away. */
  readonly reconcileLookMaxMs: number
  /** How long a changed spec waits to be in place before it is answered. */
  readonly reconcileSoonMaxMs: number
  /** How long a process may write to topics that fail over, without renewing. */
  readonly writeLeaseMs: number
  /** So much longer it is waited for: clocks do not run alike. */
  readonly leaseMarginMs: number
  /** Between two times that a leader which others may replace looks whether it still is one. */
  readonly leadCheckMs: number
  /** Between two small questions to a cluster, whether it is there. */
  readonly pulseEveryMs: number
  readonly pulseTimeoutMs: number
  /** Between two looks at whether a cluster is lost, when nothing new was heard of it. */
  readonly detectEveryMs: number
  /** A monitor that has not reported for so long has no vote. */
  readonly monitorVoteMs: number
  /** A canary that finds no way to write counts only after so long while the cluster answers. */
  readonly refusesWritesMs: number
  /** After an automatic failover that did not come about, until it is tried again. */
  readonly failoverRetryMs: number
  /** Between two looks at the ends of the logs that may be lost. */
  readonly knownEndsEveryMs: number
  /** A cluster that has not told its ends by then has not told them. */
  readonly knownEndsMaxMs: number
  /** Where topics would go on has to answer within this. */
  readonly standbyCheckMaxMs: number
  /** How long a failover waits for where groups are. */
  readonly positionsMaxMs: number
  /** What an access point had sent before it was heard of no more is at its broker by then. */
  readonly strandedMaxMs: number
  /**
   * A producer that has begun to write again what was lost goes on with it for so long: clients give a batch up after
   * two minutes (delivery.timeout.ms).
   */
  readonly repeatsSettleMs: number
  readonly leaseMs: number
  readonly leaseCheckMs: number
  readonly heartbeatMs: number
  /** A call that waits for a change is answered after so long at most, however long it asked for. */
  readonly longPollMaxMs: number
  /** Between two looks at whether those who read a feed may still; it ends so long after they may not. */
  readonly credentialsCheckMs: number
  /** Between two tries of a control plane to lead, while another does. */
  readonly lockTryMs: number
  /** Between two looks at the store of one that does not lead, when nothing wakes it. */
  readonly followEveryMs: number
  /** A term that has ended waits so long for what was begun in it. */
  readonly termEndMaxMs: number
}

export const defaultTimings: Timings = {
  leadersMaxMs: 30_000,
  warmUpMs: 250,
  sealMaxMs: 10_000,
  sealPollMs: 1,
  strayChecksMs: [100, 500, 2_000, 10_000, 60_000],
  drainCheckMs: 60_000,
  strayGraceMs: 10_000,
  retireAfterMs: 60_000,
  retryBaseMs: 200,
  retryMaxMs: 10_000,
  sweepMaxMs: 10_000,
  sweepEveryMs: 15_000,
  leftoverSettleMs: 60_000,
  reconcileEveryMs: 30_000,
  reconcileLookMaxMs: 10_000,
  reconcileSoonMaxMs: 5_000,
  writeLeaseMs,
  leaseMarginMs: 100,
  leadCheckMs: 500,
  pulseEveryMs: 500,
  pulseTimeoutMs: 1_000,
  detectEveryMs: 100,
  monitorVoteMs: 5_000,
  refusesWritesMs: 15_000,
  failoverRetryMs: 5_000,
  knownEndsEveryMs: 5_000,
  knownEndsMaxMs: 4_000,
  standbyCheckMaxMs: 1_000,
  positionsMaxMs: 1_500,
  strandedMaxMs: 10_000,
  repeatsSettleMs: 120_000,
  leaseMs: 10_000,
  leaseCheckMs: 500,
  heartbeatMs: 2_000,
  longPollMaxMs: 30_000,
  credentialsCheckMs: 10_000,
  lockTryMs: 500,
  followEveryMs: 1_000,
  termEndMaxMs: 5_000,
}
