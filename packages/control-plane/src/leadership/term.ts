// What a control plane does while it leads, from the first read to the last: all of it ends with the term.
import { setTimeout as wait } from 'node:timers/promises'
import type { Authenticator } from '../access/authenticator.ts'
import { AccessPoints } from '../access-points.ts'
import type { Answer } from '../api/front.ts'
import type { RequestCounts } from '../api/metrics.ts'
import { createApi } from '../api/server.ts'
import { Clusters, type OpenCluster } from '../clusters/clusters.ts'
import { Doctor } from '../doctor/doctor.ts'
import { ClusterSight } from '../failover/cluster-sight.ts'
import { Detector } from '../failover/detector.ts'
import { Failovers } from '../failover/failovers.ts'
import { KnownEnds } from '../failover/known-ends.ts'
import { LeadSure } from '../failover/lead-sure.ts'
import { Leases } from '../failover/leases.ts'
import { Monitors } from '../failover/monitors.ts'
import { Returns } from '../failover/returns.ts'
import type { TermMeasures } from '../failover/term-measures.ts'
import { Fleets } from '../fleet/fleets.ts'
import { IdempotentRequests } from '../idempotency/idempotent-requests.ts'
import type { Log } from '../log.ts'
import { Operations } from '../operations/operations.ts'
import { KnownFacts } from '../placement/known-facts.ts'
import type { Plane } from '../plane.ts'
import { DueTopics } from '../reconcile/due-topics.ts'
import { Reconciler } from '../reconcile/reconciler.ts'
import { TopicRequests } from '../requests/topic-requests.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import { RouteBoard } from '../routes/route-board.ts'
import { type MigrationHooks, Migrations } from '../sagas/migrations.ts'
import type { Store } from '../store/store.ts'
import type { Timings } from '../timings.ts'
import { Leftovers } from '../topics/leftovers.ts'
import { Topics } from '../topics/topics.ts'

export interface TermParts {
  /** Of the process that leads. */
  readonly id: string
  /** Where the others reach it. */
  readonly url: string
  readonly store: Store
  readonly published: PublishedRoutes
  readonly timings: Timings
  readonly log: Log
  readonly openCluster: OpenCluster
  readonly migrationHooks: MigrationHooks | undefined
  /** Whether another process may take over without this one being told at once. */
  readonly contested: boolean
  /** Every answer is compared with its schema. */
  readonly checkAnswers: boolean
  readonly authenticator: Authenticator
  readonly requests: RequestCounts
  readonly measures: TermMeasures
  /** Where the store's file is; undefined when it is none. */
  readonly folder: string | undefined
}

export interface Term {
  readonly number: number
  /** The API. */
  readonly answer: Answer
  /** Everything stops where it is, for the next term to go on with. In bounded time, and the store is not closed. */
  end(reason: Error): Promise<void>
}

export async function beginTerm(parts: TermParts): Promise<Term> {
  const { id, url, store, published, timings, log, openCluster } = parts
  const closing = new AbortController()
  const { now } = Date
  const since = performance.now()
  const number = await store.setLeader(id, url, now())
  const sure = parts.contested ? new LeadSure({ store, id, term: number, timings }, since) : undefined
  const board = await RouteBoard.open(store, published)
  const clusters = new Clusters({ store, board, openCluster, now })
  const leftovers = new Leftovers({
    store,
    timings,
    log,
    now,
    deleteTopic: async ({ cluster, topic }) => (await clusters.open(cluster)).deleteTopic(topic),
  })
  const sleep: Plane['sleep'] = (ms, signal) => wait(ms, undefined, { signal, ref: false })
  const leases = new Leases({
    timings,
    log,
    clock: () => performance.now(),
    now,
    routeVersion: () => board.table.version,
    ...(sure !== undefined && { leadSure: () => sure.at }),
  })
  const knownEnds = new KnownEnds({ board, clusters, closing: closing.signal, now, sleep, timings, log })
  const plane: Plane = {
    store,
    board,
    clusters,
    leftovers,
    facts: new KnownFacts({ reach: (name) => clusters.reach(name), now }),
    leases,
    sight: new ClusterSight(timings),
    knownEnds,
    dueTopics: new DueTopics(),
    dueStandbys: new DueTopics(),
    timings,
    log,
    closing: closing.signal,
    now,
    sleep,
    random: Math.random,
  }
  const topics = new Topics(plane)
  const migrations = new Migrations(plane, parts.migrationHooks)
  const operations = new Operations(plane, migrations.sagas)
  const fleets = new Fleets(plane, migrations.sagas, operations)
  const topicRequests = new TopicRequests(plane, topics)
  const reconciler = new Reconciler(plane)
  const failovers = new Failovers(plane, migrations.sagas)
  const detector = new Detector(plane, failovers)
  const monitors = new Monitors(plane)
  const accessPoints = new AccessPoints({ store, board, timings, log, now })
  const api = createApi({
    plane,
    topics,
    migrations,
    operations,
    fleets,
    topicRequests,
    reconciler,
    doctor: new Doctor({ plane, reconciler, accessPoints }),
    accessPoints,
    failovers,
    returns: new Returns(plane, migrations.sagas),
    detector,
    monitors,
    serving: {
      store,
      now,
      idempotent: new IdempotentRequests({ store, now }),
      authenticate: (request) => parts.authenticator.caller(request.headers.authorization),
      secured: parts.authenticator.asks,
      checkAnswers: parts.checkAnswers,
    },
    requests: parts.requests,
    folder: parts.folder,
  })

  const end = async (reason: Error) => {
    parts.measures.end(leases)
    closing.abort(reason)
    // Closing the connections ends what waits for a cluster.
    const ended = Promise.all([
      api.close(),
      accessPoints.close(),
      clusters.close(),
      migrations.close(),
      topicRequests.close(),
      reconciler.close(),
      leftovers.close(),
      knownEnds.close(),
      detector.close(),
      sure?.close(),
    ])
    const inTime = await Promise.race([
      ended.then(() => true),
      wait(timings.termEndMaxMs, false, { ref: false }),
    ])
    if (!inTime) log('warn', 'leadership.ends-late', { term: number, waitedMs: timings.termEndMaxMs })
  }
  try {
    await api.ready()
    accessPoints.start()
    leftovers.start()
    knownEnds.start()
    await reconciler.start()
    await migrations.resume()
    await topicRequests.resume()
    await detector.start()
    parts.measures.begin({ detector, leases })
  } catch (error) {
    await end(error as Error)
    throw error
  }
  return { number, answer: api.routing, end }
}
