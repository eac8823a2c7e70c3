import { z } from 'zod'
import { accessPointId, clusterName, moment, recordId, tenantName, topicName } from './names.ts'
import { nextPage } from './page.ts'

/** What a monitor tells the control plane, as typed events with their evidence. */
export const monitorEventKinds = [
  'CANARY_FAILING',
  'CANARY_WORKS',
  'STRAYS_SEEN',
  'COUNT_LOSS',
  'COUNT_SURPLUS',
  'LAG_STALLED',
  'LAG_STOPPED',
  'LAG_OK',
  'SLO_BURNS',
] as const

export const monitorEvent = z.strictObject({
  /** Told twice, it is one. */
  id: recordId,
  at: moment,
  kind: z.enum(monitorEventKinds),
  cluster: clusterName.nullable().default(null),
  accessPoint: accessPointId.nullable().default(null),
  tenant: tenantName.nullable().default(null),
  topic: topicName.nullable().default(null),
  group: z.string().max(255).nullable().default(null),
  severity: z.enum(['info', 'warning', 'error']),
  detail: z.string().max(1_000),
  evidence: z
    .record(z.string().max(64), z.union([z.string().max(500), z.number(), z.boolean(), z.null()]))
    .refine((all) => Object.keys(all).length <= 32, 'at most 32 pieces of evidence'),
})
export type MonitorEvent = z.output<typeof monitorEvent>

/** Every second: how a monitor sees the clusters, which votes; and what it has found since. */
export const monitorReport = z.strictObject({
  clusters: z.record(
    clusterName,
    z.strictObject({
      state: z.enum(['up', 'down', 'unknown']),
      forMs: z.int().min(0),
      detail: z.string().max(300).nullable(),
    }),
  ),
  events: z.array(monitorEvent).max(100),
})
export type MonitorReport = z.input<typeof monitorReport>

export const monitorReported = z.object({ routeVersion: z.int(), accepted: z.int() })
export const monitorEventList = z.object({
  events: z.array(monitorEvent.extend({ monitor: z.string() })),
  next: nextPage,
})
export type MonitorEventSeen = z.infer<typeof monitorEventList>['events'][number]
