import type { Sla } from '@braid/control-api'
import { Refusal } from '../refusal.ts'
import type { SlaRow } from '../store/sla-queries.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function slaEndpoints({ plane: { store, dueStandbys } }: Pick<Served, 'plane'>) {
  const shown = async ({ description, ...row }: SlaRow): Promise<Sla> => ({
    ...row,
    description: description ?? null,
    topics: await store.slas.topicCount(row.name),
  })
  const known = async (name: string): Promise<SlaRow> => {
    const row = await store.slas.get(name)
    if (row === undefined) throw unknownSla(name)
    return row
  }

  return {
    'slas.list': async ({ query: { limit, after } }) => {
      const found = await store.slas.list(limit + 1, keyIn('slas', after))
      const { rows, next } = pageOf('slas', found, limit, ({ name }) => name)
      return { slas: await Promise.all(rows.map(shown)), next }
    },
    'slas.get': async ({ params: { sla } }) => shown(await known(sla)),
    'slas.put': async ({ params: { sla }, body, record }) => {
      if (body.name !== sla) throw otherName('sla', sla, body.name)
      if (body.durability.dual) {
        throw new Refusal(
          'BAD_REQUEST',
          'durability.dual: a record acknowledged by two clusters is not offered yet',
          { fields: [{ path: 'durability.dual', message: 'not offered yet' }] },
        )
      }
      return store.transaction(async () => {
        const before = await store.slas.get(sla)
        await store.slas.put(body)
        if (before !== undefined && before.availability.failover !== body.availability.failover) {
          const ids = await store.slas.topicIds(sla)
          store.afterCommit(() => {
            for (const id of ids) dueStandbys.add(id)
          })
        }
        const answer = await shown(body)
        await record({ tenant: null, what: `sla ${sla}`, before, after: body }, answer)
        return answer
      })
    },
    'slas.remove': async ({ params: { sla }, record }) => {
      await store.transaction(async () => {
        const before = await known(sla)
        const topics = await store.slas.topicCount(sla)
        if (topics > 0) {
          throw new Refusal(
            'SLA_IN_USE',
            `${topics} ${topics === 1 ? 'topic has' : 'topics have'} the class ${sla}: give them another first`,
          )
        }
        await store.slas.remove(sla)
        await record({ tenant: null, what: `sla ${sla}`, before }, undefined)
      })
    },
  } satisfies Handlers
}

export function unknownSla(name: string): Refusal {
  return new Refusal('UNKNOWN_SLA', `there is no SLA class ${name}; list those that are there, or make it`)
}

/** A PUT whose body names something else than its address. */
export function otherName(kind: string, inPath: string, inBody: string): Refusal {
  return new Refusal('BAD_REQUEST', `name: the address names ${kind} ${inPath}, the body ${inBody}`, {
    fields: [{ path: 'name', message: `not the name in the address, ${inPath}` }],
  })
}
