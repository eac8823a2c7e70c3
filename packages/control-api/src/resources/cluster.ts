import { z } from 'zod'
import { bootstrapAddresses, clusterName, moment } from './names.ts'

/** A cluster as an operator registers it. */
export const clusterRegistration = z.strictObject({
  name: clusterName,
  bootstrap: bootstrapAddresses,
  /** The partitions it has room for, over all its topics; no limit when absent. */
  partitionsMax: z.int().min(1).max(10_000_000).optional(),
})
export type ClusterRegistration = z.input<typeof clusterRegistration>

export const cluster = z.object({
  name: z.string(),
  /** Small and stable: part of the node ids that clients see. */
  number: z.int(),
  bootstrap: z.array(z.string()),
  /** The id that the cluster gave itself when it was formatted. */
  clusterId: z.string(),
  partitionsMax: z.int().nullable(),
  /** Tenants whose groups it coordinates. */
  homeOf: z.array(z.string()),
  /** Loglets that live there, in chains of topics. */
  loglets: z.int(),
  registeredAt: moment,
})
export type Cluster = z.infer<typeof cluster>

export const clusterList = z.object({ clusters: z.array(cluster) })
