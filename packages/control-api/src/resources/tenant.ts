import { z } from 'zod'
import { bytesPerSecond, clusterName, principalName, shortText, slaName, tenantName } from './names.ts'
import { nextPage } from './page.ts'

/** The tenant of calls that name none. It exists once a cluster is registered, which becomes its home. */
export const defaultTenant = 'default'

/** What a tenant may have without asking anybody; null or absent: no limit. */
export const tenantQuotas = z.strictObject({
  topicsMax: z.int().min(0).max(1_000_000).nullable().default(null),
  partitionsMax: z.int().min(0).max(10_000_000).nullable().default(null),
  /** Sum over its topics of what they expect. */
  bytesInPerSecondMax: bytesPerSecond.nullable().default(null),
})

/** Rules for requests that are granted without an approver. */
export const tenantPolicy = z.strictObject({
  /** SLA classes that may be taken freely; null: all. */
  slas: z.array(slaName).max(100).nullable().default(null),
  partitionsPerTopicMax: z.int().min(1).max(100_000).nullable().default(null),
  retentionMaxMs: z.int().min(1).max(Number.MAX_SAFE_INTEGER).nullable().default(null),
  /** Topic names start so; null: any. */
  topicPrefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/, 'a prefix has 1 to 200 letters, digits, ".", "_" or "-"')
    .nullable()
    .default(null),
})

export const tenantSpec = z.strictObject({
  name: tenantName,
  description: shortText.optional(),
  /** The cluster that coordinates its groups. */
  home: clusterName,
  standbyHome: clusterName.nullable().default(null),
  quotas: tenantQuotas.prefault({}),
  policy: tenantPolicy.prefault({}),
  /** Principals with the role `owner` of this tenant, by name, as tokens and OIDC subjects are named. */
  owners: z.array(principalName).max(1_000).default([]),
  /** Who decides on requests beyond quota or policy; operators and admins always may. */
  approvers: z.array(principalName).max(1_000).default([]),
})
export type TenantSpec = z.input<typeof tenantSpec>

export const tenant = z.object({
  name: z.string(),
  description: z.string().nullable(),
  home: z.string(),
  standbyHome: z.string().nullable(),
  quotas: z.object({
    topicsMax: z.int().nullable(),
    partitionsMax: z.int().nullable(),
    bytesInPerSecondMax: z.int().nullable(),
  }),
  policy: z.object({
    slas: z.array(z.string()).nullable(),
    partitionsPerTopicMax: z.int().nullable(),
    retentionMaxMs: z.int().nullable(),
    topicPrefix: z.string().nullable(),
  }),
  owners: z.array(z.string()),
  approvers: z.array(z.string()),
  /** What it has. */
  usage: z.object({ topics: z.int(), partitions: z.int(), bytesInPerSecond: z.int() }),
})
export type Tenant = z.infer<typeof tenant>

export const tenantList = z.object({ tenants: z.array(tenant), next: nextPage })
