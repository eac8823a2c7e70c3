import { setTimeout as sleep } from 'node:timers/promises'
import { ControlPlaneError } from './problems.ts'
import { Requester, type RequesterOptions } from './requests.ts'
import {
  type AccessPoint,
  type AccessPointLease,
  type AccessPointRenewal,
  accessPointLease,
  accessPointList,
} from './resources/access-point.ts'
import { type Cluster, type ClusterRegistration, cluster, clusterList } from './resources/cluster.ts'
import { type Migration, type MigrationStart, migration, migrationList } from './resources/migration.ts'
import { type Tenant, tenantList } from './resources/tenant.ts'
import {
  type Topic,
  type TopicAdoption,
  type TopicCreation,
  type TopicSummary,
  topic,
  topicList,
} from './resources/topic.ts'

export type ControlPlaneClientOptions = RequesterOptions

export interface MigrationWaitOptions {
  /** `switched`: clients write to the new cluster. `done`: the sealed loglet is gone, which retention decides. */
  readonly until: 'switched' | 'done'
  readonly timeoutMs: number
  /** Called with every new state of the record, first with the present one. */
  readonly onStep?: ((migration: Migration) => void) | undefined
}

const longPollMs = 10_000
const retryWaitMs = 200

/** Typed calls to a control plane. Every call throws ControlPlaneError and nothing else. */
export class ControlPlaneClient {
  readonly clusters: {
    list(): Promise<Cluster[]>
    get(name: string): Promise<Cluster>
    register(registration: ClusterRegistration): Promise<Cluster>
    remove(name: string): Promise<void>
  }
  readonly tenants: { list(): Promise<Tenant[]> }
  readonly topics: {
    list(): Promise<TopicSummary[]>
    get(name: string, options?: { logEnds?: boolean }): Promise<Topic>
    create(creation: TopicCreation): Promise<Topic>
    adopt(adoption: TopicAdoption): Promise<Topic>
    delete(name: string): Promise<void>
  }
  readonly migrations: {
    start(start: MigrationStart): Promise<Migration>
    get(id: string): Promise<Migration>
    list(): Promise<Migration[]>
    /** Asks for it: the migration is undone in the background, wait() says when. Refused after SWITCH. */
    cancel(id: string): Promise<Migration>
    /** Throws what the migration failed with. Rides out a control plane that is away for a while. */
    wait(id: string, options: MigrationWaitOptions): Promise<Migration>
  }
  readonly accessPoints: {
    renew(renewal: AccessPointRenewal & { id: string }): Promise<AccessPointLease>
    /** Leaves the routes at once, instead of when the lease ends. */
    remove(id: string): Promise<void>
    list(): Promise<AccessPoint[]>
  }

  constructor(options: ControlPlaneClientOptions) {
    const http = new Requester(options)
    this.clusters = {
      list: async () => (await http.ask({ method: 'GET', path: ['clusters'], answer: clusterList })).clusters,
      get: (name) => http.ask({ method: 'GET', path: ['clusters', name], answer: cluster }),
      register: (body) => http.ask({ method: 'POST', path: ['clusters'], body, answer: cluster }),
      remove: (name) => http.ask({ method: 'DELETE', path: ['clusters', name] }),
    }
    this.tenants = {
      list: async () => (await http.ask({ method: 'GET', path: ['tenants'], answer: tenantList })).tenants,
    }
    this.topics = {
      list: async () => (await http.ask({ method: 'GET', path: ['topics'], answer: topicList })).topics,
      get: (name, { logEnds = false } = {}) =>
        http.ask({ method: 'GET', path: ['topics', name], query: { logEnds }, answer: topic }),
      create: (body) => http.ask({ method: 'POST', path: ['topics'], body, answer: topic }),
      adopt: (body) => http.ask({ method: 'POST', path: ['topics', 'adopt'], body, answer: topic }),
      delete: (name) => http.ask({ method: 'DELETE', path: ['topics', name] }),
    }
    this.migrations = {
      start: (body) => http.ask({ method: 'POST', path: ['migrations'], body, answer: migration }),
      get: (id) => http.ask({ method: 'GET', path: ['migrations', id], answer: migration }),
      list: async () =>
        (await http.ask({ method: 'GET', path: ['migrations'], answer: migrationList })).migrations,
      cancel: (id) => http.ask({ method: 'POST', path: ['migrations', id, 'cancel'], answer: migration }),
      wait: (id, wait) => waitForMigration(http, id, wait),
    }
    this.accessPoints = {
      renew: ({ id, ...body }) =>
        http.ask({ method: 'PUT', path: ['access-points', id], body, answer: accessPointLease }),
      remove: (id) => http.ask({ method: 'DELETE', path: ['access-points', id] }),
      list: async () =>
        (await http.ask({ method: 'GET', path: ['access-points'], answer: accessPointList })).accessPoints,
    }
  }
}

async function waitForMigration(http: Requester, id: string, wait: MigrationWaitOptions): Promise<Migration> {
  const deadline = performance.now() + wait.timeoutMs
  let revision = 0
  let last: Migration | undefined
  for (;;) {
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) {
      throw new ControlPlaneError(
        'TIMED_OUT',
        0,
        last === undefined
          ? `migration ${id}: nothing heard of it within ${wait.timeoutMs} ms`
          : `migration ${id} of topic ${last.topic} to ${last.to.cluster} is ${last.state} in step ${last.step} after ${wait.timeoutMs} ms, and goes on`,
      )
    }
    const waitMs = Math.max(1, Math.floor(Math.min(longPollMs, leftMs)))
    let now: Migration
    try {
      const query = { afterRevision: revision, waitMs }
      const exchange = { method: 'GET', path: ['migrations', id], query, answer: migration } as const
      now = await http.ask({ ...exchange, extraMs: waitMs })
    } catch (error) {
      if (error instanceof ControlPlaneError && (error.status === 0 || error.status === 503)) {
        // It resumes the migration when it comes back, and so do we.
        await sleep(Math.min(retryWaitMs, leftMs))
        continue
      }
      throw error
    }
    if (now.revision > revision) wait.onStep?.(now)
    revision = now.revision
    last = now
    if (now.state === 'done' || (now.state === 'switched' && wait.until === 'switched')) return now
    if (now.state === 'failed' || now.state === 'cancelled') {
      const code = now.error?.code ?? 'MIGRATION_CANCELLED'
      throw new ControlPlaneError(
        code,
        409,
        now.error?.detail ??
          `migration ${id} of topic ${now.topic} was cancelled; the topic stays on ${now.from.cluster}`,
      )
    }
  }
}
