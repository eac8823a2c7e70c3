// For tests: what a control plane runs sagas with, over clusters in memory and a store that outlives it, so that it
// can die at any point and another go on. Without its API, which makes it quick enough for many thousand runs.
import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import {
  type ClusterRegistration,
  clusterRegistration,
  defaultTenant,
  type TopicCreation,
  topicSpec,
} from '@braid/control-api'
import type { TopicRoute } from '@braid/routing-model'
import { Clusters } from '../clusters/clusters.ts'
import { ClusterSight } from '../failover/cluster-sight.ts'
import { KnownEnds } from '../failover/known-ends.ts'
import { Leases } from '../failover/leases.ts'
import { KnownFacts } from '../placement/known-facts.ts'
import type { Plane } from '../plane.ts'
import { DueTopics } from '../reconcile/due-topics.ts'
import { PublishedRoutes } from '../routes/published-routes.ts'
import { RouteBoard } from '../routes/route-board.ts'
import { Migrations } from '../sagas/migrations.ts'
import type { SagaHooks } from '../sagas/saga-runner.ts'
import type { Database } from '../store/database.ts'
import { openSqlite } from '../store/sqlite.ts'
import { Store } from '../store/store.ts'
import { defaultTimings, type Timings } from '../timings.ts'
import { Leftovers } from '../topics/leftovers.ts'
import { Topics } from '../topics/topics.ts'
import { FakeCluster } from './fake-cluster.ts'

/** Nothing waits longer than a test can. */
export const hurried: Timings = {
  ...defaultTimings,
  warmUpMs: 0,
  sealMaxMs: 200,
  sealPollMs: 0,
  strayChecksMs: [1],
  drainCheckMs: 2,
  strayGraceMs: 0,
  retireAfterMs: 0,
  retryBaseMs: 1,
  retryMaxMs: 4,
  sweepMaxMs: 50,
  sweepEveryMs: 10,
  leftoverSettleMs: 0,
  writeLeaseMs: 2,
  leaseMarginMs: 1,
  standbyCheckMaxMs: 200,
  positionsMaxMs: 50,
  strandedMaxMs: 5,
  repeatsSettleMs: 0,
}

/** One control plane, from its start to its death. */
interface Process {
  readonly plane: Plane
  readonly topics: Topics
  readonly migrations: Migrations
  readonly closing: AbortController
}

export interface SagaWorldOptions {
  /** SQLite in memory when absent. It is not closed. */
  readonly db?: Database
  /** By name; a, b and c when absent, of which the first is home. */
  readonly clusters?: Readonly<Record<string, FakeCluster>>
  readonly timings?: Partial<Timings>
}

export class SagaWorld {
  readonly clusters: Readonly<Record<string, FakeCluster>>
  /** Called at every point of every step of every saga. */
  hook: SagaHooks['step'] = () => {}
  private readonly db: Database
  private readonly ownsDb: boolean
  private readonly timings: Timings
  private process: Process | undefined
  /** Of nobody's transaction. */
  readonly outside: <T>(work: () => T) => T = AsyncLocalStorage.snapshot()

  private constructor(options: SagaWorldOptions) {
    this.db = options.db ?? openSqlite(':memory:')
    this.ownsDb = options.db === undefined
    this.clusters = options.clusters ?? {
      a: new FakeCluster('a'),
      b: new FakeCluster('b'),
      c: new FakeCluster('c'),
    }
    this.timings = { ...hurried, ...options.timings }
  }

  static async start(options: SagaWorldOptions = {}): Promise<SagaWorld> {
    const world = new SagaWorld(options)
    await world.begin()
    for (const name of Object.keys(world.clusters)) await world.register({ name, bootstrap: `${name}:9092` })
    return world
  }

  get plane(): Plane {
    return this.living.plane
  }

  get topics(): Topics {
    return this.living.topics
  }

  get migrations(): Migrations {
    return this.living.migrations
  }

  async register(registration: ClusterRegistration): Promise<void> {
    await this.plane.clusters.register(clusterRegistration.parse(registration))
  }

  /** Where it says, or at home. */
  createTopic(spec: TopicCreation, tenant: string = defaultTenant): Promise<TopicRoute> {
    const cluster = spec.cluster ?? this.plane.clusters.home(tenant)
    return this.topics.create(tenant, topicSpec.parse(spec), { cluster, standby: null, reasons: null })
  }

  cluster(name: string): FakeCluster {
    const cluster = this.clusters[name]
    if (cluster === undefined) throw new Error(`there is no cluster ${name}`)
    return cluster
  }

  /** The process dies, and another begins on the same store. */
  async restart(): Promise<void> {
    await this.stop()
    await this.begin()
  }

  async close(): Promise<void> {
    await this.stop()
    if (this.ownsDb) await this.db.close()
  }

  private get living(): Process {
    if (this.process === undefined) throw new Error('the control plane is down')
    return this.process
  }

  private async stop(): Promise<void> {
    const { closing, migrations, plane } = this.living
    closing.abort(new Error('the process dies'))
    await Promise.all([migrations.close(), plane.leftovers.close()])
    this.process = undefined
  }

  private async begin(): Promise<void> {
    const store = await Store.open(this.db)
    const board = await RouteBoard.open(store, new PublishedRoutes())
    const closing = new AbortController()
    const { now } = Date
    const { timings } = this
    const clusters = new Clusters({ store, board, openCluster: ({ name }) => this.cluster(name), now })
    const leftovers = new Leftovers({
      store,
      timings,
      log: () => {},
      now,
      deleteTopic: ({ cluster, topic }) => this.cluster(cluster).deleteTopic(topic),
    })
    const log = () => {}
    const sleep = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal })
    const plane: Plane = {
      store,
      board,
      clusters,
      leftovers,
      facts: new KnownFacts({ reach: (name) => clusters.reach(name), now }),
      leases: new Leases({
        timings,
        log,
        clock: () => performance.now(),
        now,
        routeVersion: () => board.table.version,
      }),
      sight: new ClusterSight(timings),
      dueTopics: new DueTopics(),
      dueStandbys: new DueTopics(),
      knownEnds: new KnownEnds({ board, clusters, closing: closing.signal, now, sleep, timings, log }),
      timings,
      log,
      closing: closing.signal,
      now,
      sleep,
      random: Math.random,
    }
    const hooks: SagaHooks = { step: (...point) => this.hook(...point) }
    const migrations = new Migrations(plane, hooks)
    this.process = { plane, topics: new Topics(plane), migrations, closing }
    leftovers.start()
    await migrations.resume()
  }
}
