// Feeds stay open for days. Whoever reads one is looked at again and again: a token may be revoked.
import type { Socket } from 'node:net'
import { type Log, reasonOf } from '../log.ts'
import { unknownTenant } from '../refusal.ts'
import type { Authenticator } from './authenticator.ts'
import { type Caller, sees, visibleTenants } from './caller.ts'
import { permit } from './permit.ts'

interface Guarded {
  readonly caller: Caller
  readonly sockets: Set<Socket>
}

/** The tenants whose routes the caller is told, of those that it asks for; undefined: of all. */
export function feedTenants(
  caller: Caller,
  asked: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  permit({ id: 'accessPoints.list', access: 'reader' }, caller, undefined)
  for (const tenant of asked ?? []) if (!sees(caller, tenant)) throw unknownTenant(tenant)
  const visible = visibleTenants(caller)
  return asked ?? (visible && new Set(visible))
}

export class FeedAccess {
  private readonly authenticator: Authenticator
  private readonly log: Log
  /** By credential: ten thousand readers have a few of them. */
  private readonly guarded = new Map<string, Guarded>()
  private readonly timer: NodeJS.Timeout
  private looking: Promise<void> | undefined

  /** Every `everyMs` it looks; a feed ends so long after its token, at most. */
  constructor(parts: { authenticator: Authenticator; log: Log; everyMs: number }) {
    this.authenticator = parts.authenticator
    this.log = parts.log
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined
      })
    }, parts.everyMs).unref()
  }

  /** As the request's authorization says. */
  caller(authorization: string | undefined): Promise<Caller> {
    return this.authenticator.caller(authorization)
  }

  /** Ends the connection when the caller may read no longer. */
  guard(caller: Caller, socket: Socket): void {
    if (caller.by === 'none') return
    const key = JSON.stringify([caller.tokenId, caller.principal, caller.endsAt, caller.owns])
    const known = this.guarded.get(key) ?? { caller, sockets: new Set() }
    this.guarded.set(key, known)
    known.sockets.add(socket)
    socket.once('close', () => {
      known.sockets.delete(socket)
      if (known.sockets.size === 0 && this.guarded.get(key) === known) this.guarded.delete(key)
    })
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.looking
  }

  private async look(): Promise<void> {
    for (const { caller, sockets } of [...this.guarded.values()]) {
      try {
        if (await this.authenticator.isStillGood(caller)) continue
        this.log('info', 'route-feed.credentials-ended', {
          principal: caller.principal,
          readers: sockets.size,
        })
        for (const socket of sockets) socket.destroy()
      } catch (error) {
        // Who cannot be looked up keeps reading: routes are needed most when something is down.
        this.log('warn', 'route-feed.credentials-unknown', {
          principal: caller.principal,
          reason: reasonOf(error),
        })
      }
    }
  }
}
