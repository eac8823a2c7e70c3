import { z } from 'zod'
import { accessPointId, clusterName, moment, tenantName } from './names.ts'
import { nextPage } from './page.ts'

/**
 * How long a process may write to topics that fail over, counted from when it sent the renewal that was answered. One
 * that could not renew stops by itself; so when its lease has run out, nothing of it is written any more, and a topic
 * can go on elsewhere though nobody can reach the process. (Gray and Cheriton, Leases, SOSP 1989.)
 */
export const writeLeaseMs = 3_000

/** How one process that serves clients sees a cluster. */
export const clusterSighting = z.strictObject({
  /** `unknown`: it has no reason to talk to it. */
  state: z.enum(['up', 'down', 'unknown']),
  /** For how long it has been so, ms. */
  forMs: z.int().min(0),
  /** What failed last. */
  detail: z.string().max(300).nullable(),
})
export type ClusterSighting = z.output<typeof clusterSighting>

export const leaseRenewal = z.strictObject({
  kind: z.enum(['proxy', 'sdk']),
  /** Of a proxy: its id. */
  accessPoint: accessPointId.nullable().default(null),
  tenant: tenantName,
  /** The route version in force there. */
  routeVersion: z.int().min(0),
  /** Every batch that left under an earlier version than this one is answered, or will never be passed on. */
  settledVersion: z.int().min(0),
  clusters: z.record(clusterName, clusterSighting),
  /** The age of the oldest commit that is not mirrored yet, ms; null when none waits. */
  mirrorLagMs: z.int().min(0).nullable().default(null),
})
export type LeaseRenewal = z.input<typeof leaseRenewal>

export const leaseGranted = z.object({
  /** From when the renewal was sent. */
  leaseMs: z.int(),
  routeVersion: z.int(),
})
export type LeaseGranted = z.infer<typeof leaseGranted>

export const lease = z.object({
  id: z.string(),
  kind: z.enum(['proxy', 'sdk']),
  accessPoint: z.string().nullable(),
  tenant: z.string(),
  routeVersion: z.int(),
  settledVersion: z.int(),
  clusters: z.record(z.string(), clusterSighting),
  mirrorLagMs: z.int().nullable(),
  endsAt: moment,
})
export type Lease = z.infer<typeof lease>
export const leaseList = z.object({ leases: z.array(lease), next: nextPage })
