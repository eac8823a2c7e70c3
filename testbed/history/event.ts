/**
 * What clients say happened to them, one event per call or answer. Events are data: a client process appends them,
 * the checker reads them. A produce call is one event with all of its records, so that a minute of load stays small.
 *
 * Times are milliseconds of the machine's monotonic clock, which all processes of one machine share.
 */
export type HistoryEvent =
  | SentEvent
  | AcknowledgedEvent
  | FailedEvent
  | AssignedEvent
  | ReceivedEvent
  | CommittedEvent
  | ErrorEvent
  | MovedEvent

/** A client asked for these records to be written; `keys[i]` belongs to `ids[i]`, an id is unique in a history. */
export interface SentEvent {
  type: 'sent'
  at: number
  /** Orders are kept per producer and key. One producer has one identity (PID) towards Kafka. */
  producer: string
  call: number
  topic: string
  keys: readonly string[]
  ids: readonly string[]
}

/** All records of a call are written; an offset is `UNKNOWN_OFFSET` when the client does not tell it. */
export interface AcknowledgedEvent {
  type: 'acknowledged'
  at: number
  producer: string
  call: number
  partitions: readonly number[]
  offsets: readonly bigint[]
}

/** The client gave a call up: its records may or may not be there, and the application saw an error. */
export interface FailedEvent {
  type: 'failed'
  at: number
  producer: string
  call: number
  error: string
}

/** A group member starts over on these partitions, at the group's committed offsets. */
export interface AssignedEvent {
  type: 'assigned'
  at: number
  group: string
  member: string
  topic: string
  partitions: readonly number[]
}

/** Records of one partition as a member saw them, in that order. */
export interface ReceivedEvent {
  type: 'received'
  at: number
  group: string
  member: string
  topic: string
  partition: number
  offsets: readonly bigint[]
  keys: readonly string[]
  ids: readonly string[]
}

/** The coordinator acknowledged these positions of the group. */
export interface CommittedEvent {
  type: 'committed'
  at: number
  group: string
  member: string
  generation: number
  topic: string
  partitions: readonly number[]
  offsets: readonly bigint[]
}

/** A client reported something that an application has no reason to expect. */
export interface ErrorEvent {
  type: 'error'
  at: number
  client: string
  error: string
}

/** The topic moved between these times (asked for, and switched). */
export interface MovedEvent {
  type: 'moved'
  at: number
  topic: string
  from: string
  to: string
  startedAt: number
  sealMs: number
}

export const UNKNOWN_OFFSET = -1n

/** Monotonic milliseconds, comparable between processes of one machine (CLOCK_MONOTONIC, as Java's nanoTime). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** One line of a history file. Offsets stand as decimal strings: JSON has no 64 bit numbers. */
export function encodeEvent(event: HistoryEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

const eventTypes: ReadonlySet<string> = new Set<HistoryEvent['type']>([
  'sent',
  'acknowledged',
  'failed',
  'assigned',
  'received',
  'committed',
  'error',
  'moved',
])

export function decodeEvent(line: string): HistoryEvent {
  const value: unknown = JSON.parse(line, (key, field: unknown) =>
    key === 'offsets' && Array.isArray(field) ? field.map((offset: string) => BigInt(offset)) : field,
  )
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  if (typeof type !== 'string' || !eventTypes.has(type)) {
    throw new Error(`not an event of a history: ${line.slice(0, 200)}`)
  }
  return value as HistoryEvent
}
