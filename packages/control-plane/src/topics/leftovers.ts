// Physical topics that no route names: of a creation that failed, of a topic that was deleted, of a loglet that
// retired. The store lists them, and they are deleted in the background until that has worked.
import type { PhysicalTopic } from '@braid/routing-model'
import { type Log, reasonOf } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Timings } from '../timings.ts'

interface LeftoverParts {
  readonly store: Store
  readonly timings: Timings
  readonly log: Log
  readonly now: () => number
  /** False when it was not there. */
  deleteTopic(physical: PhysicalTopic): Promise<boolean>
}

const keyOf = ({ cluster, topic }: PhysicalTopic) => JSON.stringify([cluster, topic])

export class Leftovers {
  private readonly parts: LeftoverParts
  private readonly underway = new Map<string, Promise<void>>()
  /** Recorded before they are made; whoever makes them says what becomes of them. */
  private readonly held = new Set<string>()
  private sweeping: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(parts: LeftoverParts) {
    this.parts = parts
  }

  start(): void {
    void this.sweep()
    this.timer = setInterval(() => void this.sweep(), this.parts.timings.sweepEveryMs).unref()
  }

  /** Records topics that are about to be made, so that a crash leaves nothing that nobody knows. */
  async hold(topics: readonly PhysicalTopic[]): Promise<void> {
    const { store, now } = this.parts
    for (const topic of topics) this.held.add(keyOf(topic))
    try {
      await store.transaction(async () => {
        for (const { cluster, topic } of topics) await store.addLeftover(cluster, topic, now())
      })
    } catch (error) {
      this.release(topics)
      throw error
    }
  }

  /**
   * Makes one topic, recorded as left over before: a crash in between leaves nothing that nobody knows. `keep` runs in a
   * transaction; where it wants the topic no more, or anything fails, the topic is deleted again.
   */
  async makeAndKeep(
    physical: PhysicalTopic,
    make: () => Promise<void>,
    keep: () => Promise<boolean>,
  ): Promise<void> {
    const { store } = this.parts
    await this.hold([physical])
    let kept = false
    try {
      await make()
      kept = await store.transaction(async () => {
        if (!(await keep())) return false
        await store.removeLeftover(physical.cluster, physical.topic)
        return true
      })
    } finally {
      if (kept) this.release([physical])
      else await this.discard([physical])
    }
  }

  /** Whether a topic is being made on the cluster at this moment. */
  holdsOn(cluster: string): boolean {
    return [...this.held].some((key) => (JSON.parse(key) as string[])[0] === cluster)
  }

  /** They are in a route, or will be deleted: the store says which. */
  release(topics: readonly PhysicalTopic[]): void {
    for (const topic of topics) this.held.delete(keyOf(topic))
  }

  /** Deletes these, which the store lists, and waits for that up to a bound. What is not done then goes on. */
  async discard(topics: readonly PhysicalTopic[]): Promise<void> {
    this.release(topics)
    const all = Promise.all(topics.map((topic) => this.delete(topic)))
    let timer: NodeJS.Timeout | undefined
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.parts.timings.sweepMaxMs).unref()
    })
    await Promise.race([all, bound])
    clearTimeout(timer)
  }

  /** Never leaves a deletion behind that could write to a closed store. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.sweeping
    await Promise.all(this.underway.values())
  }

  private sweep(): Promise<void> {
    const { store, log } = this.parts
    // In a transaction, so that whatever it lists and nobody holds is in no route that is being committed.
    const sweeping = store
      .transaction(async () =>
        (await store.leftovers()).filter((leftover) => !this.held.has(keyOf(leftover))),
      )
      .then(
        (left) => {
          for (const leftover of left) void this.delete(leftover)
        },
        (error: unknown) => log('warn', 'leftover.sweep-failed', { reason: reasonOf(error) }),
      )
    this.sweeping = sweeping
    return sweeping
  }

  private delete(physical: PhysicalTopic): Promise<void> {
    const key = keyOf(physical)
    const known = this.underway.get(key)
    if (known !== undefined) return known
    const { store, log, now, timings } = this.parts
    const { cluster, topic } = physical
    const deletion = (async () => {
      // It may be in a route after all: of a commit whose answer was lost.
      const left = await store.leftover(cluster, topic)
      if (left === undefined) return
      const wasThere = await this.parts.deleteTopic(physical)
      // The call that makes it may still be under way, from a control plane that has led before.
      if (wasThere || now() >= left.recordedAt + timings.leftoverSettleMs) {
        await store.removeLeftover(cluster, topic)
      }
    })()
      .catch((error: unknown) => log('warn', 'leftover.kept', { cluster, topic, reason: reasonOf(error) }))
      .finally(() => this.underway.delete(key))
    this.underway.set(key, deletion)
    return deletion
  }
}
