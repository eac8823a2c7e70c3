import type { Token } from '@braid/control-api'
import { roleIn, visibleTenants } from '../access/caller.ts'
import { checkTokenRoom, makeToken } from '../access/tokens.ts'
import { Refusal, unknownTenant } from '../refusal.ts'
import type { AuditRow } from '../store/audit-queries.ts'
import type { TokenRow } from '../store/token-queries.ts'
import { cursorAfter, keyIn, numberIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

/** Who may come in, and what they did. */
export function accessEndpoints({ plane: { store, now } }: Pick<Served, 'plane'>) {
  return {
    'whoami.get': ({ caller: { principal, role, tenant, by } }) => ({ principal, role, tenant, by }),
    'tokens.list': async ({ query: { limit, after } }) => {
      const found = await store.tokens.list(limit + 1, keyIn('tokens', after))
      const { rows, next } = pageOf('tokens', found, limit, ({ id }) => id)
      return { tokens: rows.map(shownToken), next }
    },
    'tokens.create': async ({ body, caller, record }) => {
      const { row, secret } = makeToken(body, caller.principal, now())
      await store.transaction(async () => {
        if (body.tenant !== null && (await store.tenantSpecs.get(body.tenant)) === undefined) {
          throw unknownTenant(body.tenant)
        }
        await checkTokenRoom(store, now())
        await store.tokens.add(row)
        const change = { tenant: row.tenant, what: `token ${row.id}`, after: shownToken(row) }
        await record(change, { ...shownToken(row), secret })
      })
      return { ...shownToken(row), secret }
    },
    'tokens.revoke': async ({ params: { id }, record }) => {
      await store.transaction(async () => {
        const row = await store.tokens.get(id)
        if (row === undefined) {
          throw new Refusal('UNKNOWN_TOKEN', `there is no token ${id}; list those that are there`)
        }
        await store.tokens.remove(id)
        const change = { tenant: row.tenant, what: `token ${id}`, before: shownToken(row) }
        await record(change, undefined)
      })
    },
    'audit.list': async ({ query: { limit, after, tenant, principal, since }, caller }) => {
      const before = numberIn('audit', after)
      // Of the tenants that it owns, not of all that it sees.
      const owned = visibleTenants(caller)?.filter((one) => roleIn(caller, one) === 'owner')
      const tenants =
        tenant === undefined ? owned : owned === undefined || owned.includes(tenant) ? [tenant] : []
      const found = await store.audit.list({
        tenants,
        principal,
        since: since === undefined ? undefined : Date.parse(since),
        before,
        limit: limit + 1,
      })
      const rows = found.slice(0, limit)
      const last = rows.at(-1)
      const next =
        found.length > limit && last !== undefined ? cursorAfter('audit', String(last.number)) : null
      return { entries: rows.map(shownEntry), next }
    },
  } satisfies Handlers
}

function shownToken({ id, principal, role, tenant, createdBy, createdAt, expiresAt }: TokenRow): Token {
  return {
    id,
    principal,
    role,
    tenant,
    createdBy,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  }
}

function shownEntry({ at, source, diff, ...entry }: AuditRow) {
  return { ...entry, at: new Date(at).toISOString(), from: source, diff: [...diff] }
}
