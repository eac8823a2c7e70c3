import { z } from 'zod'
import { clusterName, moment, offset, topicName } from './names.ts'

/** Topic configs as Kafka names them, `retention.ms` and so on. */
const configs = z
  .record(
    z.string().regex(/^[a-z0-9.]{1,100}$/, 'a config is named like retention.ms'),
    z.string().max(10_000, 'a config value has at most 10000 characters'),
  )
  .refine((all) => Object.keys(all).length <= 100, 'at most 100 configs')

export const topicCreation = z.strictObject({
  name: topicName,
  partitions: z.int().min(1).max(100_000),
  /** Where its first loglet is; the tenant's home when absent. */
  cluster: clusterName.optional(),
  /** The cluster's default when absent. */
  replicationFactor: z.int().min(1).max(100).optional(),
  configs: configs.optional(),
})
export type TopicCreation = z.input<typeof topicCreation>

/** An existing physical topic becomes loglet 0 of a topic of the same name: its offsets stay right. */
export const topicAdoption = z.strictObject({ name: topicName, cluster: clusterName })
export type TopicAdoption = z.input<typeof topicAdoption>

/** One loglet of every partition, in chain order. */
export const topicLoglet = z.object({
  cluster: z.string(),
  topic: z.string(),
  state: z.enum(['sealed', 'active']),
  /** By partition. `end` is the cut, null while open; `start` and `end` are physical, `base` is logical. */
  partitions: z.array(z.object({ start: offset, end: offset.nullable(), base: offset })),
})
export type TopicLoglet = z.infer<typeof topicLoglet>

export const topicSummary = z.object({
  tenant: z.string(),
  name: z.string(),
  id: z.string(),
  partitions: z.int(),
  maxMessageBytes: z.int(),
  /** Cluster and physical topic of the active loglet. */
  cluster: z.string(),
  physicalTopic: z.string(),
  /** The physical topic on the tenant's home under which groups commit. */
  homeTopic: z.string(),
  loglets: z.int(),
  /** The migration that moves it now, before its SWITCH. */
  migration: z.string().nullable(),
  createdAt: moment,
})
export type TopicSummary = z.infer<typeof topicSummary>

export const topic = topicSummary.extend({
  chain: z.array(topicLoglet),
  /** Next logical offset of each partition; null unless asked for, or when the cluster does not answer. */
  logEnds: z.array(offset).nullable(),
})
export type Topic = z.infer<typeof topic>

export const topicList = z.object({ topics: z.array(topicSummary) })
