import { type Caller, sees } from '../access/caller.ts'
import { Refusal, unknownTenant } from '../refusal.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** The right to write to topics that fail over. Whoever may read a tenant's routes may hold one for it. */
export function leaseEndpoints({ plane: { leases } }: Pick<Served, 'plane'>) {
  /** Of another tenant nobody takes a lease over, or ends it: others would stop waiting for whoever holds it. */
  const refuseOthers = (id: string, caller: Caller) => {
    const held = leases.get(id)
    if (held === undefined || sees(caller, held.renewal.tenant)) return
    throw new Refusal('FORBIDDEN', `lease ${id} is held for another tenant: take an id of your own`)
  }
  return {
    'leases.renew': ({ params: { id }, body, caller }) => {
      if (!sees(caller, body.tenant)) throw unknownTenant(body.tenant)
      refuseOthers(id, caller)
      return leases.renew(id, body)
    },
    'leases.end': ({ params: { id }, caller }) => {
      refuseOthers(id, caller)
      leases.end(id)
    },
    'leases.list': ({ query: { limit, after } }) => {
      const from = keyIn('leases', after) ?? ''
      const found = leases.list().filter(({ id }) => id > from)
      const { rows, next } = pageOf('leases', found, limit, ({ id }) => id)
      return { leases: rows, next }
    },
  } satisfies Handlers
}
