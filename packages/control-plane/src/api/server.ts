import type { FastifyInstance } from 'fastify'
import type { AccessPoints } from '../access-points.ts'
import type { Plane } from '../plane.ts'
import type { Migrations } from '../sagas/migrations.ts'
import type { Topics } from '../topics/topics.ts'
import { accessPointRoutes } from './access-points.ts'
import { createApp } from './app.ts'
import { clusterRoutes } from './clusters.ts'
import { migrationRoutes } from './migrations.ts'
import { tenantRoutes } from './tenants.ts'
import { topicRoutes } from './topics.ts'

/** What the API speaks for. */
export interface Served {
  readonly plane: Plane
  readonly topics: Topics
  readonly migrations: Migrations
  readonly accessPoints: AccessPoints
}

/** The API of a leader. What every control plane answers itself is in front.ts. */
export function createApi(served: Served): FastifyInstance {
  const app = createApp(served.plane.log)
  clusterRoutes(app, served)
  tenantRoutes(app, served)
  topicRoutes(app, served)
  migrationRoutes(app, served)
  accessPointRoutes(app, served)
  return app
}
