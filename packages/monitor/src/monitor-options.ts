import type { ControlPlaneUrls } from '@braid/control-api'
import type { Log } from './log.ts'

export interface MonitorOptions {
  /** URL of the control plane; several, as a list or with commas, when they share a store. */
  readonly controlPlane: ControlPlaneUrls
  readonly token?: string | undefined
  /** Names this monitor: what it says of clusters counts as one vantage point. */
  readonly id: string
  /** `host:port` of /metrics, /healthz and /readyz; port 0 for a free one. */
  readonly listen: string
  /** Where the last route table is kept, for a start while the control plane is away. */
  readonly routesFile?: string | undefined
  /** A topic that a record is written to and read from through each listener whose tenant has it. */
  readonly canaryTopic?: string | undefined
  /** `host:port` of proxies' /metrics, for the audit of counts. Without any there is no audit. */
  readonly proxyMetrics?: readonly string[] | undefined
  /** The share of checks that has to succeed, in percent. */
  readonly sloPercent?: number | undefined
  readonly log?: Log | undefined
  readonly timings?: Partial<MonitorTimings> | undefined
}

export interface MonitorTimings {
  /** Between two questions whether a cluster answers. */
  readonly pulseEveryMs: number
  /** Between two records to each broker, and two checks of a listener. */
  readonly checkEveryMs: number
  /** A check that takes longer has failed. */
  readonly checkMaxMs: number
  /** A produce that takes longer counts as failed for service levels. */
  readonly produceMaxMs: number
  /** Between two reports to the control plane. */
  readonly reportEveryMs: number
  readonly lagEveryMs: number
  readonly straysEveryMs: number
  /** Between two looks at counters and logs. */
  readonly auditEveryMs: number
  readonly auditWindowMs: number
  /** For one question to a cluster about many topics. */
  readonly questionMaxMs: number
}

export const defaultTimings: MonitorTimings = {
  pulseEveryMs: 500,
  checkEveryMs: 1_000,
  checkMaxMs: 1_000,
  produceMaxMs: 500,
  reportEveryMs: 1_000,
  lagEveryMs: 5_000,
  straysEveryMs: 10_000,
  auditEveryMs: 5_000,
  auditWindowMs: 60_000,
  questionMaxMs: 5_000,
}

export const defaultSloPercent = 99.9
