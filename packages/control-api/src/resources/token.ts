import { z } from 'zod'
import { moment, principalName, tenantName } from './names.ts'
import { nextPage } from './page.ts'

/**
 * What a principal may do. `admin`: everything. `operator`: everything but tokens, tenants and SLA classes.
 * `owner`: what is of one tenant: topics, requests. `viewer`: read, all or one tenant. `access-point`: follow the
 * routes, hold a lease, create and delete topics for its clients.
 */
export const role = z.enum(['admin', 'operator', 'owner', 'viewer', 'access-point'])
export type Role = z.infer<typeof role>

export const tokenCreation = z
  .strictObject({
    /** The principal that acts with it. */
    principal: principalName,
    role,
    /** Only this tenant. `owner` needs one; `viewer` and `access-point` may have one. */
    tenant: tenantName.nullable().default(null),
    /** Days until it ends; null: never. */
    expiresInDays: z.int().min(1).max(3_650).nullable().default(null),
  })
  .refine(({ role, tenant }) => role !== 'owner' || tenant !== null, {
    path: ['tenant'],
    message: 'an owner is the owner of a tenant: name it',
  })
  .refine(({ role, tenant }) => (role !== 'admin' && role !== 'operator') || tenant === null, {
    path: ['tenant'],
    message: 'admins and operators act for the whole fleet',
  })
export type TokenCreation = z.input<typeof tokenCreation>

export const token = z.object({
  id: z.string(),
  principal: z.string(),
  role,
  tenant: z.string().nullable(),
  createdBy: z.string(),
  createdAt: moment,
  expiresAt: moment.nullable(),
})
export type Token = z.infer<typeof token>

/** `secret` is shown once: only its hash is kept. */
export const tokenCreated = token.extend({ secret: z.string() })
export type TokenCreated = z.infer<typeof tokenCreated>

export const tokenList = z.object({ tokens: z.array(token), next: nextPage })

export const whoami = z.object({
  principal: z.string(),
  role,
  tenant: z.string().nullable(),
  /** How it was proven. */
  by: z.enum(['token', 'oidc', 'none']),
})
export type Whoami = z.infer<typeof whoami>
