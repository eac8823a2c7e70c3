// The routes as the control plane publishes them: a snapshot, then deltas, by server-sent events.
//
//     start() ──> connecting ──event──> connected ──lost──> waiting ──> connecting ...
//                                                                      close() from anywhere ──> closed
//
// Events: `snapshot` (a whole table), `resumed` (what you have is good, deltas follow) and `delta`. The id of
// each is the token to resume with; it names the store too, so that the deltas of one control plane are never
// applied to the table of another. What does not fit is never applied: the feed asks for a snapshot. The head of an
// answer says at which version the other side is, so that start() does not end with routes of the past.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { constants, createGunzip } from 'node:zlib'
import { type RouteDelta, type RouteSnapshot, RouteTable } from '@braid/routing-model'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { backoffMs } from './backoff.ts'
import { baseUrls, type ControlPlaneUrls, namesOf } from './control-plane-urls.ts'
import { ControlPlaneError } from './problems.ts'
import { reasonOf } from './requests.ts'
import { RouteFile, readRouteFile, type StoredRoutes } from './route-file.ts'

export type RouteFeedState =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected'; readonly version: number }
  /** Not connected. The last table stays in force; the next try is in `retryInMs`. */
  | { readonly state: 'waiting'; readonly reason: string; readonly retryInMs: number }
  | { readonly state: 'closed' }

export interface RouteFeedOptions {
  /**
   * Of the control plane, `http://127.0.0.1:7070`; several, as a list or with commas, when they share a store: the
   * next is read from when one is away.
   */
  readonly url: ControlPlaneUrls
  /** Only the routes of these; of all when absent. */
  readonly tenants?: readonly string[] | undefined
  /** Whether the feed comes compressed. Absent: unless the control plane is on this machine. */
  readonly compression?: boolean | undefined
  readonly token?: string | undefined
  /** Where the last table is kept, for a start while the control plane is away. */
  readonly file?: string | undefined
  /** Called in the tick in which a change arrives. `delta` is null when the table was replaced as a whole. */
  onChange(table: RouteTable, delta: RouteDelta | null): void
  readonly onState?: ((state: RouteFeedState) => void) | undefined
  /** Hears of a file that cannot be read or written; the feed goes on. */
  readonly onFileError?: ((reason: string) => void) | undefined
  readonly random?: (() => number) | undefined
  readonly limits?: Partial<RouteFeedLimits> | undefined
}

export interface RouteFeedLimits {
  /** start() gives up after so long without a table. */
  readonly startMaxMs: number
  /** A control plane that has not answered after so long is away, and the file is used. */
  readonly fileAfterMs: number
  /** The other side sends something every 2 s. */
  readonly silenceMaxMs: number
  readonly retryBaseMs: number
  readonly retryMaxMs: number
  readonly eventMaxCharacters: number
  readonly fileDebounceMs: number
}

const defaultLimits: RouteFeedLimits = {
  startMaxMs: 30_000,
  fileAfterMs: 1_000,
  silenceMaxMs: 6_000,
  retryBaseMs: 50,
  retryMaxMs: 2_000,
  eventMaxCharacters: 256 * 1024 * 1024,
  fileDebounceMs: 200,
}

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
/** What the control plane writes is to come out as it comes in, not when a block is full. */
const gunzip = {
  flush: constants.Z_SYNC_FLUSH,
  finishFlush: constants.Z_SYNC_FLUSH,
  chunkSize: 128 * 1024,
}

export class RouteFeed {
  private readonly options: RouteFeedOptions
  private readonly limits: RouteFeedLimits
  private readonly bases: readonly [URL, ...URL[]]
  private readonly random: () => number
  private readonly file: RouteFile | undefined
  private readonly starting = Promise.withResolvers<void>()
  private readonly startTimers: NodeJS.Timeout[] = []
  private status: RouteFeedState | undefined
  /** Read from the file, not in force: the feed, if there, says more. */
  private stored: StoredRoutes | undefined
  private inForce: RouteTable | undefined
  /** What to resume with; undefined asks for a snapshot. */
  private resumeToken: string | undefined
  private request: ClientRequest | undefined
  private silence: NodeJS.Timeout | undefined
  private retry: NodeJS.Timeout | undefined
  private failures = 0
  /** Index of the control plane that we read from, or try. */
  private current = 0
  /** Where the control plane was when it answered: start() waits until we are there too. */
  private startVersion = 0

