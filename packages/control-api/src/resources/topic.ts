import { z } from 'zod'
import { failoverPolicy } from './failover.ts'
import { bytesPerSecond, clusterName, moment, offset, shortText, slaName, topicName } from './names.ts'
import { nextPage } from './page.ts'

/** Topic configs as Kafka names them, `retention.ms` and so on. */
export const topicConfigs = z
  .record(
    z.string().regex(/^[a-z0-9.]{1,100}$/, 'a config is named like retention.ms'),
    z.string().max(10_000, 'a config value has at most 10000 characters'),
  )
  .refine((all) => Object.keys(all).length <= 100, 'at most 100 configs')

/** What its owner expects of it; placement counts the larger of this and what is measured. */
export const expectedTraffic = z.strictObject({
  bytesInPerSecond: bytesPerSecond.default(0),
  /** Consumer groups that read all of it. */
  readers: z.int().min(0).max(100_000).default(1),
})

export const topicSpec = z.strictObject({
  name: topicName,
  partitions: z.int().min(1).max(100_000),
  /** Its SLA class; without one it takes the clusters' defaults and any shared cluster. */
  sla: slaName.nullable().default(null),
  /** Pinned there: placement keeps to it. Absent: placement decides. */
  cluster: clusterName.nullable().default(null),
  /** The class's when absent, else the cluster's default. */
  replicationFactor: z.int().min(1).max(32).nullable().default(null),
  configs: topicConfigs.default({}),
  expected: expectedTraffic.prefault({}),
  owner: shortText.nullable().default(null),
  contact: shortText.nullable().default(null),
})
export type TopicSpec = z.input<typeof topicSpec>

export const topicCreation = topicSpec
export type TopicCreation = TopicSpec

/** What can change of a topic. What is absent stays. Partitions only grow. */
export const topicUpdate = z.strictObject({
  partitions: z.int().min(1).max(100_000).optional(),
  sla: slaName.nullable().optional(),
  cluster: clusterName.nullable().optional(),
  /** Replaces all of them. */
  configs: topicConfigs.optional(),
  expected: expectedTraffic.optional(),
  owner: shortText.nullable().optional(),
  contact: shortText.nullable().optional(),
})
export type TopicUpdate = z.input<typeof topicUpdate>

/** An existing physical topic becomes loglet 0 of a topic of the same name: its offsets stay right. */
export const topicAdoption = z.strictObject({
  name: topicName,
  cluster: clusterName,
  sla: slaName.nullable().default(null),
  expected: expectedTraffic.prefault({}),
  owner: shortText.nullable().default(null),
  contact: shortText.nullable().default(null),
})
export type TopicAdoption = z.input<typeof topicAdoption>

/** Where placement puts a topic, and why. */
export const placement = z.object({
  cluster: z.string(),
  standby: z.string().nullable(),
  /** The cluster with the place under which groups commit, when the topic is not on its tenant's home. */
  stub: z.string().nullable(),
  reasons: z.array(z.string()),
  considered: z.array(
    z.object({
      cluster: z.string(),
      verdict: z.enum(['chosen', 'possible', 'refused']),
      reason: z.string(),
    }),
  ),
})
export type Placement = z.infer<typeof placement>

/** One loglet of every partition, in chain order. */
export const topicLoglet = z.object({
  cluster: z.string(),
  topic: z.string(),
  /** `lost`: its cluster was given up. `returning`: it is back, and what it has is being recovered. */
  state: z.enum(['sealed', 'active', 'lost', 'returning']),
  /** By partition. `end` is the cut, null while open, or while nobody knows it; `start` and `end` are physical, `base` is logical. */
  partitions: z.array(z.object({ start: offset, end: offset.nullable(), base: offset })),
})
export type TopicLoglet = z.infer<typeof topicLoglet>

export const topicSummary = z.object({
  tenant: z.string(),
  name: z.string(),
  id: z.string(),
  partitions: z.int(),
  maxMessageBytes: z.int(),
  sla: z.string().nullable(),
  /** Where it is pinned to; null when placement decides. */
  pinnedTo: z.string().nullable(),
  /** Cluster and physical topic of the active loglet. */
  cluster: z.string(),
  physicalTopic: z.string(),
  /** What becomes of it when its cluster is lost, as access points know it. */
  failover: failoverPolicy,
  /** Where it would go on when its cluster is lost; null without failover. */
  standby: z.string().nullable(),
  /** The physical topic on the tenant's home under which groups commit. */
  homeTopic: z.string(),
  loglets: z.int(),
  expected: z.object({ bytesInPerSecond: z.int(), readers: z.int() }),
  owner: z.string().nullable(),
  contact: z.string().nullable(),
  /** The migration that moves it now, before its SWITCH. */
  migration: z.string().nullable(),
  /** Differences between what it should be and what is on its cluster, as the reconciler last saw them. */
  drift: z.array(z.string()),
  /** Since when there has been any; null without. */
  driftSince: moment.nullable(),
  createdAt: moment,
})
export type TopicSummary = z.infer<typeof topicSummary>

export const topic = topicSummary.extend({
  /** As asked for; the class's and the cluster's own are not in it. */
  configs: z.record(z.string(), z.string()),
  replicationFactor: z.int().nullable(),
  /** Why it is where it is. */
  placement: z.object({ reasons: z.array(z.string()) }).nullable(),
  chain: z.array(topicLoglet),
  /** Next logical offset of each partition; null unless asked for, or when the cluster does not answer. */
  logEnds: z.array(offset).nullable(),
})
export type Topic = z.infer<typeof topic>

/** With `dryRun`, `topic` is null and nothing was made. */
export const topicCreated = z.object({ topic: topic.nullable(), placement })
export type TopicCreated = z.infer<typeof topicCreated>

export const topicList = z.object({ topics: z.array(topicSummary), next: nextPage })
