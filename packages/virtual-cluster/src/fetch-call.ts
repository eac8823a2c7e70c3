import type { LiveTopic } from './live-topic.ts'
import type { PendingAnswer, Session } from './session.ts'

/** One partition of a client's fetch, and what a loglet answered for it. */
export class FetchPart {
  readonly topicName: string
  readonly partition: number
  /** Logical offset asked for. */
  readonly offset: bigint
  readonly maxBytes: number

  topic: LiveTopic | undefined = undefined
  /** The physical topic and offset asked for. */
  physicalTopic = ''
  physicalOffset = 0n
  cluster = ''
  brokerId = -1
  /** The offset is in a loglet that is away, and its readers wait: nobody is asked. */
  waits = false

  error = 0
  highWatermark = -1n
  lastStableOffset = -1n
  logStartOffset = -1n
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null = null
  records: Buffer = NO_RECORDS

  constructor(topicName: string, partition: number, offset: bigint, maxBytes: number) {
    this.topicName = topicName
    this.partition = partition
    this.offset = offset
    this.maxBytes = maxBytes
  }
}

export const NO_RECORDS = Buffer.alloc(0)

/** One fetch of a client, until it is answered. */
export class FetchCall implements PendingAnswer {
  answer: readonly Buffer[] | undefined = undefined
  readonly parts: FetchPart[] = []
  /** Brokers that have not answered. */
  open = 0
  /** The brokers' answers that the records are slices of. */
  readonly frames: Buffer[] = []
  done = false
  timer: NodeJS.Timeout | undefined = undefined

  readonly session: Session
  readonly version: number
  readonly correlationId: number
  readonly requestBytes: number
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number

  release(): void {
    for (const frame of this.frames) this.session.engine.frames.give(frame)
  }

  constructor(fields: {
    session: Session
    version: number
    correlationId: number
    requestBytes: number
    maxWaitMs: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
  }) {
    this.session = fields.session
    this.version = fields.version
    this.correlationId = fields.correlationId
    this.requestBytes = fields.requestBytes
    this.maxWaitMs = fields.maxWaitMs
    this.minBytes = fields.minBytes
    this.maxBytes = fields.maxBytes
    this.isolationLevel = fields.isolationLevel
  }
}
