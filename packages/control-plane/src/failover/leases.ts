// Who may write to topics that fail over: every process that serves clients renews a lease, and stops by itself when it
// could not. So when a cluster cannot be asked any more, it is enough to wait for the leases of those that cannot be
// told. In memory: a term that begins knows nobody, and takes it that somebody holds one for as long as one may last.
//
//     renewed ──end()──────────────> gone
//        └────lease and margin over──> run out ──a minute──> forgotten
import type { endpoints, Lease, LeaseGranted } from '@braid/control-api'
import type { z } from 'zod'
import type { Log } from '../log.ts'
import { Refusal } from '../refusal.ts'
import type { Timings } from '../timings.ts'

export type Renewal = z.output<(typeof endpoints)['leases.renew']['body']>

/** One process as it was heard last. */
export interface HeldLease {
  readonly id: string
  readonly renewal: Renewal
  /** Of our monotonic clock, ms. */
  readonly receivedAt: number
  /** Of the same clock: it may write until then. */
  readonly endsAt: number
}

/** Whom a wait was for, and how it ended for them. */
export interface Awaited {
  readonly waitedMs: number
  /** Those that had not said so when it began. */
  readonly waitedFor: readonly string[]
  /** Of these, those whose lease ran out before they did. */
  readonly ranOut: readonly string[]
  /** Whether it was also for those that a term which has just begun does not know. */
  readonly forUnknown: boolean
}

interface LeasesParts {
  readonly timings: Pick<Timings, 'writeLeaseMs' | 'leaseMarginMs'>
  readonly log: Log
  /** Monotonic, ms: a clock that is set must not end leases. */
  readonly clock: () => number
  /** ms since 1970 */
  readonly now: () => number
  readonly routeVersion: () => number
  /** Until when nobody else can have become the leader, of the same clock; absent: nobody else can. */
  readonly leadSure?: (() => number) | undefined
}

/** Somebody who waits for all. */
interface Waiter {
  heard(lease: HeldLease): void
  gone(id: string): void
}

type Listener = (lease: HeldLease | undefined, before: HeldLease | undefined) => void

const leasesMax = 100_000
const forgetAfterMs = 60_000
/** Between two looks at who is long gone. */
const forgetEveryMs = 10_000

export class Leases {
  private readonly parts: LeasesParts
  private readonly held = new Map<string, HeldLease>()
  private readonly waiting = new Set<Waiter>()
  private readonly listeners = new Set<Listener>()
  /** Leases that an earlier term granted have run out by then. */
  private readonly knownFrom: number
  /** Whoever has an earlier version in force is granted nothing: what we wait for must not begin anew. */
  private versionMin: number
  private forgotAt: number

  constructor(parts: LeasesParts) {
    this.parts = parts
    const { clock, timings, routeVersion } = parts
    this.knownFrom = clock() + timings.writeLeaseMs + timings.leaseMarginMs
    this.versionMin = routeVersion()
    this.forgotAt = clock()
  }

