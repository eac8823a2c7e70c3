import type { ClusterConnections } from '@braid/kafka-connection'
import { errorCodes } from '@braid/kafka-protocol'
import { forward } from './forward.ts'
import { type ActiveState, judgeNow } from './handover.ts'
import type { LiveTopic } from './live-topic.ts'
import type { ProducePart } from './produce-part.ts'
import { GAP_LOOK_MS } from './refusal.ts'
import { sequenceDistance } from './sequence.ts'

const FIRST_BACKOFF_MS = 10
const LONGEST_BACKOFF_MS = 320
/** After a question about a producer that no broker answered. */
const LOOK_AGAIN_MS = 50
/** A sealed loglet's cluster that has not answered by then counts as away. */
const READ_SEALED_MS = 200

/**
 * The batches of one partition that cannot leave yet, in order. Each waits for one of:
 *
 *     an answer     batches went to the loglet before, and are not all answered
 *     a switch      the loglet is sealed; the route version that names the next one has not come
 *     the lease     the topic fails over, and its cluster is given up or the write lease is not held
 *     producers     what sealed loglets know of its producer is being read
 *     a sequence    earlier batches of its producer are on their way
 *     a broker      no leader, or a broker that refused for a passing reason
 *
 * and none longer than `holdMaxMs`, or `failoverHoldMaxMs` where a failover may end it: then the client gets
 * NOT_LEADER_OR_FOLLOWER, which it retries.
 */
export class HeldQueue {
  readonly #topic: LiveTopic
  readonly #partition: number
  readonly #parts: ProducePart[] = []
  /** The physical topic that refused as sealed; it is offered a batch again only every `reofferMs`. */
  #sealed = ''
  #notBeforeMs = 0
  #backoffMs = 0
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = 0
  /** The physical topic whose leader is being looked up; the answer pumps. */
  #learning = ''

  /** What the active loglet's broker knows of producers is being asked for those that wait for a sequence. */
  #activeAsked: Promise<ReadonlyMap<bigint, ActiveState>> | undefined

  constructor(topic: LiveTopic, partition: number) {
    this.#topic = topic
    this.#partition = partition
  }

