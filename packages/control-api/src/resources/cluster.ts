import { z } from 'zod'

import { clusterSecurity } from './cluster-security.ts'
import { bootstrapAddresses, bytesPerSecond, clusterName, labels, moment, tenantName } from './names.ts'
import { nextPage } from './page.ts'

/** `shared`: topics of every tenant; `dedicated`: of one; `read`: replicas for many readers, never written to by clients. */
export const clusterTier = z.enum(['shared', 'dedicated', 'read'])
export type ClusterTier = z.infer<typeof clusterTier>

/** What a cluster has room for; null: no limit. */
export const clusterCapacity = z.strictObject({
  bytesInPerSecond: bytesPerSecond.nullable().default(null),
  /** Readers and replication: (readers + replication factor - 1) x bytes in, over its topics. */
  bytesOutPerSecond: bytesPerSecond.nullable().default(null),
  /** Over all its topics, each partition counted once and not once per replica. */
  partitions: z.int().min(1).max(10_000_000).nullable().default(null),
})

/**
 *     active <──> cordoned    takes no new topics
 *        │           │
 *        └─> draining ┘       its topics are being moved away
 *     unavailable             it is lost, until it returns
 */
export const clusterState = z.enum(['active', 'cordoned', 'draining', 'unavailable'])
export type ClusterState = z.infer<typeof clusterState>

/** A cluster as an operator registers it. */
export const clusterRegistration = z
  .strictObject({
    name: clusterName,
    bootstrap: bootstrapAddresses,
    /** Null: plaintext, and nobody is asked who they are. */
    security: clusterSecurity.nullable().default(null),
    tier: clusterTier.default('shared'),
    /** The tenant of a dedicated cluster. */
    dedicatedTo: tenantName.nullable().default(null),
    labels: labels.default({}),
    capacity: clusterCapacity.prefault({}),
  })
  .refine(({ tier, dedicatedTo }) => (tier === 'dedicated') === (dedicatedTo !== null), {
    path: ['dedicatedTo'],
    message: 'a dedicated cluster, and no other, says which tenant it is dedicated to',
  })
export type ClusterRegistration = z.input<typeof clusterRegistration>

/** What can change of a registered cluster. What is absent stays. */
export const clusterUpdate = z.strictObject({
  bootstrap: bootstrapAddresses.optional(),
  security: clusterSecurity.nullable().optional(),
  tier: clusterTier.optional(),
  dedicatedTo: tenantName.nullable().optional(),
  labels: labels.optional(),
  capacity: clusterCapacity.optional(),
})
export type ClusterUpdate = z.input<typeof clusterUpdate>

export const cluster = z.object({
  name: z.string(),
  /** Small and stable: part of the node ids that clients see. */
  number: z.int(),
  bootstrap: z.array(z.string()),
  security: clusterSecurity.nullable(),
  /** The id that the cluster gave itself when it was formatted. */
  clusterId: z.string(),
  tier: clusterTier,
  dedicatedTo: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  capacity: z.object({
    bytesInPerSecond: z.int().nullable(),
    bytesOutPerSecond: z.int().nullable(),
    partitions: z.int().nullable(),
  }),
  state: clusterState,
  /** What placement counts on it: what its topics expect or were measured at. */
  load: z.object({ bytesInPerSecond: z.int(), bytesOutPerSecond: z.int(), partitions: z.int() }),
  /** Tenants whose groups it coordinates. */
  homeOf: z.array(z.string()),
  /** Topics whose active loglet is there. */
  topics: z.int(),
  /** Loglets that live there, in chains of topics. */
  loglets: z.int(),
  registeredAt: moment,
})
export type Cluster = z.infer<typeof cluster>

export const clusterList = z.object({ clusters: z.array(cluster), next: nextPage })
