import type { Role } from '@braid/control-api'

/** Who asks, proven. */
export interface Caller {
  readonly principal: string
  readonly role: Role
  /** Only what is of this tenant; null: of all. */
  readonly tenant: string | null
  /** Tenants that list the principal among their owners, whatever its role. */
  readonly owns: readonly string[]
  readonly by: 'token' | 'oidc' | 'none'
  /** ms since 1970: what stays open must end by then; null: never. */
  readonly endsAt: number | null
  /** Of the token, to look whether it was revoked. */
  readonly tokenId: string | null
}

/** With `auth: 'none'`. */
export const anonymous: Caller = {
  principal: 'anonymous',
  role: 'admin',
  tenant: null,
  owns: [],
  by: 'none',
  endsAt: null,
  tokenId: null,
}

/** The tenants that it sees; undefined: all of them, and what is of none. */
export function visibleTenants({ tenant, owns }: Caller): readonly string[] | undefined {
  return tenant === null ? undefined : [...new Set([tenant, ...owns])].sort()
}

export function sees(caller: Caller, tenant: string): boolean {
  return visibleTenants(caller)?.includes(tenant) ?? true
}

/** What it is to that tenant; undefined when it does not see it. */
export function roleIn(caller: Caller, tenant: string): Role | undefined {
  if (!sees(caller, tenant)) return undefined
  const { role } = caller
  if (role === 'admin' || role === 'operator') return role
  if (caller.owns.includes(tenant)) return 'owner'
  return caller.tenant === null || caller.tenant === tenant ? role : 'owner'
}
