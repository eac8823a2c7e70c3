// Where clients connect: each access point renews a lease; without it, it leaves the routes.
import type { AccessPoint, AccessPointLease, AccessPointRenewal } from '@braid/control-api'
import { ACCESS_POINT_NUMBER_MAX, type AccessPointRoute } from '@braid/routing-model'
import { type Log, reasonOf } from './log.ts'
import { Refusal } from './refusal.ts'
import type { RouteBoard } from './routes/route-board.ts'
import type { Store } from './store/store.ts'
import type { Timings } from './timings.ts'

interface Lease {
  endsAt: number
  routeVersion: number
}

interface AccessPointParts {
  readonly store: Store
  readonly board: RouteBoard
  readonly timings: Timings
  readonly log: Log
  readonly now: () => number
}

export class AccessPoints {
  private readonly parts: AccessPointParts
  private readonly leases = new Map<string, Lease>()
  private checking: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(parts: AccessPointParts) {
    this.parts = parts
  }

  /** While we were away nobody could renew: every lease begins anew. */
  start(): void {
    const { board, timings, now } = this.parts
    for (const id of board.table.accessPoints.keys()) {
      this.leases.set(id, { endsAt: now() + timings.leaseMs, routeVersion: 0 })
    }
    this.timer = setInterval(() => {
      this.checking ??= this.dismissExpired().finally(() => {
        this.checking = undefined
      })
    }, timings.leaseCheckMs).unref()
  }

  /** Nothing is written after it. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.checking
  }

  /** Publishes only what is new. */
  async renew(id: string, renewal: AccessPointRenewal): Promise<AccessPointLease> {
    const { store, board, timings, log, now } = this.parts
    const { bootstrap, listeners, routeVersion } = renewal
    const lease = () => this.leases.set(id, { endsAt: now() + timings.leaseMs, routeVersion })
    if (isSame(board.table.accessPoints.get(id), renewal)) lease()
    else {
      const known = await store.transaction(async () => {
        const before = board.table.accessPoints.get(id)
        // With the route, so that none is ever without its lease.
        store.afterCommit(lease)
        if (!isSame(before, renewal)) await this.put({ id, bootstrap, listeners })
        return before
      })
      log('info', known === undefined ? 'access-point.came' : 'access-point.changed', {
        id,
        bootstrap,
        listeners,
      })
    }
    const { number } = board.table.accessPoints.get(id)!
    return { id, number, leaseMs: timings.leaseMs, routeVersion: board.table.version }
  }

  async remove(id: string): Promise<void> {
    if (!(await this.dismiss(id, 'left', () => true))) {
      throw new Refusal('UNKNOWN_ACCESS_POINT', `there is no access point ${id}; list those that are there`)
    }
  }

  list(): AccessPoint[] {
    return Array.from(this.parts.board.table.accessPoints.values(), (route) => {
      const lease = this.leases.get(route.id)!
      return {
        ...route,
        listeners: { ...route.listeners },
        routeVersion: lease.routeVersion,
        leaseEndsAt: new Date(lease.endsAt).toISOString(),
      }
    })
  }

  private async put(fresh: Omit<AccessPointRoute, 'number'>): Promise<void> {
    const { store, board } = this.parts
    const number = (await store.accessPointNumber(fresh.id)) ?? (await store.nextAccessPointNumber())
    if (number > ACCESS_POINT_NUMBER_MAX) {
      throw new Refusal(
        'LIMIT_REACHED',
        `${ACCESS_POINT_NUMBER_MAX} access points have been here, more than there are numbers for: give them ids that they keep`,
      )
    }
    const route: AccessPointRoute = { ...fresh, number }
    await board.change({ accessPoints: [route] }, () => store.putAccessPoint(route))
  }

  private async dismissExpired(): Promise<void> {
    const { log, now } = this.parts
    const expired = (id: string) => (this.leases.get(id)?.endsAt ?? 0) <= now()
    for (const id of [...this.leases.keys()].filter(expired)) {
      await this.dismiss(id, 'its lease ended', () => expired(id)).catch((error: unknown) =>
        log('warn', 'access-point.kept', { id, reason: reasonOf(error) }),
      )
    }
  }

  /** False when it was not there, or it was not due when its turn came. */
  private async dismiss(id: string, reason: string, isDue: () => boolean): Promise<boolean> {
    const { board, store, log } = this.parts
    const dismissed = await store.transaction(async () => {
      if (!board.table.accessPoints.has(id) || !isDue()) return false
      store.afterCommit(() => this.leases.delete(id))
      await board.change({ removedAccessPoints: [id] }, () => store.dismissAccessPoint(id))
      return true
    })
    if (dismissed) log('info', 'access-point.went', { id, reason })
    return dismissed
  }
}

function isSame(known: AccessPointRoute | undefined, renewal: AccessPointRenewal): boolean {
  return (
    known !== undefined &&
    known.bootstrap === renewal.bootstrap &&
    sameListeners(known.listeners, renewal.listeners)
  )
}

function sameListeners(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
