import type { FastifyInstance } from 'fastify'
import type { Served } from './server.ts'

export function tenantRoutes(app: FastifyInstance, { plane }: Served): void {
  app.get('/v1/tenants', () => ({ tenants: [...plane.board.table.tenants.values()] }))
}