  constructor(options: RouteFeedOptions) {
    this.options = options
    this.limits = { ...defaultLimits, ...options.limits }
    this.bases = baseUrls(options.url)
    this.random = options.random ?? Math.random
    if (options.file !== undefined) {
      this.file = new RouteFile(options.file, options.tenants, this.limits.fileDebounceMs, (error) =>
        options.onFileError?.(`${options.file}: ${error.message}`),
      )
    }
    // Whoever calls start() gets the error; nobody else must.
    this.starting.promise.catch(() => {})
  }

  /** The table in force. Throws before start() has resolved. */
  get table(): RouteTable {
    if (this.inForce === undefined) {
      throw new ControlPlaneError('UNAVAILABLE', 0, 'no route table yet: await start() first')
    }
    return this.inForce
  }

  get connected(): boolean {
    return this.status?.state === 'connected'
  }

  /** Resolves when a table is in force: from the feed, or from the file when the control plane is away. */
  start(): Promise<void> {
    if (this.status !== undefined) return this.starting.promise
    const { file, tenants, onFileError } = this.options
    if (file !== undefined) {
      this.stored = readRouteFile(file, tenants, (reason) => onFileError?.(reason))
    }
    this.resumeToken = this.stored?.token
    const { fileAfterMs, startMaxMs } = this.limits
    this.startTimers.push(
      setTimeout(() => this.useStored(), fileAfterMs),
      setTimeout(() => {
        if (this.inForce !== undefined) this.endStart()
        this.failStart(
          `no route table from ${namesOf(this.bases)} within ${startMaxMs} ms, and none on disk: is a control plane running there?`,
        )
      }, startMaxMs),
    )
    this.connect()
    return this.starting.promise
  }

  /** Ends the feed. A change that waits for the disk is written first. */
  async close(): Promise<void> {
    this.failStart('the route feed was closed before a route table came')
    this.disconnect()
    if (this.status?.state !== 'closed') this.enter({ state: 'closed' })
    await this.file?.flush()
  }

