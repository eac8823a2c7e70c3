import type { Migration, MigrationStepName } from '@braid/control-api'
import { type Caller, sees, visibleTenants } from '../access/caller.ts'
import { Refusal, unknownTenant } from '../refusal.ts'
import type { MigrationRow } from '../store/rows.ts'
import { keyIn, pageOf } from './cursor.ts'
import type { Call, Handlers } from './serve.ts'
import type { Served } from './server.ts'

export function migrationEndpoints({ plane, migrations }: Pick<Served, 'plane' | 'migrations'>) {
  /** Without what is copied on of a loglet that has returned: nobody wrote that behind its end. */
  const strays = async ({ id, topicId, from }: MigrationRow): Promise<Migration['strays']> => {
    const { migrations, failovers } = plane.store
    const rows = await migrations.strays(id)
    const ends = rows.length === 0 ? undefined : (await failovers.returnOf(topicId, from))?.ends
    return rows.flatMap(({ partition, from, to, recovered }) => {
      const end = ends?.[partition] ?? from
      if (to <= end) return []
      const after = (offset: bigint) => String(offset > end ? offset : end)
      return [{ partition, from: after(from), to: String(to), recovered: after(recovered) }]
    })
  }
  const shown = async (row: MigrationRow): Promise<Migration> => {
    const { id, tenant, topic, from, to, state, step, sealMs, switchMs, routeVersion, error, revision } = row
    return {
      id,
      group: row.group,
      operation: row.operation,
      tenant,
      topic,
      from,
      to,
      state,
      step,
      attempts: (await migrations.attempts(row)).map((attempt) => ({
        step: attempt.step as MigrationStepName,
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
      strays: await strays(row),
      cancelRequested: row.cancelRequested,
      pauseRequested: row.pauseRequested,
      error,
      createdAt: moment(row.createdAt),
      revision,
    }
  }
  const seen = (row: MigrationRow, caller: Caller): MigrationRow => {
    if (!sees(caller, row.tenant)) throw unknownMigration(row.id)
    return row
  }

  type Steering = Call<'migrations.cancel' | 'migrations.pause' | 'migrations.resume'>
  const steer = ({ params: { id }, record }: Steering, how: (id: string) => Promise<MigrationRow>) =>
    plane.store.transaction(async () => {
      const before = await migrations.get(id)
      const after = await how(id)
      const answer = await shown(after)
      await record(
        {
          tenant: after.tenant,
          what: `migration ${id} of topic ${after.topic}`,
          before: requested(before),
          after: requested(after),
        },
        answer,
      )
      return answer
    })
  const started = async (
    rows: readonly MigrationRow[],
    record: Call<'migrations.start' | 'migrations.retry'>['record'],
  ) => {
    const answer = { migrations: await Promise.all(rows.map(shown)) }
    const [first] = rows
    const names = rows.map(({ topic }) => topic)
    await record(
      {
        tenant: first!.tenant,
        what: `migration ${first!.id} of ${names.length === 1 ? `topic ${names[0]}` : `${names.length} topics`}`,
        after: { topics: names, from: first!.from.cluster, to: first!.to.cluster },
      },
      answer,
    )
    return answer
  }

  return {
    'migrations.list': async ({ query: { limit, after, tenant }, caller }) => {
      const tenants =
        tenant === undefined ? visibleTenants(caller) : [tenant].filter((one) => sees(caller, one))
      const from = keyIn('migrations', after)
      const found = await plane.store.migrations.list(limit + 1, { tenants, after: from })
      const { rows, next } = pageOf('migrations', found, limit, ({ id }) => id)
      return { migrations: await Promise.all(rows.map(shown)), next }
    },
    'migrations.start': ({ body, record }) =>
      plane.store.transaction(async () => {
        if (!plane.board.table.tenants.has(body.tenant)) throw unknownTenant(body.tenant)
        return started(await migrations.start(body), record)
      }),
    // Progress is a long poll by revision: it survives a restart of the control plane, and needs no second stream.
    'migrations.get': async ({ params: { id }, query: { afterRevision, waitMs }, caller }) => {
      seen(await migrations.get(id), caller)
      return shown(
        await migrations.after(id, afterRevision ?? -1, Math.min(waitMs, plane.timings.longPollMaxMs)),
      )
    },
    'migrations.cancel': (call) => steer(call, (id) => migrations.cancel(id)),
    'migrations.pause': (call) => steer(call, (id) => migrations.pause(id)),
    'migrations.resume': (call) => steer(call, (id) => migrations.goOn(id)),
    'migrations.retry': ({ params: { id }, record }) =>
      plane.store.transaction(async () => started(await migrations.retry(id), record)),
  } satisfies Handlers
}

function requested({ cancelRequested, pauseRequested }: MigrationRow) {
  return { cancelRequested, pauseRequested }
}

function unknownMigration(id: string): Refusal {
  return new Refusal('UNKNOWN_MIGRATION', `there is no migration ${id}; list those that are there`)
}

function moment(at: number): string {
  return new Date(at).toISOString()
}
