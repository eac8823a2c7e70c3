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
  /** Undefined when there is no such cluster any more. */
  deleteTopic(physical: PhysicalTopic): Promise<void>
}

const keyOf = ({ cluster, topic }: PhysicalTopic) => JSON.stringify([cluster, topic])

export class Leftovers {
  private readonly parts: LeftoverParts
  private readonly underway = new Map<string, Promise<void>>()
  /** Recorded before they are made; whoever makes them says what becomes of them. */
  private readonly held = new Set<string>()
  private timer: NodeJS.Timeout | undefined

  constructor(parts: LeftoverParts) {
    this.parts = parts
  }

  start(): void {
    this.sweep()
    this.timer = setInterval(() => this.sweep(), this.parts.timings.sweepEveryMs).unref()
  }

  /** Records topics that are about to be made, so that a crash leaves nothing that nobody knows. */
  hold(topics: readonly PhysicalTopic[]): void {
    const { store, now } = this.parts
    store.transaction(() => {
      for (const { cluster, topic } of topics) store.addLeftover(cluster, topic, now())
    })
    for (const topic of topics) this.held.add(keyOf(topic))
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
    await Promise.all(this.underway.values())
  }

  private sweep(): void {
    for (const leftover of this.parts.store.leftovers()) {
      if (!this.held.has(keyOf(leftover))) void this.delete(leftover)
    }
  }

  private delete(physical: PhysicalTopic): Promise<void> {
    const key = keyOf(physical)
    const known = this.underway.get(key)
    if (known !== undefined) return known
    const { store, log } = this.parts
    const { cluster, topic } = physical
    const deletion = this.parts
      .deleteTopic(physical)
      .then(
        () => store.removeLeftover(cluster, topic),
        (error: unknown) => log('warn', 'leftover.kept', { cluster, topic, reason: reasonOf(error) }),
      )
      .finally(() => this.underway.delete(key))
    this.underway.set(key, deletion)
    return deletion
  }
}
