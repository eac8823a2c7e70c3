import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { anonymous } from './access/caller.ts'
import { AccessPoints } from './access-points.ts'
import { createApi } from './api/server.ts'
import { Clusters, type OpenCluster } from './clusters/clusters.ts'
import { openRealCluster } from './clusters/real-cluster.ts'
import { IdempotentRequests } from './idempotency/idempotent-requests.ts'
import { type Log, silent } from './log.ts'
import type { Plane } from './plane.ts'
import { RouteBoard } from './routes/route-board.ts'
import { type MigrationHooks, Migrations } from './sagas/migrations.ts'
import { openSqlite } from './store/sqlite.ts'
import { Store } from './store/store.ts'
import { defaultTimings, type Timings } from './timings.ts'
import { Leftovers } from './topics/leftovers.ts'
import { Topics } from './topics/topics.ts'

export interface ControlPlaneOptions {
  /** 127.0.0.1 when absent: the API has no credentials yet. */
  readonly host?: string | undefined
  /** 7070 when absent; 0 takes a free one. */
  readonly port?: number | undefined
  /** Holds `control-plane.db`. One of this and `databaseFile`. */
  readonly dataDir?: string | undefined
  /** `:memory:` forgets everything at the end. */
  readonly databaseFile?: string | undefined
  readonly log?: Log | undefined
  /** For fault tests. */
  readonly migrationHooks?: MigrationHooks | undefined
  /** For tests that cannot wait. */
  readonly timings?: Partial<Timings> | undefined
  readonly openCluster?: OpenCluster | undefined
  /** Every answer is compared with its schema; for tests. */
  readonly checkAnswers?: boolean | undefined
}

export interface ControlPlane {
  readonly url: string
  /** Everything stops where it is, and goes on when a control plane is started on the same store. */
  close(): Promise<void>
}

const connectTimeoutMs = 3_000
const requestTimeoutMs = 15_000

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { host = '127.0.0.1', port = 7070, log = silent } = options
  const timings = { ...defaultTimings, ...options.timings }
  const openCluster =
    options.openCluster ?? ((address) => openRealCluster(address, { connectTimeoutMs, requestTimeoutMs }))
  const store = await Store.open(openSqlite(storeFile(options)))
  const closing = new AbortController()
  const { now } = Date
  const board = await RouteBoard.open(store)
  const clusters = new Clusters({ store, board, openCluster, now })
  const leftovers = new Leftovers({
    store,
    timings,
    log,
    now,
    deleteTopic: async ({ cluster, topic }) => {
      await (await clusters.open(cluster)).deleteTopic(topic)
    },
  })
  const plane: Plane = {
    store,
    board,
    clusters,
    leftovers,
    timings,
    log,
    closing: closing.signal,
    now,
    sleep: (ms, signal) => wait(ms, undefined, { signal, ref: false }),
    random: Math.random,
  }
  const topics = new Topics(plane)
  const migrations = new Migrations(plane, options.migrationHooks)
  const accessPoints = new AccessPoints({ store, board, timings, log, now })
  const api = createApi({
    plane,
    topics,
    migrations,
    accessPoints,
    serving: {
      store,
      now,
      idempotent: new IdempotentRequests({ store, now }),
      authenticate: async () => anonymous,
      checkAnswers: options.checkAnswers ?? false,
    },
  })

  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      closing.abort(new Error('the control plane is stopping'))
      await Promise.all([accessPoints.close(), api.close()])
      // Closing the connections ends what waits for a cluster.
      await Promise.all([clusters.close(), migrations.close(), leftovers.close()])
      await store.close()
    })()
    return closed
  }
  try {
    const url = await api.listen({ host, port })
    accessPoints.start()
    leftovers.start()
    await migrations.resume()
    log('info', 'control-plane.started', { url, routeVersion: board.table.version })
    return { url, close }
  } catch (error) {
    await close()
    throw listenError(error, host, port)
  }
}

function storeFile({ dataDir, databaseFile }: ControlPlaneOptions): string {
  if (databaseFile !== undefined) return databaseFile
  if (dataDir !== undefined) return join(dataDir, 'control-plane.db')
  throw new Error('a control plane needs a dataDir, where its store is kept')
}

function listenError(error: unknown, host: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException).code
  const address = `${host}:${port}`
  if (code === 'EADDRINUSE') {
    return new Error(
      `the control plane cannot listen on ${address}: the address is in use; stop what listens there, or choose another with --api host:port`,
      { cause: error },
    )
  }
  if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
    return new Error(
      `the control plane cannot listen on ${address} (${code}): choose another address with --api host:port`,
      { cause: error },
    )
  }
  return error
}
