import { z } from 'zod'
import { labels, shortText, slaName } from './names.ts'
import { nextPage } from './page.ts'

/** What a class of topics is promised. Placement turns it into clusters; nobody names a cluster. */
export const slaSpec = z
  .strictObject({
    name: slaName,
    description: shortText.optional(),
    availability: z
      .strictObject({
        /**
         * When a topic's cluster is lost: `none` waits for it; `strict` goes on elsewhere and keeps the order once it
         * is back; `available` lets readers go on at once and appends the recovered tail later.
         */
        failover: z.enum(['none', 'strict', 'available']).default('none'),
      })
      .prefault({}),
    durability: z
      .strictObject({
        replicationFactor: z.int().min(1).max(32).default(3),
        minInSyncReplicas: z.int().min(1).max(32).default(1),
        /** Acknowledged by two clusters. Not offered yet: refused. */
        dual: z.boolean().default(false),
      })
      .prefault({}),
    latency: z
      .strictObject({
        /** Only on clusters that are dedicated to the topic's tenant. */
        dedicated: z.boolean().default(false),
        /** Only on clusters that have all of these. */
        labels: labels.default({}),
      })
      .prefault({}),
    /** The longest retention.ms that its topics may ask for; null: no limit. */
    retentionMaxMs: z.int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().default(null),
  })
  .refine(({ durability }) => durability.minInSyncReplicas <= durability.replicationFactor, {
    path: ['durability', 'minInSyncReplicas'],
    message: 'minInSyncReplicas cannot be above replicationFactor',
  })
export type SlaSpec = z.input<typeof slaSpec>

export const sla = z.object({
  name: z.string(),
  description: z.string().nullable(),
  availability: z.object({ failover: z.enum(['none', 'strict', 'available']) }),
  durability: z.object({ replicationFactor: z.int(), minInSyncReplicas: z.int(), dual: z.boolean() }),
  latency: z.object({ dedicated: z.boolean(), labels: z.record(z.string(), z.string()) }),
  retentionMaxMs: z.int().nullable(),
  /** Topics of the class. */
  topics: z.int(),
})
export type Sla = z.infer<typeof sla>

export const slaList = z.object({ slas: z.array(sla), next: nextPage })
