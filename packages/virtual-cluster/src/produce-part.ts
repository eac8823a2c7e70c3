import { baseSequence, lastOffsetDelta, producerEpoch, producerId } from '@braid/kafka-protocol'
import type { LiveTopic } from './live-topic.ts'
import { laterSequence } from './sequence.ts'
import type { PendingAnswer, Session } from './session.ts'

/** One produce request of a client, until each of its batches has an outcome. */
export class ProduceCall implements PendingAnswer {
  answer: readonly Buffer[] | undefined = undefined
  readonly parts: ProducePart[] = []
  /** Batches without an outcome yet. */
  open = 0

  readonly session: Session
  readonly version: number
  readonly correlationId: number
  readonly acks: number
  readonly timeoutMs: number
  readonly requestBytes: number
  /** The request as it came; batches are slices of it. */
  readonly frame: Buffer
  readonly transactional: boolean

  constructor(
    session: Session,
    version: number,
    correlationId: number,
    acks: number,
    timeoutMs: number,
    frame: Buffer,
    transactional: boolean,
  ) {
    this.session = session
    this.version = version
    this.correlationId = correlationId
    this.acks = acks
    this.timeoutMs = timeoutMs
    this.requestBytes = frame.length
    this.frame = frame
    this.transactional = transactional
  }
}

/** One batch on its way: from a client's produce request to one loglet. Never split, never decompressed. */
export class ProducePart {
  readonly call: ProduceCall
  readonly topicName: string
  readonly partition: number
  /** A slice of the client's frame: exactly one record batch of format 2. */
  readonly records: Buffer

  topic: LiveTopic | undefined = undefined
  /** Order of arrival at this access point. */
  arrival = 0
  /** The physical topic that the batch was last sent to. */
  sentTo = ''
  brokerId = -1
  /** The batches of the request that it is in flight with. */
  shipment: readonly ProducePart[] | undefined = undefined
  /** When it was first held back, in ms of the engine's clock; 0 while it never was. */
  heldSinceMs = 0
  /** Since when it waits for earlier sequences of its producer; 0 while it never did. */
  gapSinceMs = 0
  /** While it waits for earlier sequences: when to look again. */
  lookAgainMs = 0
  /** A broker is being asked about its producer; the answer looks at it again. */
  asking = false
  /** It is in flight, and the active loglet's broker may not know its producer yet. */
  introduces = false
  /** How often its topic's loglets had gone away or come back when it last departed. */
  turn = 0

  error = 0
  errorMessage: string | null = null
  baseOffset = -1n
  appendTimeMs = -1n
  logStartOffset = -1n

  #producerId: bigint | undefined = undefined

  constructor(call: ProduceCall, topicName: string, partition: number, records: Buffer) {
    this.call = call
    this.topicName = topicName
    this.partition = partition
    this.records = records
  }

  /** -1n for a producer without idempotence. */
  get producerId(): bigint {
    this.#producerId ??= producerId(this.records, 0)
    return this.#producerId
  }
  /** Whether the batch belongs to an idempotent producer; read from the sign bit, without a bigint. */
  get idempotent(): boolean {
    return this.records[43]! < 0x80
  }
  get producerEpoch(): number {
    return producerEpoch(this.records, 0)
  }
  get baseSequence(): number {
    return baseSequence(this.records, 0)
  }
  /** Of its last record. */
  get lastSequence(): number {
    return laterSequence(this.baseSequence, lastOffsetDelta(this.records, 0))
  }
  get recordCount(): number {
    return lastOffsetDelta(this.records, 0) + 1
  }
}
