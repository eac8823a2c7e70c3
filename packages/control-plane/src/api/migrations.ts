import type { Migration } from '@braid/control-api'
import { type Caller, sees } from '../access/caller.ts'
import { Refusal } from '../refusal.ts'
import type { MigrationRow } from '../store/rows.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Handlers } from './serve.ts'
import type { Served } from './server.ts'

const listMax = 10_000

export function migrationEndpoints({ plane, migrations }: Pick<Served, 'plane' | 'migrations'>) {
  const shown = async (row: MigrationRow): Promise<Migration> => {
    const { id, tenant, topic, from, to, state, step, sealMs, switchMs, routeVersion, error, revision } = row
    return {
      id,
      group: id,
      operation: null,
      tenant,
      topic,
      from,
      to,
      state,
      step,
      attempts: (await plane.store.migrations.attempts(id)).map((attempt) => ({
        step: attempt.step,
        direction: attempt.direction,
        attempt: attempt.attempt,
        startedAt: moment(attempt.startedAt),
        endedAt: attempt.endedAt === null ? null : moment(attempt.endedAt),
        error: attempt.error,
      })),
      sealMs,
      switchMs,
      cuts: row.cuts?.map(String) ?? null,
      routeVersion,
      strays: (await plane.store.migrations.strays(id)).map((stray) => ({
        partition: stray.partition,
        from: String(stray.from),
        to: String(stray.to),
        recovered: String(stray.recovered),
      })),
      cancelRequested: row.cancelRequested,
      pauseRequested: false,
      error,
      createdAt: moment(row.createdAt),
      revision,
    }
  }
  const seen = (row: MigrationRow, caller: Caller): MigrationRow => {
    if (!sees(caller, row.tenant)) throw unknownMigration(row.id)
    return row
  }

  return {
    'migrations.list': async ({ query: { limit, after, tenant }, caller }) => {
      const from = keyIn('migrations', after)
      const found = (await plane.store.migrations.list(listMax)).filter(
        (row) => sees(caller, row.tenant) && (tenant === undefined || row.tenant === tenant),
      )
      const begin = from === undefined ? 0 : found.findIndex(({ id }) => id === from) + 1
      const { rows, next } = pageOf('migrations', found.slice(begin), limit, ({ id }) => id)
      return { migrations: await Promise.all(rows.map(shown)), next }
    },
    'migrations.start': async ({ body }) => {
      const rows: MigrationRow[] = []
      for (const topic of body.topics)
        rows.push(await migrations.start({ tenant: body.tenant, topic, to: body.to }))
      return { migrations: await Promise.all(rows.map(shown)) }
    },
    // Progress is a long poll by revision: it survives a restart of the control plane, and needs no second stream.
    'migrations.get': async ({ params: { id }, query: { afterRevision, waitMs }, caller }) => {
      seen(await migrations.get(id), caller)
      return shown(await migrations.after(id, afterRevision ?? -1, waitMs))
    },
    'migrations.cancel': async ({ params: { id } }) => shown(await migrations.cancel(id)),
  } satisfies Handlers
}

function unknownMigration(id: string): Refusal {
  return new Refusal('UNKNOWN_MIGRATION', `there is no migration ${id}; list those that are there`)
}

function moment(at: number): string {
  return new Date(at).toISOString()
}
