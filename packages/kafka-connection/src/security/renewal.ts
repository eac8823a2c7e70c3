import type { BrokerConnection } from '../broker-connection.ts'
import type { Timer } from '../clock.ts'
import type { ConnectionOptions } from '../options.ts'

/** Of the session's lifetime, as Kafka's own clients do it: spread, so that not all connections come at once. */
const RENEW_FROM = 0.85
const RENEW_SPREAD = 0.1
/** Timers hold no more; a longer session is renewed early. */
const RENEW_AFTER_MAX_MS = 24 * 60 * 60 * 1000

/**
 * A broker with `connections.max.reauth.ms` closes a connection that goes on beyond the session's lifetime. So we say who
 * we are again before its end, on the same connection (KIP-368): a new connection would fail what is under way on the old
 * one. Requests that come meanwhile are held for these round trips. When it fails, the connection ends with that error.
 *
 * @param again answers the new session's lifetime in ms, 0 without end
 */
export function keepAuthenticated(
  connection: BrokerConnection,
  lifetimeMs: number,
  again: () => Promise<number>,
  { clock, random }: Pick<ConnectionOptions, 'clock' | 'random'>,
): void {
  let timer: Timer | undefined
  const schedule = (ms: number) => {
    if (ms <= 0 || connection.closed) return
    const share = RENEW_FROM + RENEW_SPREAD * random()
    timer = clock.after(Math.min(ms * share, RENEW_AFTER_MAX_MS), () => {
      connection.interrupt(again).then(schedule, () => {})
    })
  }
  connection.onClose(() => timer?.cancel())
  schedule(lifetimeMs)
}
