import { type Cluster, clusterName, clusterRegistration } from '@braid/control-api'
import type { FastifyInstance } from 'fastify'
import { logletsOn } from '../clusters/clusters.ts'
import type { ClusterRow } from '../store/rows.ts'
import { parse } from './requests.ts'
import type { Served } from './server.ts'

export function clusterRoutes(app: FastifyInstance, { plane }: Served): void {
  const { clusters, board } = plane
  const shown = ({ registeredAt, ...row }: ClusterRow): Cluster => ({
    ...row,
    bootstrap: [...row.bootstrap],
    homeOf: [...board.table.tenants.values()].filter((t) => t.home === row.name).map((t) => t.name),
    loglets: logletsOn(board.table, row.name),
    registeredAt: new Date(registeredAt).toISOString(),
  })
  app.get('/v1/clusters', async () => ({ clusters: (await clusters.list()).map(shown) }))
  app.post('/v1/clusters', async (request, reply) => {
    const row = await clusters.register(parse(clusterRegistration, request.body, 'registering a cluster'))
    return reply.status(201).send(shown(row))
  })
  app.get<{ Params: { name: string } }>('/v1/clusters/:name', async ({ params }) =>
    shown(await clusters.get(parse(clusterName, params.name, 'cluster'))),
  )
  app.delete<{ Params: { name: string } }>('/v1/clusters/:name', async ({ params }, reply) => {
    await clusters.remove(parse(clusterName, params.name, 'cluster'))
    return reply.status(204).send()
  })
}