  private connect(): void {
    this.enter({ state: 'connecting' })
    const { tenants, compression } = this.options
    const url = new URL('v1/routes', this.bases[this.current])
    if (tenants !== undefined) url.searchParams.set('tenants', tenants.join(','))
    if (this.resumeToken !== undefined) url.searchParams.set('since', this.resumeToken)
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
      agent: false,
      headers: {
        accept: 'text/event-stream',
        ...((compression ?? !loopback.test(url.hostname)) && { 'accept-encoding': 'gzip' }),
        ...(this.options.token !== undefined && { authorization: `Bearer ${this.options.token}` }),
      },
    })
    this.request = request
    const lost = (reason: string) => {
      if (this.request === request) this.lost(reason)
    }
    this.silence = setTimeout(
      () => lost(`nothing came for ${this.limits.silenceMaxMs} ms`),
      this.limits.silenceMaxMs,
    )
    request.on('error', (error) => lost(reasonOf(error)))
    request.on('response', (response) => this.read(request, response, url, lost))
    request.end()
  }

  private read(
    request: ClientRequest,
    response: IncomingMessage,
    url: URL,
    lost: (reason: string) => void,
  ): void {
    response.on('error', (error) => lost(reasonOf(error)))
    const type = response.headers['content-type'] ?? ''
    if (response.statusCode !== 200 || !type.startsWith('text/event-stream')) {
      lost(`${url.origin}${url.pathname} answered ${response.statusCode} ${type}, not a route feed`)
      return
    }
    this.startVersion = Number(response.headers['braid-route-version'] ?? 0)
    const parser = createParser({
      maxBufferSize: this.limits.eventMaxCharacters,
      // The rest of a chunk may still hold events after one made us disconnect.
      onEvent: (event) => {
        if (this.request === request) this.take(event)
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') this.resync(error.message)
      },
    })
    let text: Readable = response
    if (response.headers['content-encoding'] === 'gzip') {
      text = response.pipe(createGunzip(gunzip))
      text.on('error', (error) => lost(`what came is not gzip: ${reasonOf(error)}`))
    }
    text.setEncoding('utf8')
    text.on('data', (chunk: string) => {
      if (this.request !== request) return
      this.silence?.refresh()
      parser.feed(chunk)
    })
    response.on('close', () => lost('the control plane ended the feed'))
  }

  private take(event: EventSourceMessage): void {
    let table: RouteTable
    let delta: RouteDelta | null = null
    try {
      if (event.id === undefined) throw new Error('an event without an id')
      switch (event.event) {
        case 'snapshot':
          table = RouteTable.fromJSON(JSON.parse(event.data) as RouteSnapshot)
          break
        case 'resumed': {
          const kept = this.inForce ?? this.stored?.table
          const { version } = JSON.parse(event.data) as { version: unknown }
          if (kept === undefined || kept.version !== version)
            throw new Error(`resumed at ${version}, which is not what was asked for`)
          table = kept
          break
        }
        case 'delta':
          if (!this.connected) throw new Error('a delta before a table')
          delta = JSON.parse(event.data) as RouteDelta
          table = this.table
          table.apply(delta)
          break
        default:
          return // of a newer control plane, and nothing that we have to know
      }
    } catch (error) {
      this.resync(`an event that does not fit: ${(error as Error).message}`)
      return
    }
    this.failures = 0
    this.resumeToken = event.id
    const news = table !== this.inForce || delta !== null
    this.inForce = table
    this.stored = undefined
    if (news) this.options.onChange(table, delta)
    if (this.status?.state === 'connecting') this.enter({ state: 'connected', version: table.version })
    if (news) this.keep()
    if (table.version >= this.startVersion) this.endStart()
  }

  private keep(): void {
    this.file?.save(() => ({ table: this.table, token: this.resumeToken ?? '' }))
  }

  private useStored(): void {
    if (this.stored === undefined || this.inForce !== undefined) return
    this.inForce = this.stored.table
    this.stored = undefined
    this.options.onChange(this.inForce, null)
    this.endStart()
  }

  /** What we have and what is sent do not fit together: from the beginning. */
  private resync(reason: string): void {
    this.resumeToken = undefined
    this.stored = this.inForce === undefined ? this.stored : undefined
    this.lost(reason)
  }

  private lost(reason: string): void {
    this.disconnect()
    this.useStored()
    // What we have is of the past perhaps, and better than nothing.
    if (this.inForce !== undefined) this.endStart()
    const { retryBaseMs, retryMaxMs } = this.limits
    // Each control plane is tried soon, and all of them again after waits that grow.
    const rounds = Math.floor(this.failures++ / this.bases.length)
    const retryInMs = backoffMs(rounds, retryBaseMs, retryMaxMs, this.random)
    this.current = (this.current + 1) % this.bases.length
    this.enter({ state: 'waiting', reason, retryInMs })
    // onState may have closed us.
    if (this.status?.state === 'waiting') this.retry = setTimeout(() => this.connect(), retryInMs)
  }

  private disconnect(): void {
    clearTimeout(this.silence)
    clearTimeout(this.retry)
    const request = this.request
    this.request = undefined
    request?.destroy()
  }

  private enter(status: RouteFeedState): void {
    this.status = status
    this.options.onState?.(status)
  }

  private endStart(): void {
    for (const timer of this.startTimers.splice(0)) clearTimeout(timer)
    this.starting.resolve()
  }

  private failStart(reason: string): void {
    if (this.inForce !== undefined) return
    for (const timer of this.startTimers.splice(0)) clearTimeout(timer)
    this.starting.reject(new ControlPlaneError('UNAVAILABLE', 0, reason))
    this.disconnect()
    if (this.status !== undefined && this.status.state !== 'closed') this.enter({ state: 'closed' })
  }
}
