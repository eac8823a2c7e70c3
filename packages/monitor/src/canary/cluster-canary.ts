import { type ClusterConnections, pulse } from '@braid/kafka-connection'
import { type Log, reasonOf } from '../log.ts'
import { canaryTopic, ensureCanaryTopic } from './canary-topic.ts'
import type { OnCheck, Operation } from './checks.ts'
import { afterPulse, afterWrites, type Sighting, unseen, type Vote, voteOf } from './sighting.ts'
import { type WrittenAndRead, writeAndRead } from './write-and-read.ts'

export interface ClusterCanaryParts {
  readonly cluster: string
  /** For pulses, and for records: what waits for one must not stand before the other. */
  readonly pulses: () => ClusterConnections | undefined
  readonly records: () => ClusterConnections | undefined
  readonly onCheck: OnCheck
  /** Monotonic, ms. */
  readonly now: () => number
  readonly log: Log
  readonly timeoutMs: number
}

/** The topic is looked at again: brokers may have come, or it may have been deleted. */
const TOPIC_LOOKED_AT_EACH_MS = 30_000

/** One cluster as clients feel it, from outside. */
export class ClusterCanary {
  readonly #parts: ClusterCanaryParts
  #sighting: Sighting = unseen
  #topicDueMs = 0
  #partitions = 0
  #topicFailed: string | undefined
  #latest: 'unknown' | 'ok' | 'failed' = 'unknown'

  constructor(parts: ClusterCanaryParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.cluster
  }

  get vote(): Vote {
    return voteOf(this.#sighting, this.#parts.now())
  }

  get reach(): Sighting['reach']['state'] {
    return this.#sighting.reach.state
  }

  /** Whether the latest records were written to every broker and read back; undefined when none was tried yet. */
  get works(): boolean | undefined {
    if (this.vote.state === 'down' || this.#topicFailed !== undefined) return false
    return this.#latest === 'unknown' ? undefined : this.#latest === 'ok'
  }

  /** Why there is no canary topic; undefined when there is one. */
  get trouble(): string | undefined {
    return this.#topicFailed
  }

  /** Asks any broker. Ends within `timeoutMs`. */
  async pulse(): Promise<void> {
    const { pulses, now, timeoutMs } = this.#parts
    const cluster = pulses()
    if (cluster === undefined) return
    const sentMs = now()
    try {
      await pulse(cluster, timeoutMs)
      this.#sighting = afterPulse(this.#sighting, { ok: true, sentMs })
    } catch (error) {
      this.#sighting = afterPulse(this.#sighting, { ok: false, sentMs, why: reasonOf(error) })
    }
  }

  /** Writes a record to each broker and reads it back. */
  async records(): Promise<void> {
    const { records, now, timeoutMs } = this.#parts
    const cluster = records()
    if (cluster === undefined) return
    const sentMs = now()
    if (!(await this.#topic(cluster))) {
      // Without the topic nothing is known of writes, only whether the cluster answers.
      if (this.#sighting.reach.state === 'down') this.#check(false, [])
      return
    }
    const partitions = Array.from({ length: this.#partitions }, (_, partition) => partition)
    if (partitions.some((p) => cluster.leader(canaryTopic, p) < 0))
      await cluster.refreshMetadata([canaryTopic]).catch(() => {})
    const byLeader = Map.groupBy(partitions, (p) => cluster.leader(canaryTopic, p))
    const results = await Promise.all(
      [...byLeader].map(async ([leader, led]): Promise<WrittenAndRead> => {
        const result =
          leader < 0
            ? nothingOf(`partition ${led.join(', ')} of ${canaryTopic} has no leader`)
            : await cluster
                .shared(leader)
                .then((connection) => writeAndRead(connection, canaryTopic, led, timeoutMs, now))
                .catch((error: unknown) => nothingOf(reasonOf(error)))
        if (result.moved) for (const partition of led) cluster.invalidate(canaryTopic, partition)
        return result
      }),
    )
    const written = results.some(({ producedMs }) => producedMs !== undefined)
    const why = results.find((result) => result.why !== undefined)?.why
    this.#sighting = afterWrites(
      this.#sighting,
      written ? { ok: true, sentMs } : { ok: false, sentMs, why: why ?? 'nothing was answered' },
    )
    const latenciesMs = results.flatMap(({ producedMs, fetchedMs }): [Operation, number][] => [
      ...(producedMs === undefined ? [] : [['produce', producedMs] as [Operation, number]]),
      ...(fetchedMs === undefined ? [] : [['fetch', fetchedMs] as [Operation, number]]),
    ])
    this.#check(why === undefined, latenciesMs)
  }

  #check(ok: boolean, latenciesMs: readonly (readonly [Operation, number])[]): void {
    this.#latest = ok ? 'ok' : 'failed'
    this.#parts.onCheck({ source: { kind: 'cluster', cluster: this.name }, ok, latenciesMs })
  }

  /** Whether there is a topic to write to. */
  async #topic(cluster: ClusterConnections): Promise<boolean> {
    const { now, log } = this.#parts
    if (now() < this.#topicDueMs || this.#sighting.reach.state !== 'up') return this.#partitions > 0
    this.#topicDueMs = now() + TOPIC_LOOKED_AT_EACH_MS
    try {
      this.#partitions = await ensureCanaryTopic(cluster)
      this.#topicFailed = undefined
    } catch (error) {
      const why = reasonOf(error)
      if (why !== this.#topicFailed) log('warn', 'canary-topic', { cluster: this.name, why })
      this.#topicFailed = why
    }
    return this.#partitions > 0
  }
}

function nothingOf(why: string): WrittenAndRead {
  return { producedMs: undefined, fetchedMs: undefined, why, moved: true }
}
