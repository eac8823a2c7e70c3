import { accessPointId, accessPointRenewal } from '@braid/control-api'
import type { FastifyInstance } from 'fastify'
import { parse } from './requests.ts'
import type { Served } from './server.ts'

export function accessPointRoutes(app: FastifyInstance, { accessPoints }: Served): void {
  app.get('/v1/access-points', () => ({ accessPoints: accessPoints.list() }))
  app.put<{ Params: { id: string } }>('/v1/access-points/:id', ({ params, body }) =>
    accessPoints.renew(
      parse(accessPointId, params.id, 'access point'),
      parse(accessPointRenewal, body, 'renewing an access point'),
    ),
  )
  app.delete<{ Params: { id: string } }>('/v1/access-points/:id', async ({ params }, reply) => {
    await accessPoints.remove(parse(accessPointId, params.id, 'access point'))
    return reply.status(204).send()
  })
}
