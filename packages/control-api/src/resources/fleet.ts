// The whole fleet as one document: what `braid plan`, `braid apply` and `braid export` speak of.
import { z } from 'zod'
import { clusterRegistration } from './cluster.ts'
import { tenantName } from './names.ts'
import { operation, plannedMove } from './operation.ts'
import { slaSpec } from './sla.ts'
import { tenantSpec } from './tenant.ts'
import { placement, topicSpec } from './topic.ts'

const unique = (of: string, key: (item: { name: string; tenant?: string }) => string) =>
  [
    (items: readonly { name: string; tenant?: string }[]) => new Set(items.map(key)).size === items.length,
    `${of} is there twice`,
  ] as const

/** What is absent takes its default, so a file says what differs. What it does not name is left alone unless pruned. */
export const fleet = z.strictObject({
  version: z.literal(1),
  clusters: z
    .array(clusterRegistration)
    .max(10_000)
    .default([])
    .refine(...unique('a cluster', ({ name }) => name)),
  slas: z
    .array(slaSpec)
    .max(1_000)
    .default([])
    .refine(...unique('an SLA class', ({ name }) => name)),
  tenants: z
    .array(tenantSpec)
    .max(100_000)
    .default([])
    .refine(...unique('a tenant', ({ name }) => name)),
  topics: z
    .array(topicSpec.extend({ tenant: tenantName.default('default') }))
    .max(200_000)
    .default([])
    .refine(...unique('a topic', ({ tenant, name }) => `${tenant}/${name}`)),
})
export type Fleet = z.output<typeof fleet>
export type FleetInput = z.input<typeof fleet>

export const planRequest = z.strictObject({
  fleet,
  /** Also removes what the file does not name. */
  prune: z.boolean().default(false),
})

/** One difference between what is desired and what is. */
export const plannedChange = z.object({
  action: z.enum(['create', 'update', 'delete', 'move']),
  kind: z.enum(['cluster', 'sla', 'tenant', 'topic']),
  /** `tenant/name` for topics. */
  name: z.string(),
  /** By path, in the file's words; values as JSON. */
  diff: z.array(z.object({ path: z.string(), before: z.unknown(), after: z.unknown() })),
  /** For topics that are created or moved. */
  placement: placement.nullable(),
  /** What could hurt: data that is deleted, a limit that shrinks, a reader that waits. */
  risks: z.array(z.string()),
})
export type PlannedChange = z.infer<typeof plannedChange>

export const fleetPlan = z.object({
  /** Of the world that it was made for. Apply refuses STALE_PLAN when it is another by then. */
  basedOn: z.string(),
  changes: z.array(plannedChange),
  moves: z.array(plannedMove),
  /** Why it cannot be applied as it is. Empty for a plan that can. */
  obstacles: z.array(z.object({ what: z.string(), reason: z.string() })),
  /** In the world, not in the file, and left alone. */
  unnamed: z.array(z.string()),
})
export type FleetPlan = z.infer<typeof fleetPlan>

export const applyRequest = planRequest.extend({
  basedOn: z.string().regex(/^[0-9a-f]{16}$/, 'the revision that a plan said'),
})

export const fleetApplied = z.object({ plan: fleetPlan, operation })
export type FleetApplied = z.infer<typeof fleetApplied>

export const fleetExport = z.object({ revision: z.string(), fleet: z.unknown() })
