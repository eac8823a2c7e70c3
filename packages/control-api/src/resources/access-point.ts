import { z } from 'zod'
import { clusterName, hostPort, moment } from './names.ts'
import { nextPage } from './page.ts'

/** An access point that is not renewed for so long is taken out of the routes. */
export const accessPointLeaseMs = 10_000

export const accessPointRenewal = z.strictObject({
  bootstrap: hostPort,
  /** cluster -> host:port of the listener that leads to it first */
  listeners: z.record(clusterName, hostPort),
  /** The route version in force there. */
  routeVersion: z.int().min(0),
})
export type AccessPointRenewal = z.input<typeof accessPointRenewal>

export const accessPointLease = z.object({
  id: z.string(),
  /** Stable for this id, for ever: part of the node ids that clients see. */
  number: z.int(),
  leaseMs: z.int(),
  /** The route version of the control plane: a larger one than yours is on its way by the feed. */
  routeVersion: z.int(),
})
export type AccessPointLease = z.infer<typeof accessPointLease>

export const accessPoint = z.object({
  id: z.string(),
  number: z.int(),
  bootstrap: z.string(),
  listeners: z.record(z.string(), z.string()),
  routeVersion: z.int(),
  leaseEndsAt: moment,
})
export type AccessPoint = z.infer<typeof accessPoint>

export const accessPointList = z.object({ accessPoints: z.array(accessPoint), next: nextPage })
