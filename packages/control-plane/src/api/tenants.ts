import type { Tenant } from '@braid/control-api'
import { visibleTenants } from '../access/caller.ts'
import { Refusal, unknownTenant } from '../refusal.ts'
import type { TenantRow } from '../store/tenant-queries.ts'
import { mirrorSoon, tenantRoute, withoutMirror } from '../tenants/standby-home.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'
import { otherName } from './slas.ts'

export function tenantEndpoints({ plane }: Pick<Served, 'plane'>) {
  const { store, board, clusters } = plane
  const shown = async ({ description, ...row }: TenantRow): Promise<Tenant> => ({
    ...row,
    description: description ?? null,
    usage: await store.tenantSpecs.usage(row.name),
  })
  const known = async (name: string): Promise<TenantRow> => {
    const row = await store.tenantSpecs.get(name)
    if (row === undefined) throw unknownTenant(name)
    return row
  }

  return {
    'tenants.list': async ({ query: { limit, after }, caller }) => {
      const from = keyIn('tenants', after) ?? ''
      const visible = visibleTenants(caller)
      const found =
        visible === undefined
          ? await store.tenantSpecs.list(limit + 1, from)
          : (
              await Promise.all(
                visible.filter((name) => name > from).map((name) => store.tenantSpecs.get(name)),
              )
            ).filter((row) => row !== undefined)
      const { rows, next } = pageOf('tenants', found, limit, ({ name }) => name)
      return { tenants: await Promise.all(rows.map(shown)), next }
    },
    'tenants.get': async ({ params: { tenant } }) => shown(await known(tenant)),
    'tenants.put': async ({ params: { tenant }, body, record }) => {
      if (body.name !== tenant) throw otherName('tenant', tenant, body.name)
      return store.transaction(async () => {
        const before = await store.tenantSpecs.get(tenant)
        const home = await clusters.get(body.home)
        const standbyHome = body.standbyHome === null ? undefined : await clusters.get(body.standbyHome)
        if (standbyHome?.state === 'unavailable' && before?.standbyHome !== standbyHome.name) {
          throw new Refusal(
            'CLUSTER_GIVEN_UP',
            `standbyHome: ${standbyHome.name} was given up: choose another, or take it back first`,
          )
        }
        if (body.standbyHome === body.home) {
          throw new Refusal('BAD_REQUEST', `standbyHome: ${body.home} is the home itself`, {
            fields: [{ path: 'standbyHome', message: 'the home itself' }],
          })
        }
        if (before !== undefined && before.home !== body.home) {
          throw new Refusal(
            'HOME_STAYS',
            `the home of tenant ${tenant} is ${before.home}, where its groups have committed: it cannot become ${body.home} yet`,
          )
        }
        if (before === undefined && home.tier === 'dedicated' && home.dedicatedTo !== tenant) {
          throw new Refusal(
            'UNKNOWN_CLUSTER',
            `${home.name} is dedicated to tenant ${home.dedicatedTo}: choose another home`,
          )
        }
        const routed = tenantRoute(body)
        const routes = withoutMirror(board.table, routed)
        const write = async () => {
          await store.tenantSpecs.put(body)
          for (const route of routes) await store.setHomeTopics(route)
        }
        if (before !== undefined && before.standbyHome === body.standbyHome) await write()
        else {
          await board.change({ tenants: [routed], topics: routes.map((route) => route.toJSON()) }, write)
          if (body.standbyHome !== null) mirrorSoon(plane, tenant)
        }
        const answer = await shown(body)
        await record({ tenant, what: `tenant ${tenant}`, before, after: body }, answer)
        return answer
      })
    },
    'tenants.remove': async ({ params: { tenant }, record }) => {
      await store.transaction(async () => {
        const before = await known(tenant)
        const { topics } = await store.tenantSpecs.usage(tenant)
        if (topics > 0) {
          throw new Refusal(
            'TENANT_IN_USE',
            `tenant ${tenant} has ${topics} ${topics === 1 ? 'topic' : 'topics'}: delete them first`,
          )
        }
        await board.change({ removedTenants: [tenant] }, async () => {
          // Who comes later under the same name must not be served with their credentials.
          await store.tokens.removeOfTenant(tenant)
          await store.tenantSpecs.remove(tenant)
        })
        await record({ tenant, what: `tenant ${tenant}`, before }, undefined)
      })
    },
  } satisfies Handlers
}
