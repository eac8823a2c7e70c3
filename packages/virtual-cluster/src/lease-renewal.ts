import { ControlPlaneError, type LeaseGranted, type LeaseRenewal as LeaseReport } from '@braid/control-api'
import type { RouteDelta, RouteTable } from '@braid/routing-model'
import { type Log, silent } from './log.ts'
import type { WriteLease } from './write-lease.ts'

/** Where the lease is renewed; a ControlPlaneClient's `leases`, with a timeout of `renewalTimeoutMs`. */
export interface LeaseOffice {
  renew(id: string, report: LeaseReport): Promise<LeaseGranted>
  end(id: string): Promise<void>
}

export interface LeaseRenewalOptions {
  readonly id: string
  readonly lease: WriteLease
  readonly office: LeaseOffice
  /** What is true now. */
  readonly report: () => LeaseReport
  /** Whether the tenant has topics that need the lease. What is seen of clusters is told in any case. */
  readonly needed: () => boolean
  /** ms of the clock that the lease is asked with */
  readonly now: () => number
  readonly log?: Log | undefined
}

/** A third of the lease: one renewal may be lost. */
const RENEW_MS = 1_000
/** Where nothing is leased. */
const RENEW_UNNEEDED_MS = 2_000
/** After one that failed: a control plane that was replaced is found well before the lease runs out. */
const RETRY_MS = 250
/** Changes that come together are told together. */
const SOON_MS = 10
/** One renewal after another, however fast things change. */
const APART_MS = 100
const END_MAX_MS = 1_000

/** A control plane that hangs is not waited for: the next one is asked, or it is asked again. */
export const renewalTimeoutMs = 1_000

/** `behind`: our routes are too old to write by. */
export type RenewalOutcome = 'granted' | 'behind' | 'refused' | 'failed'

/**
 * Renews the write lease, and tells with it which routes are in force and how the clusters are seen.
 *
 *     waiting --due, or soon()--> asking --answer, or a second--> waiting
 */
export class LeaseRenewal {
  /** Renewals so far. */
  readonly counts: Record<RenewalOutcome, number> = { granted: 0, behind: 0, refused: 0, failed: 0 }

  readonly #options: LeaseRenewalOptions
  readonly #log: Log
  #state: 'waiting' | 'asking' | 'closed' = 'waiting'
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #sentMs = Number.NEGATIVE_INFINITY
  /** Something has changed since the report that is under way was made. */
  #again = false
  /** What the last renewal failed with, so that it is said once. */
  #problem: string | undefined

  constructor(options: LeaseRenewalOptions) {
    this.#options = options
    this.#log = options.log ?? silent
  }

  /** Renews now, and from here on. Resolves when the first is answered or has failed. */
  start(): Promise<void> {
    return this.#renew()
  }

  /** Something has changed that the control plane waits for. */
  soon(): void {
    if (this.#state === 'asking') this.#again = true
    else if (this.#state === 'waiting') this.#wait(SOON_MS)
  }

  /** Gives the lease up, so that nobody has to wait for its end. Nothing may be written any more. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#timer)
    this.#options.lease.end()
    if (this.counts.granted + this.counts.behind === 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_MAX_MS)
    })
    // One that is not ended runs out.
    await Promise.race([this.#options.office.end(this.#options.id).catch(() => {}), late])
    clearTimeout(timer)
  }

  #wait(ms: number): void {
    const now = this.#options.now()
    const atMs = Math.max(now + ms, this.#sentMs + APART_MS)
    if (this.#timer !== undefined && this.#timerAtMs <= atMs) return
    clearTimeout(this.#timer)
    this.#timerAtMs = atMs
    this.#timer = setTimeout(() => void this.#renew(), Math.max(1, atMs - now))
    this.#timer.unref()
  }

  async #renew(): Promise<void> {
    if (this.#state !== 'waiting') return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#state = 'asking'
    this.#again = false
    const { id, lease, office, report, needed, now } = this.#options
    const sentMs = now()
    this.#sentMs = sentMs
    let nextMs: number
    try {
      const told = report()
      const answer = await office.renew(id, told)
      if (this.#isClosed()) return
      if (answer.leaseMs > 0) {
        lease.granted(sentMs, answer.leaseMs)
        this.counts.granted++
        if (this.#problem !== undefined) this.#log('info', 'lease-renewed', { id })
        this.#problem = undefined
        nextMs = needed() ? RENEW_MS : RENEW_UNNEEDED_MS
      } else nextMs = this.#behind(told.routeVersion, answer.routeVersion)
    } catch (error) {
      if (this.#isClosed()) return
      nextMs = this.#failed(error)
    }
    this.#state = 'waiting'
    this.#wait(this.#again ? SOON_MS : Math.max(1, sentMs + nextMs - now()))
  }

  /** A failover waits for nobody whose routes are from before it. When to try again: at the latest, as routes come. */
  #behind(here: number, there: number): number {
    this.counts.behind++
    if (this.#problem !== 'BEHIND') {
      this.#problem = 'BEHIND'
      const { id } = this.#options
      const why = `route version ${here} is in force here, ${there} in the control plane`
      this.#log('warn', 'lease-not-granted', { id, why, todo: passing })
    }
    return RETRY_MS
  }

  /** When to try again. */
  #failed(error: unknown): number {
    const code = error instanceof ControlPlaneError ? error.code : 'UNAVAILABLE'
    const todo = refusals[code]
    this.counts[todo === undefined ? 'failed' : 'refused']++
    if (this.#problem !== code) {
      this.#problem = code
      const why = error instanceof Error ? error.message : String(error)
      const { id, needed } = this.#options
      const level = needed() ? 'error' : 'warn'
      this.#log(level, 'lease-not-renewed', { id, code, why, todo: todo ?? passing })
    }
    return todo === undefined ? RETRY_MS : RENEW_MS
  }

  #isClosed(): boolean {
    return this.#state === 'closed'
  }
}

const passing = 'nothing: it is tried again; topics that fail over are not written to until it succeeds'

/** What does not pass by itself, and what to do about it. */
const refusals: Readonly<Record<string, string>> = {
  UNAUTHENTICATED:
    'give this process a token that is valid; topics that fail over are not written to until then',
  FORBIDDEN:
    'give this process a token that may read the routes of its tenant; topics that fail over are not written to until then',
  UNKNOWN_TENANT:
    'create the tenant, or start this process with the right one; its topics that fail over are not written to until then',
  NOT_FOUND: 'update the control plane: it does not know of leases',
  LIMIT_REACHED:
    'the control plane keeps no more leases: stop processes that are not needed, or raise its limit',
  BAD_REQUEST: 'run the same version of Braid here and in the control plane',
}

/** Whether the control plane may wait until this change has arrived here. */
export function mustBeToldAtOnce(delta: RouteDelta | undefined): boolean {
  if (delta === undefined || delta.clusters !== undefined || delta.tenants !== undefined) return true
  return delta.topics?.some(({ loglets }) => loglets.some((loglet) => loglet.away !== undefined)) ?? false
}

/** Whether any of the tenant's topics is only written to under the lease. */
export function needsLease(routes: RouteTable, tenant: string): boolean {
  for (const topic of routes.topics(tenant)) if (topic.failover !== 'none') return true
  return false
}
