// Where clients connect: each access point renews a lease; without it, it leaves the routes.
import type { AccessPoint, AccessPointLease, AccessPointRenewal } from '@braid/control-api'
import { ACCESS_POINT_NUMBER_MAX, type AccessPointRoute } from '@braid/routing-model'
import type { Log } from './log.ts'
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
    this.timer = setInterval(() => this.dismissExpired(), timings.leaseCheckMs).unref()
  }

  close(): void {
    clearInterval(this.timer)
  }

  /** Publishes only what is new. */
  renew(id: string, { bootstrap, listeners, routeVersion }: AccessPointRenewal): AccessPointLease {
    const { store, board, timings, log, now } = this.parts
    const known = board.table.accessPoints.get(id)
    if (known === undefined || known.bootstrap !== bootstrap || !sameListeners(known.listeners, listeners)) {
      store.transaction(() => {
        const number = store.accessPointNumber(id) ?? store.nextAccessPointNumber()
        if (number > ACCESS_POINT_NUMBER_MAX) {
          throw new Refusal(
            'LIMIT_REACHED',
            `${ACCESS_POINT_NUMBER_MAX} access points have been here, more than there are numbers for: give them ids that they keep`,
          )
        }
        const route: AccessPointRoute = { id, number, bootstrap, listeners }
        board.change({ accessPoints: [route] }, () => store.putAccessPoint(route))
      })
      log('info', known === undefined ? 'access-point.came' : 'access-point.changed', {
        id,
        bootstrap,
        listeners,
      })
    }
    this.leases.set(id, { endsAt: now() + timings.leaseMs, routeVersion })
    const { number } = board.table.accessPoints.get(id)!
    return { id, number, leaseMs: timings.leaseMs, routeVersion: board.table.version }
  }

  remove(id: string): void {
    if (!this.parts.board.table.accessPoints.has(id)) {
      throw new Refusal('UNKNOWN_ACCESS_POINT', `there is no access point ${id}; list those that are there`)
    }
    this.dismiss(id, 'left')
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

  private dismissExpired(): void {
    for (const [id, { endsAt }] of this.leases)
      if (endsAt <= this.parts.now()) this.dismiss(id, 'its lease ended')
  }

  private dismiss(id: string, reason: string): void {
    const { board, store, log } = this.parts
    board.change({ removedAccessPoints: [id] }, () => store.dismissAccessPoint(id))
    this.leases.delete(id)
    log('info', 'access-point.went', { id, reason })
  }
}

function sameListeners(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