  /** Called with every renewal, and with undefined when a lease was ended. Returns how to stop that. */
  onRenewal(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** `leaseMs` 0: its routes are too old to write by; it is granted one when it has caught up. */
  renew(id: string, renewal: Renewal): LeaseGranted {
    const { clock, routeVersion } = this.parts
    const receivedAt = clock()
    this.forgetGone(receivedAt)
    const before = this.held.get(id)
    if (before === undefined && this.held.size >= leasesMax) {
      throw new Refusal(
        'LIMIT_REACHED',
        `${leasesMax} processes hold write leases, the most at a time: let clients go through proxies, which hold one each`,
      )
    }
    const leaseMs = renewal.routeVersion < this.versionMin ? 0 : this.grantable(receivedAt)
    // Each answer is a promise by itself, also one that this one would shorten.
    const endsAt = Math.max(before?.endsAt ?? 0, receivedAt + leaseMs)
    const lease = { id, renewal, receivedAt, endsAt }
    // The latest last: what is forgotten stands in front.
    this.held.delete(id)
    this.held.set(id, lease)
    for (const listener of this.listeners) listener(lease, before)
    for (const waiter of this.waiting) waiter.heard(lease)
    return { leaseMs, routeVersion: routeVersion() }
  }

  /** It writes no more. Undefined when it is not there. */
  end(id: string): HeldLease | undefined {
    const lease = this.held.get(id)
    this.held.delete(id)
    for (const listener of this.listeners) listener(undefined, lease)
    for (const waiter of this.waiting) waiter.gone(id)
    return lease
  }

  get(id: string): HeldLease | undefined {
    return this.held.get(id)
  }

  /** Those that may write, by id. */
  list(): Lease[] {
    const { clock, now } = this.parts
    const since1970 = now() - clock()
    return this.valid()
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, renewal, endsAt }) => ({
        id,
        ...renewal,
        clusters: { ...renewal.clusters },
        endsAt: new Date(since1970 + endsAt).toISOString(),
      }))
  }

  /** How many may write now. */
  get count(): number {
    return this.valid().length
  }

  /** Of the oldest commit that waits to be mirrored anywhere, ms; null when none does. */
  get mirrorLagMs(): number | null {
    let longest: number | null = null
    for (const { renewal } of this.valid()) {
      const { mirrorLagMs } = renewal
      if (mirrorLagMs !== null) longest = Math.max(longest ?? 0, mirrorLagMs)
    }
    return longest
  }

  /**
   * Resolves when nothing is written any more under a route version before this one: everyone that may write has it in
   * force, or its lease has run out. `settled`: and every batch that left under an earlier one is answered, or its
   * connection gone. Rejects when `stop` is aborted. From now on nobody is granted a lease under an earlier version, so
   * without `settled` it takes no longer than one lasts.
   */
  async awaitVersion(
    version: number,
    { settled }: { readonly settled: boolean },
    stop: AbortSignal,
  ): Promise<Awaited> {
    const { clock } = this.parts
    const startedAt = clock()
    this.versionMin = Math.max(this.versionMin, version)
    const has = ({ renewal }: HeldLease) =>
      renewal.routeVersion >= version && (!settled || renewal.settledVersion >= version)
    const forUnknown = this.knownFrom > startedAt
    const waitedFor = new Set<string>()
    const ranOut = new Set<string>()
    const behind = new Set<string>()
    let wake = () => {}
    const waiter: Waiter = {
      heard: (lease) => {
        if (has(lease) || this.isOver(lease, clock())) behind.delete(lease.id)
        else {
          behind.add(lease.id)
          waitedFor.add(lease.id)
        }
        if (behind.size === 0) wake()
      },
      gone: (id) => {
        behind.delete(id)
        if (behind.size === 0) wake()
      },
    }
    for (const lease of this.held.values()) waiter.heard(lease)
    this.waiting.add(waiter)
    try {
      for (;;) {
        stop.throwIfAborted()
        const at = clock()
        let dueAt = this.knownFrom > at ? this.knownFrom : Number.POSITIVE_INFINITY
        for (const id of behind) {
          const lease = this.held.get(id)
          if (lease !== undefined && !this.isOver(lease, at)) dueAt = Math.min(dueAt, this.overAt(lease))
          else {
            behind.delete(id)
            ranOut.add(id)
          }
        }
        if (dueAt === Number.POSITIVE_INFINITY) break
        const woken = Promise.withResolvers<void>()
        wake = woken.resolve
        await until(woken, dueAt - at, stop)
      }
    } finally {
      this.waiting.delete(waiter)
    }
    return { waitedMs: clock() - startedAt, waitedFor: [...waitedFor], ranOut: [...ranOut], forUnknown }
  }

  private overAt({ endsAt }: HeldLease): number {
    return endsAt + this.parts.timings.leaseMarginMs
  }

  private isOver(lease: HeldLease, at: number): boolean {
    return this.overAt(lease) <= at
  }

  private valid(): HeldLease[] {
    const at = this.parts.clock()
    return [...this.held.values()].filter(({ endsAt }) => endsAt > at)
  }

  /**
   * None outlasts what the next leader waits for: it counts from its beginning, and one that has been cut off from the
   * store may not know of it yet.
   */
  private grantable(at: number): number {
    const { timings, leadSure } = this.parts
    if (leadSure === undefined) return timings.writeLeaseMs
    const leaseMs = Math.floor(Math.min(timings.writeLeaseMs, leadSure() + timings.writeLeaseMs - at))
    if (leaseMs > 0) return leaseMs
    throw new Refusal(
      'NO_LEADER',
      'this control plane has not heard from its store for a while, and may not lead any more: ask again',
    )
  }

  private forgetGone(at: number): void {
    if (at < this.forgotAt + forgetEveryMs) return
    this.forgotAt = at
    for (const lease of this.held.values()) {
      if (lease.receivedAt + forgetAfterMs > at) break
      this.held.delete(lease.id)
    }
  }
}

/** Until it is resolved, so many ms are over, or `stop` is aborted. */
async function until(
  { promise, resolve }: PromiseWithResolvers<void>,
  ms: number,
  stop: AbortSignal,
): Promise<void> {
  const wake = () => resolve()
  // A timer may be early by a fraction.
  const timer = setTimeout(wake, Math.max(0, Math.ceil(ms))).unref()
  stop.addEventListener('abort', wake)
  await promise
  clearTimeout(timer)
  stop.removeEventListener('abort', wake)
}
