import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { provideAdminToken } from './access/admin-token.ts'
import { type Auth, Authenticator, checkExposure } from './access/authenticator.ts'
import { FeedAccess } from './access/feed-access.ts'
import { createFront } from './api/front.ts'
import { RequestCounts } from './api/metrics.ts'
import { planeMetrics } from './api/plane-metrics.ts'
import type { OpenCluster } from './clusters/clusters.ts'
import { openRealCluster } from './clusters/real-cluster.ts'
import { TermMeasures } from './failover/term-measures.ts'
import { ContestedSeat } from './leadership/contested-seat.ts'
import type { Seat } from './leadership/seat.ts'
import { SoleSeat } from './leadership/sole-seat.ts'
import { beginTerm } from './leadership/term.ts'
import { type Log, silent } from './log.ts'
import { PublishedRoutes } from './routes/published-routes.ts'
import { type RouteFeedLimits, RouteReaders } from './routes/route-readers.ts'
import type { MigrationHooks } from './sagas/migrations.ts'
import { defaultTimings, type Timings } from './timings.ts'

export interface ControlPlaneOptions {
  /** 127.0.0.1 when absent. Elsewhere than on loopback it takes `auth`, or `allowAnonymous`. */
  readonly host?: string | undefined
  /** 7070 when absent; 0 takes a free one. */
  readonly port?: number | undefined
  /**
   * `postgres://user:password@host:port/database`: control planes on the same one share it, and one of them leads.
   * Anything else is a folder, as `dataDir`. One of this, `dataDir` and `databaseFile`.
   */
  readonly store?: string | undefined
  /** Where the other control planes on the store reach this one; the address that it listens on when absent. */
  readonly advertise?: string | undefined
  /** Holds `control-plane.db`. */
  readonly dataDir?: string | undefined
  /** `:memory:` forgets everything at the end. */
  readonly databaseFile?: string | undefined
  /** Who may do what: `none` when absent, which makes everybody an administrator. */
  readonly auth?: Auth | undefined
  /** With `auth: 'none'`, also where others than this machine can reach us. */
  readonly allowAnonymous?: boolean | undefined
  /**
   * The administrator's token, of at least 32 characters; BRAID_ADMIN_TOKEN when absent. Without either the first start
   * with `auth: 'tokens'` makes one, and writes it to the file `admin-token` in the data directory.
   */
  readonly adminToken?: string | undefined
  readonly log?: Log | undefined
  /** Of those who read the routes. */
  readonly routeFeed?: Partial<RouteFeedLimits> | undefined
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
  /**
   * A copy of the store in a file that is not there yet, of one moment, while everything goes on. Rejects on
   * PostgreSQL, which has its own tools.
   */
  backup(file: string): Promise<void>
}

const connectTimeoutMs = 3_000
const requestTimeoutMs = 15_000

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { host = '127.0.0.1', port = 7070, log = silent } = options
  const timings = { ...defaultTimings, ...options.timings }
  const openCluster =
    options.openCluster ?? ((address) => openRealCluster(address, { connectTimeoutMs, requestTimeoutMs }))
  const auth = options.auth ?? 'none'
  checkExposure(host, auth, options.allowAnonymous ?? false)
  const id = randomUUID()
  const published = new PublishedRoutes()
  const place = storePlace(options)
  const folder = place.kind === 'sqlite' && place.file !== ':memory:' ? dirname(place.file) : undefined
  const seat: Seat =
    place.kind === 'sqlite'
      ? await SoleSeat.open(place.file, published)
      : new ContestedSeat({ storeUrl: place.url, id, published, timings, log })
  const authenticator = new Authenticator({ auth, store: () => seat.reading(), now: Date.now })
  const access = new FeedAccess({ authenticator, log, everyMs: timings.credentialsCheckMs })
  const requests = new RequestCounts()
  const measures = new TermMeasures()
  const readers = new RouteReaders({
    published,
    log,
    heartbeatMs: timings.heartbeatMs,
    limits: options.routeFeed,
  })
  const front = createFront({
    published,
    readers,
    log,
    access,
    metrics: () =>
      planeMetrics({
        requests,
        readers,
        published,
        role: seat.role(),
        store: seat.reading(),
        term: measures,
      }),
    role: () => seat.role(),
    rest: () => seat.rest(),
  })

  requests.watch(front)

  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      readers.close()
      await access.close()
      await Promise.all([front.close(), seat.close()])
    })()
    return closed
  }
  try {
    const url = await front.listen({ host, port })
    const advertised = options.advertise ?? url
    await seat.start({
      id,
      url: advertised,
      beginTerm: async (store) => {
        if (auth !== 'none') {
          await provideAdminToken({
            store,
            given: options.adminToken ?? process.env.BRAID_ADMIN_TOKEN,
            folder,
            dispensable: typeof auth === 'object',
            log,
            now: Date.now,
          })
        }
        return beginTerm({
          id,
          url: advertised,
          store,
          published,
          timings,
          log,
          openCluster,
          contested: place.kind === 'postgres',
          migrationHooks: options.migrationHooks,
          checkAnswers: options.checkAnswers ?? false,
          authenticator,
          requests,
          measures,
          folder,
        })
      },
    })
    log('info', 'control-plane.started', { url, ...seat.role(), routeVersion: published.table.version })
    return { url, close, backup: (file) => seat.backup(file) }
  } catch (error) {
    await close()
    throw listenError(error, host, port)
  }
}

type StorePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }

function storePlace({ store, dataDir, databaseFile }: ControlPlaneOptions): StorePlace {
  if (store !== undefined && /^postgres(ql)?:\/\//.test(store)) return { kind: 'postgres', url: store }
  const folder = store ?? dataDir
  if (databaseFile !== undefined) return { kind: 'sqlite', file: databaseFile }
  if (folder !== undefined) return { kind: 'sqlite', file: join(folder, 'control-plane.db') }
  throw new Error(
    'a control plane needs a store: a dataDir, where its file is kept, or the URL of a PostgreSQL database',
  )
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
