import { errorCodes, type MetadataResponse } from '@braid/kafka-protocol'

type TopicAnswer = MetadataResponse['topics'][number]

/** What is known of one topic: columns, so that a lookup is one read. */
interface TopicLeaders {
  readonly topicId: string
  /** broker id by partition, -1 where none is known */
  readonly leaders: Int32Array
  /** leader epoch by partition, -1 where the broker does not say */
  readonly epochs: Int32Array
}

/** How an answer left a topic. */
export type TopicOutcome =
  | { readonly kind: 'complete' }
  /** some partition has no leader (yet) */
  | { readonly kind: 'leaderless' }
  /** the broker does not know the topic (yet) */
  | { readonly kind: 'unknown' }
  /** no use in asking again */
  | { readonly kind: 'refused'; readonly kafkaError: number }

const COMPLETE: TopicOutcome = { kind: 'complete' }
const LEADERLESS: TopicOutcome = { kind: 'leaderless' }
const UNKNOWN: TopicOutcome = { kind: 'unknown' }

/** Who leads which partition, as brokers said last. No I/O. */
export class MetadataCache {
  readonly #topics = new Map<string, TopicLeaders>()
  readonly #maxTopics: number

  constructor(maxTopics: number) {
    this.#maxTopics = maxTopics
  }

  get topics(): IterableIterator<string> {
    return this.#topics.keys()
  }

  get size(): number {
    return this.#topics.size
  }

  leader(topic: string, partition: number): number {
    const known = this.#topics.get(topic)
    return known === undefined ? -1 : (known.leaders[partition] ?? -1)
  }

  partitionCount(topic: string): number {
    return this.#topics.get(topic)?.leaders.length ?? -1
  }

  isComplete(topic: string): boolean {
    const known = this.#topics.get(topic)
    return known !== undefined && known.leaders.length > 0 && !known.leaders.includes(-1)
  }

  /** Of one partition, or of all. Epochs stay: an older leader than the one that was wrong is not believed again. */
  invalidate(topic: string, partition?: number): void {
    const known = this.#topics.get(topic)
    if (known === undefined) return
    if (partition === undefined) known.leaders.fill(-1)
    else if (partition >= 0 && partition < known.leaders.length) known.leaders[partition] = -1
  }

  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  apply(answer: TopicAnswer): TopicOutcome {
    const { errorCode, name } = answer
    if (errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) return UNKNOWN
    if (errorCode === errorCodes.LEADER_NOT_AVAILABLE) return LEADERLESS
    if (errorCode !== 0 || name === null) return { kind: 'refused', kafkaError: errorCode }
    const before = this.#topics.get(name)
    const sameTopic = before !== undefined && before.topicId === answer.topicId
    // Sizes come from the answer: bounded by its own length, as partitions are listed one by one.
    const count = Math.max(answer.partitions.length, sameTopic ? before.leaders.length : 0)
    const reuse = sameTopic && before.leaders.length === count
    const leaders = reuse ? before.leaders : new Int32Array(count).fill(-1)
    const epochs = reuse ? before.epochs : new Int32Array(count).fill(-1)
    if (sameTopic && !reuse) {
      leaders.set(before.leaders)
      epochs.set(before.epochs)
    }
    for (const { partitionIndex, leaderId, leaderEpoch } of answer.partitions) {
      if (partitionIndex < 0 || partitionIndex >= count) continue
      // A broker that lags behind must not bring an old leader back (KIP-320).
      if (leaderEpoch >= 0 && leaderEpoch < epochs[partitionIndex]!) continue
      leaders[partitionIndex] = leaderId
      epochs[partitionIndex] = leaderEpoch
    }
    if (!reuse) {
      this.#topics.delete(name)
      this.#topics.set(name, { topicId: answer.topicId, leaders, epochs })
      if (this.#topics.size > this.#maxTopics) this.#dropOldest()
    }
    return count > 0 && !leaders.includes(-1) ? COMPLETE : LEADERLESS
  }

  #dropOldest(): void {
    const oldest = this.#topics.keys().next()
    if (!oldest.done) this.#topics.delete(oldest.value)
  }
}