  /** By order of arrival; among the batches of one producer, by sequence. */
  insert(part: ProducePart): void {
    let at = this.#parts.length
    while (at > 0 && this.#parts[at - 1]!.arrival > part.arrival) at--
    if (part.idempotent) {
      // Repetitions come later than what they precede, and what was refused comes back earlier than they.
      const before = this.#parts.findLastIndex((other) => follows(other, part))
      const after = this.#parts.findIndex((other) => follows(part, other))
      if (at <= before) at = before + 1
      if (after >= 0 && after < at) at = after
    }
    this.#parts.splice(at, 0, part)
  }

  sealedBy(physicalTopic: string): void {
    this.#sealed = physicalTopic
    this.#notBeforeMs = this.#topic.engine.now() + this.#topic.engine.limits.reofferMs
  }

  /** The loglet takes batches: if it was sealed, it is no more, and the others need not wait. */
  unsealed(): void {
    if (this.#sealed === '') return
    this.#sealed = ''
    this.#notBeforeMs = 0
  }

  /** The broker cannot take it just now. */
  backOff(): void {
    this.#backoffMs = Math.min(Math.max(this.#backoffMs * 2, FIRST_BACKOFF_MS), LONGEST_BACKOFF_MS)
    this.#notBeforeMs = this.#topic.engine.now() + this.#backoffMs
  }

  /** There is another active loglet: what the one before was waited for does not matter any more. */
  switched(): void {
    this.#notBeforeMs = 0
    this.#backoffMs = 0
  }

  failAll(error: number): void {
    for (const part of this.#parts.splice(0)) this.#settle(part, error)
    this.#done()
  }

  /**
   * Sends what may leave. With `leaving`, the caller sends it, together with other partitions'.
   */
  pump(leaving?: ProducePart[]): void {
    const out = leaving ?? []
    const waiting: ProducePart[] = []
    let at = 0
    while (at < this.#parts.length) {
      const part = this.#parts[at]!
      const step = waiting.some((earlier) => sameProducer(earlier, part)) ? 'stays' : this.#advance(part, out)
      if (step === 'all-wait') break
      if (step === 'stays') {
        waiting.push(part)
        at++
      }
    }
    if (this.#parts.length === 0) this.#done()
    if (leaving === undefined && out.length > 0) forward(this.#topic.engine, out)
  }

  /**
   * One step with one batch. `gone`: it has left the queue. `stays`: it waits for its own producer, others
   * may pass it. `all-wait`: the partition waits. In the latter two something will pump again.
   */
  #advance(part: ProducePart, out: ProducePart[]): 'gone' | 'stays' | 'all-wait' {
    const topic = this.#topic
    const { engine } = topic
    const now = engine.now()
    if (part.call.session.closed) {
      this.#remove(part)
      this.#settle(part, errorCodes.NETWORK_EXCEPTION)
      return 'gone'
    }
    const gapDeadlineMs = part.gapSinceMs === 0 ? 0 : part.gapSinceMs + engine.limits.sequenceGapMaxMs
    const deadlineMs = Math.max(part.heldSinceMs + this.#holdMaxMs, gapDeadlineMs)
    if (now >= deadlineMs) {
      this.#expire(part)
      return 'gone'
    }
    if (topic.barred) {
      engine.awaitLease(topic)
      return this.#wait(deadlineMs, 'all-wait')
    }
    if (this.#learning === topic.active || topic.inflightElsewhere(this.#partition)) {
      return this.#wait(deadlineMs, 'all-wait')
    }
    const sealedStill = this.#sealed === topic.active
    if (this.#sealed !== '' && !sealedStill) {
      this.#sealed = ''
      this.#notBeforeMs = 0
    }
    if (now < this.#notBeforeMs) return this.#wait(Math.min(deadlineMs, this.#notBeforeMs), 'all-wait')
    // A loglet that refused is offered one batch alone, so that a rollback's unseal is noticed in order.
    if (sealedStill && topic.inflight(this.#partition) > 0) return this.#wait(deadlineMs, 'all-wait')
    if (part.asking) return this.#wait(deadlineMs, 'stays')
    if (now < part.lookAgainMs) return this.#wait(Math.min(deadlineMs, part.lookAgainMs), 'stays')

    if (part.idempotent) {
      switch (judgeNow(topic, part)) {
        case 'forward':
          break
        case undefined:
          return this.#ask(part, this.#readSealed(part), deadlineMs)
        case 'landed':
          return this.#ask(part, this.#answerLanded(part), deadlineMs)
        case 'fenced':
          this.#remove(part)
          this.#settle(part, errorCodes.INVALID_PRODUCER_EPOCH)
          return 'gone'
        case 'ask':
        case 'gap':
          // Its predecessor is on the way: the answer tells, and pumps.
          if (topic.producers(this.#partition).introducing(part.producerId)) {
            return this.#wait(deadlineMs, 'stays')
          }
          if (part.gapSinceMs === 0) part.gapSinceMs = now
          if (now >= part.gapSinceMs + engine.limits.sequenceGapMaxMs) {
            // Nothing that comes before is on its way, and nobody knows that it is missing: a broker takes it too.
            if (!topic.producersOfSealed.provesGap(this.#partition, part.producerId)) break
            this.#remove(part)
            this.#settle(part, errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
            return 'gone'
          }
          return this.#ask(part, this.#askActive(part), deadlineMs)
      }
    }

    const connections = engine.cluster(topic.route.cluster(topic.route.active))
    const leader = connections?.leader(topic.active, this.#partition) ?? -1
    if (connections === undefined || leader < 0) {
      this.backOff()
      if (connections === undefined) return this.#wait(Math.min(deadlineMs, this.#notBeforeMs), 'all-wait')
      return this.#learnLeader(connections, deadlineMs)
    }
    part.brokerId = leader
    this.#remove(part)
    topic.unheld(part)
    topic.depart(part)
    out.push(part)
    if (sealedStill) this.sealedBy(topic.active)
    return 'gone'
  }

  /** A seal ends with the migration; what else keeps a topic that fails over may be a cluster that is lost. */
  get #holdMaxMs(): number {
    const { leased, active, engine } = this.#topic
    return leased && this.#sealed !== active ? engine.limits.failoverHoldMaxMs : engine.limits.holdMaxMs
  }

  #remove(part: ProducePart): void {
    this.#parts.splice(this.#parts.indexOf(part), 1)
  }

  /** A leader that was learnt is tried at once. */
  #learnLeader(connections: ClusterConnections, deadlineMs: number): 'all-wait' {
    const { active } = this.#topic
    this.#learning = active
    const learnt = (error?: unknown) => {
      if (this.#learning === active) this.#learning = ''
      const known = connections.leader(active, this.#partition) >= 0
      if (error !== undefined) this.#failed(error)
      else if (known && active === this.#topic.active) this.switched()
      this.pump()
    }
    connections.refreshMetadata([active]).then(() => learnt(), learnt)
    return this.#wait(deadlineMs, 'all-wait')
  }

  /** Where a sealed loglet is away, the active one's broker may know that the batch follows its last. */
  async #readSealed(part: ProducePart): Promise<void> {
    const reading = this.#topic.producersOfSealed.read().then(
      () => undefined,
      (error: unknown) => error,
    )
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<Error>((resolve) => {
      timer = setTimeout(
        () => resolve(new Error(`a sealed loglet has not said what it knows within ${READ_SEALED_MS} ms`)),
        READ_SEALED_MS,
      )
    })
    const problem = await Promise.race([reading, late])
    clearTimeout(timer)
    if (problem === undefined) return
    await this.#learnActive(part)
    if (judgeNow(this.#topic, part) === undefined) throw problem
  }

  /** The hand-over check: does the active loglet's broker know this producer? Many may wait for the same answer. */
  async #askActive(part: ProducePart): Promise<void> {
    this.#activeAsked ??= this.#askForAll().finally(() => {
      this.#activeAsked = undefined
    })
    const isKnown = this.#remember(part, await this.#activeAsked)
    if (!isKnown) part.lookAgainMs = this.#topic.engine.now() + GAP_LOOK_MS
  }

  async #learnActive(part: ProducePart): Promise<void> {
    this.#remember(part, await this.#askForAll())
  }

  async #askForAll(): Promise<ReadonlyMap<bigint, ActiveState>> {
    const topic = this.#topic
    const { active } = topic
    const known = await topic.producersOfSealed.activeProducers(this.#partition)
    // What a loglet knew that is not active any more is read when it is final.
    if (topic.active !== active) return NOBODY
    const producers = topic.producers(this.#partition)
    for (const [producerId, { epoch, lastSequence, records }] of known)
      producers.rememberActive(producerId, epoch, lastSequence, records)
    return known
  }

  /** Again, so that it is not among those that are forgotten where there are many. */
  #remember({ producerId }: ProducePart, known: ReadonlyMap<bigint, ActiveState>): boolean {
    const state = known.get(producerId)
    if (state === undefined) return false
    const { epoch, lastSequence, records } = state
    this.#topic.producers(this.#partition).rememberActive(producerId, epoch, lastSequence, records)
    return true
  }

  /** It is in a sealed loglet, unless the sequences have come round: answer with where it stands. */
  async #answerLanded(part: ProducePart): Promise<void> {
    const topic = this.#topic
    await this.#learnActive(part)
    if (judgeNow(topic, part) !== 'landed') return
    const logicalOffset = await topic.producersOfSealed.placeOf(this.#partition, part)
    if (!this.#parts.includes(part)) return
    this.#remove(part)
    part.baseOffset = logicalOffset
    topic.unheld(part)
    topic.acknowledged(part)
    topic.engine.log('info', 'landed-before-cut', {
      topic: topic.name,
      partition: this.#partition,
      offset: logicalOffset,
    })
  }

  /** One batch waits for what brokers say of its producer. Others may pass it. */
  #ask(part: ProducePart, question: Promise<unknown>, deadlineMs: number): 'stays' {
    part.asking = true
    const answered = (error?: unknown) => {
      part.asking = false
      if (error !== undefined) {
        part.lookAgainMs = this.#topic.engine.now() + LOOK_AGAIN_MS
        this.#failed(error)
      }
      this.pump()
    }
    question.then(() => answered(), answered)
    return this.#wait(deadlineMs, 'stays')
  }

  #failed(error: unknown): void {
    this.#topic.engine.log('warn', 'held', {
      topic: this.#topic.name,
      partition: this.#partition,
      why: error instanceof Error ? error.message : String(error),
    })
  }

  /** Past the bound. What its connection sent after it goes too, so that none of it overtakes it. */
  #expire(first: ProducePart): void {
    const gone = this.#parts.filter((part) => part.call.session === first.call.session)
    for (const part of gone) {
      this.#remove(part)
      this.#settle(part, errorCodes.NOT_LEADER_OR_FOLLOWER)
    }
  }

  #settle(part: ProducePart, error: number): void {
    this.#topic.unheld(part)
    this.#topic.engine.finish(part, error)
  }

  #wait<Step>(untilMs: number, step: Step): Step {
    const now = this.#topic.engine.now()
    if (this.#timer !== undefined && this.#timerAtMs <= untilMs) return step
    clearTimeout(this.#timer)
    this.#timerAtMs = untilMs
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.pump()
      },
      Math.max(1, untilMs - now),
    )
    return step
  }

  #done(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#learning === '') this.#topic.emptied(this.#partition, this)
  }
}

const NOBODY: ReadonlyMap<bigint, ActiveState> = new Map()

const sameProducer = (a: ProducePart, b: ProducePart): boolean =>
  a.idempotent && b.idempotent && a.producerId === b.producerId

/** Whether `later` comes after `earlier` in the sequence of one producer's epoch. */
const follows = (earlier: ProducePart, later: ProducePart): boolean =>
  sameProducer(earlier, later) &&
  earlier.producerEpoch === later.producerEpoch &&
  sequenceDistance(earlier.baseSequence, later.baseSequence) > 0
