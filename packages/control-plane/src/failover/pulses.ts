// Our own look at every registered cluster: a tiny question now and then, on connections of its own, so that nothing
// else stands before it.
import { isMisconfiguration } from '@braid/kafka-connection'
import { type ClusterRoute, sameConnection } from '@braid/routing-model'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import type { ClusterEnd } from '../clusters/real-cluster.ts'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import type { Sighting } from './votes.ts'

type PulsesParts = Pick<Plane, 'board' | 'clusters' | 'closing' | 'sleep'> & {
  readonly timings: Pick<Plane['timings'], 'pulseEveryMs' | 'pulseTimeoutMs'>
  /** Of every answer, and of every one that did not come. */
  readonly hear: (cluster: string, sighting: Sighting) => void
}

const detailMax = 300
/** A timer that is so late says that this process had no time for it. */
const heldUpMinMs = 200

export class Pulses {
  private readonly parts: PulsesParts
  private readonly beating = new Map<string, Promise<void>>()
  private timer: NodeJS.Timeout | undefined

  constructor(parts: PulsesParts) {
    this.parts = parts
  }

  start(): void {
    this.begin()
    this.timer = setInterval(() => this.begin(), this.parts.timings.pulseEveryMs).unref()
  }

  /** After `closing` was aborted. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    await Promise.all(this.beating.values())
  }

  /** For every cluster that has been registered since. */
  private begin(): void {
    const { board, closing } = this.parts
    if (closing.aborted) return
    for (const name of board.table.clusters.keys()) {
      if (this.beating.has(name)) continue
      const beat = this.beat(name).finally(() => this.beating.delete(name))
      this.beating.set(name, beat)
    }
  }

  /** Until it is registered no more, or not at these addresses: then it begins anew. Never rejects. */
  private async beat(name: string): Promise<void> {
    const { board, closing, sleep, timings, hear } = this.parts
    const end = board.table.clusters.get(name)
    let connected: KafkaCluster | undefined
    let changedAt = performance.now()
    let state: Sighting['state'] = 'unknown'
    while (!closing.aborted && end !== undefined && isStill(board.table.clusters.get(name), end)) {
      let detail: string | null = null
      let now: Sighting['state'] = 'up'
      const startedAt = performance.now()
      try {
        connected ??= this.connect(end)
        await connected.pulse(timings.pulseTimeoutMs)
      } catch (error) {
        // That we are not let in says that it is there, and nothing of whether others are.
        now = isNotLetIn(error) ? 'unknown' : 'down'
        detail = reasonOf(error).slice(0, detailMax)
        // A connection that was cut off may never say so.
        void connected?.close().catch(() => {})
        connected = undefined
      }
      if (closing.aborted) break
      // We were held up ourselves, and the answer may lie there unread.
      if (now === 'down' && performance.now() - startedAt > timings.pulseTimeoutMs + heldUpMinMs) continue
      if (now !== state) changedAt = performance.now()
      state = now
      hear(name, { state, forMs: performance.now() - changedAt, detail })
      await sleep(timings.pulseEveryMs, closing).catch(() => {})
    }
    await connected?.close().catch(() => {})
  }

  private connect({ name, bootstrap, security }: ClusterEnd): KafkaCluster {
    return this.parts.clusters.openAt({ name, bootstrap, security })
  }
}

/** A broker that goes down in the middle of a handshake looks like one that has no TLS. */
function isNotLetIn(error: unknown): boolean {
  if (!isMisconfiguration(error)) return false
  return error.code !== 'TLS_FAILED' || (error.cause as { code?: string } | undefined)?.code !== 'ECONNRESET'
}

const isStill = (now: ClusterRoute | undefined, before: ClusterRoute): boolean =>
  now !== undefined && sameConnection(now, before)
