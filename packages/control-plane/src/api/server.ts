import type { FastifyInstance } from 'fastify'
import type { AccessPoints } from '../access-points.ts'
import type { Doctor } from '../doctor/doctor.ts'
import type { Detector } from '../failover/detector.ts'
import type { Failovers } from '../failover/failovers.ts'
import type { Monitors } from '../failover/monitors.ts'
import type { Returns } from '../failover/returns.ts'
import type { Fleets } from '../fleet/fleets.ts'
import type { Operations } from '../operations/operations.ts'
import type { Plane } from '../plane.ts'
import type { Reconciler } from '../reconcile/reconciler.ts'
import type { TopicRequests } from '../requests/topic-requests.ts'
import type { Migrations } from '../sagas/migrations.ts'
import type { Topics } from '../topics/topics.ts'
import { accessEndpoints } from './access.ts'
import { accessPointEndpoints } from './access-points.ts'
import { createApp } from './app.ts'
import { backupEndpoints } from './backup.ts'
import { clusterEndpoints } from './clusters.ts'
import { doctorEndpoints } from './doctor.ts'
import { failoverEndpoints } from './failovers.ts'
import { fleetEndpoints } from './fleet.ts'
import { leaseEndpoints } from './leases.ts'
import type { RequestCounts } from './metrics.ts'
import { migrationEndpoints } from './migrations.ts'
import { monitorEndpoints } from './monitors.ts'
import { openApi } from './openapi.ts'
import { operationEndpoints } from './operations.ts'
import { returnEndpoints } from './returns.ts'
import { type Handlers, type ServeParts, serve } from './serve.ts'
import { slaEndpoints } from './slas.ts'
import { tenantEndpoints } from './tenants.ts'
import { requestEndpoints } from './topic-requests.ts'
import { topicEndpoints } from './topics.ts'

/** What the API speaks for. */
export interface Served {
  readonly plane: Plane
  readonly topics: Topics
  readonly migrations: Migrations
  readonly operations: Operations
  readonly fleets: Fleets
  readonly topicRequests: TopicRequests
  readonly reconciler: Reconciler
  readonly doctor: Doctor
  readonly accessPoints: AccessPoints
  readonly failovers: Failovers
  readonly returns: Returns
  readonly detector: Detector
  readonly monitors: Monitors
  readonly serving: ServeParts
  readonly requests: RequestCounts
  /** Where the store's file is; undefined when it is none. */
  readonly folder: string | undefined
}

/** The API of a leader. What every control plane answers itself is in front.ts. */
export function createApi(served: Served): FastifyInstance {
  const app = createApp(served.plane.log)
  readEmptyBodies(app)
  served.requests.watch(app)
  const ids = serve(app, served.serving, handlersOf(served))
  const document = JSON.stringify(openApi(ids, served.serving.secured))
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(document))
  return app
}

/** Every endpoint that there is; the table of the API says what each is. */
export function handlersOf(served: Served): Handlers {
  return {
    ...clusterEndpoints(served),
    ...slaEndpoints(served),
    ...tenantEndpoints(served),
    ...topicEndpoints(served),
    ...migrationEndpoints(served),
    ...operationEndpoints(served),
    ...fleetEndpoints(served),
    ...requestEndpoints(served),
    ...accessPointEndpoints(served),
    ...failoverEndpoints(served),
    ...returnEndpoints(served),
    ...leaseEndpoints(served),
    ...monitorEndpoints(served),
    ...accessEndpoints(served),
    ...backupEndpoints(served),
    ...doctorEndpoints(served),
  }
}

/** Clients that always say `content-type: application/json` say so also when they send nothing. */
function readEmptyBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parseJson(request, body as string, done)
  })
}
