import {
  defaultTenant,
  type Migration,
  type MigrationStepName,
  migrationStart,
  migrationWait,
} from '@braid/control-api'
import type { FastifyInstance } from 'fastify'
import type { MigrationRow } from '../store/rows.ts'
import { parse } from './requests.ts'
import type { Served } from './server.ts'

const listMax = 1_000

export function migrationRoutes(app: FastifyInstance, { plane, migrations }: Served): void {
  const shown = async (row: MigrationRow): Promise<Migration> => {
    const { id, tenant, topic, from, to, state, step, sealMs, switchMs, routeVersion, error, revision } = row
    return {
      id,
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
      strays: (await plane.store.migrations.strays(id)).map((stray) => ({
        partition: stray.partition,
        from: String(stray.from),
        to: String(stray.to),
        recovered: String(stray.recovered),
      })),
      cancelRequested: row.cancelRequested,
      error,
      createdAt: moment(row.createdAt),
      revision,
    }
  }

  app.get('/v1/migrations', async () => ({
    migrations: await Promise.all((await plane.store.migrations.list(listMax)).map(shown)),
  }))
  app.post('/v1/migrations', async (request, reply) => {
    const { topic, to } = parse(migrationStart, request.body, 'moving a topic')
    const [row] = await migrations.start({ tenant: defaultTenant, topics: [topic], to })
    return reply.status(201).send(await shown(row!))
  })
  // Progress is a long poll by revision: it survives a restart of the control plane, and needs no second stream.
  app.get<{ Params: { id: string } }>('/v1/migrations/:id', async ({ params, query }) => {
    const { afterRevision, waitMs } = parse(migrationWait, query, 'showing a migration')
    return shown(await migrations.after(params.id, afterRevision ?? -1, waitMs))
  })
  app.post<{ Params: { id: string } }>('/v1/migrations/:id/cancel', async ({ params }, reply) =>
    reply.status(202).send(await shown(await migrations.cancel(params.id))),
  )
}

function moment(at: number): string {
  return new Date(at).toISOString()
}
