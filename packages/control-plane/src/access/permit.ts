// The one place that says who may call what.
import type { Access, EndpointId, Role } from '@braid/control-api'
import { Refusal, unknownTenant } from '../refusal.ts'
import { type Caller, roleIn, sees } from './caller.ts'

const admins: readonly Role[] = ['admin']
const operators: readonly Role[] = ['admin', 'operator']
const owners: readonly Role[] = ['admin', 'operator', 'owner']

/** Who has the access. An access point also makes and deletes topics, as its clients ask it to. */
const rolesWith: Readonly<Record<Exclude<Access, 'anyone'>, readonly Role[]>> = {
  reader: ['admin', 'operator', 'owner', 'viewer', 'access-point'],
  'access-point': [...operators, 'access-point'],
  owner: owners,
  operator: operators,
  admin: admins,
}
const forClients: ReadonlySet<EndpointId> = new Set(['topics.create', 'topics.delete'])

/**
 * Throws UNKNOWN_TENANT when the caller does not see the tenant that is asked about, and FORBIDDEN when its role is
 * too low for what it sees.
 */
export function permit(
  { id, access }: { id: EndpointId; access: Access },
  caller: Caller,
  tenant: string | undefined,
): void {
  if (access === 'anyone') return
  if (tenant !== undefined && !sees(caller, tenant)) throw unknownTenant(tenant)
  const roles = rolesWith[access]
  const role = tenant === undefined ? undefined : roleIn(caller, tenant)
  // Of no tenant in particular: it may look at what is of its own.
  const held =
    role === undefined ? [caller.role, ...(caller.owns.length > 0 ? ['owner' as const] : [])] : [role]
  if (held.some((one) => roles.includes(one))) return
  if (held.includes('access-point') && forClients.has(id)) return
  throw new Refusal(
    'FORBIDDEN',
    `${id} takes the role ${access}${tenant === undefined || access !== 'owner' ? '' : ` of tenant ${tenant}`}: ${caller.principal} has the role ${describe(caller)}`,
  )
}

function describe({ role, tenant }: Caller): string {
  return tenant === null ? role : `${role} of tenant ${tenant}`
}
