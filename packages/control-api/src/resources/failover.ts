import { z } from 'zod'
import { moment, offset, shortText } from './names.ts'
import { nextPage } from './page.ts'

export const failoverPolicy = z.enum(['none', 'strict', 'available'])

/**
 * What a cluster that is lost goes through, and one that returns. Two kinds of record, each a saga.
 *
 *     failover   CHECK ── FENCE ──SWITCH──> switched          (cancelled or failed before SWITCH: all is as it was)
 *     return     CHECK ── SEAL ── ANNOUNCE ── AWAIT ── RECOVER ──END──> done
 */
export const failoverKind = z.enum(['failover', 'return'])
export type FailoverKind = z.infer<typeof failoverKind>
export const failoverSteps = [
  'CHECK',
  'FENCE',
  'SWITCH',
  'SEAL',
  'ANNOUNCE',
  'AWAIT',
  'RECOVER',
  'END',
] as const
export const failoverState = z.enum(['running', 'undoing', 'done', 'failed', 'cancelled'])

/** Who saw a cluster as what: a vote of the failure detector. */
export const clusterVote = z.object({
  /** `proxy proxy-1`, `sdk 7f3c`, `control plane`, `monitor m-1` */
  by: z.string(),
  state: z.enum(['up', 'down', 'unknown']),
  forMs: z.int(),
  detail: z.string().nullable(),
})
export type ClusterVote = z.infer<typeof clusterVote>

/** What a failover does with one topic, or a return. */
export const failoverTopic = z.object({
  tenant: z.string(),
  topic: z.string(),
  policy: failoverPolicy,
  from: z.object({ cluster: z.string(), topic: z.string() }),
  /** Null: it stays and waits, and `reason` says why. */
  to: z.object({ cluster: z.string(), topic: z.string() }).nullable(),
  reason: z.string(),
  /** The last logical end of each partition that was known before the switch; null when none was. */
  knownEnds: z.array(offset).nullable(),
  /** Where the new loglet begins, on every partition. Null before SWITCH. */
  base: offset.nullable(),
  /** Of a return: records that were found beyond the known ends, left out because they stand twice, and copied on. */
  recovered: z.object({ tail: z.int(), leftOut: z.int(), copied: z.int(), toCopy: z.int() }).nullable(),
})
export type FailoverTopic = z.infer<typeof failoverTopic>

export const failoverHome = z.object({
  tenant: z.string(),
  from: z.string(),
  /** Null: it has no standby home that can be reached, its groups wait. */
  to: z.string().nullable(),
  reason: z.string(),
})
export type FailoverHome = z.infer<typeof failoverHome>

export const failoverPlan = z.object({
  cluster: z.string(),
  topics: z.array(failoverTopic),
  homes: z.array(failoverHome),
  /** Access points and SDKs that hold a lease; those that cannot be told make the switch wait for their lease. */
  leases: z.int(),
  summary: z.string(),
})
export type FailoverPlan = z.infer<typeof failoverPlan>

export const failover = z.object({
  id: z.string(),
  kind: failoverKind,
  cluster: z.string(),
  /** `automatic`: the failure detector decided it. */
  by: z.string(),
  reason: z.string(),
  votes: z.array(clusterVote),
  state: failoverState,
  step: z.enum(failoverSteps),
  counts: z.object({ topics: z.int(), moved: z.int(), waiting: z.int(), homes: z.int() }),
  /** From the decision to the switch, ms; and of it, what access points were waited for. Null before. */
  decisionToSwitchMs: z.number().nullable(),
  fenceMs: z.number().nullable(),
  routeVersion: z.int().nullable(),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  createdAt: moment,
  endedAt: moment.nullable(),
  revision: z.int(),
})
export type Failover = z.infer<typeof failover>
export const failoverList = z.object({ failovers: z.array(failover), next: nextPage })
export const failoverTopicList = z.object({ topics: z.array(failoverTopic), next: nextPage })

export const failoverStart = z.strictObject({
  reason: shortText.optional(),
  /** Although the cluster answers, or another one was given up a short while ago. */
  force: z.boolean().default(false),
})
export type FailoverStart = z.input<typeof failoverStart>
/** With `dryRun`, `failover` is null. */
export const failoverStarted = z.object({ failover: failover.nullable(), plan: failoverPlan })
export type FailoverStarted = z.infer<typeof failoverStarted>

export const returnStart = z.strictObject({
  /** Afterwards its topics are moved back, live, as ordinary migrations. */
  moveBack: z.boolean().default(false),
})
export type ReturnStart = z.input<typeof returnStart>

/** How the failure detector sees one cluster. */
export const clusterHealth = z.object({
  cluster: z.string(),
  state: z.enum(['up', 'suspected', 'down', 'given-up', 'returning']),
  votes: z.array(clusterVote),
  /** Why it is not given up automatically, or when it will be. */
  verdict: z.string(),
  /** Topics whose class fails over and that are active there. */
  topics: z.int(),
})
export type ClusterHealth = z.infer<typeof clusterHealth>

export const failoverSettings = z.strictObject({
  /** The one switch: off, and nothing fails over unless somebody says so. */
  automatic: z.boolean(),
  /** After an automatic failover, no other cluster is given up automatically for so long. */
  quietMs: z.int().min(0).max(86_400_000),
  /** For how long enough vantage points must have seen a cluster down. */
  downForMs: z.int().min(200).max(600_000),
})
export type FailoverSettings = z.infer<typeof failoverSettings>
export const failoverSettingsUpdate = failoverSettings.partial()
export const defaultFailoverSettings: FailoverSettings = {
  automatic: true,
  quietMs: 600_000,
  downForMs: 1_000,
}

export const failoverStatus = z.object({
  settings: failoverSettings,
  clusters: z.array(clusterHealth),
  /** Until when nothing is given up automatically; null: it may be now. */
  quietUntil: moment.nullable(),
  underway: z.array(failover),
})
export type FailoverStatus = z.infer<typeof failoverStatus>

/** What giving up a lost loglet for good would cost. `confirm` is needed to do it. */
export const abandonment = z.strictObject({ confirm: z.boolean().default(false) })
export const abandoned = z.object({
  cluster: z.string(),
  topic: z.string(),
  /** Records that were known to be there when the cluster was given up; null: nobody knows. */
  recordsKnown: z.int().nullable(),
  /** What may be lost, in words. */
  price: z.string(),
  done: z.boolean(),
})
export type Abandoned = z.infer<typeof abandoned>
