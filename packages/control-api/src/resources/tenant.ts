import { z } from 'zod'
import { clusterName } from './names.ts'

/** The one tenant of this release. */
export const defaultTenant = 'default'

export const tenant = z.object({ name: z.string(), home: clusterName })
export type Tenant = z.infer<typeof tenant>

export const tenantList = z.object({ tenants: z.array(tenant) })
