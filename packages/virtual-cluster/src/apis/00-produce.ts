import {
  BATCH_HEADER_BYTES,
  batchBytes,
  errorCodes,
  magic,
  ProtocolError,
  Reader,
  type RequestHeader,
  Writer,
} from '@braid/kafka-protocol'
import { forward } from '../forward.ts'
import { ProduceCall, ProducePart } from '../produce-part.ts'
import type { Session } from '../session.ts'
import { byTopic, writeLength } from './answer-fields.ts'

/** First version with compact strings, arrays and tags. */
const FLEXIBLE = 9

/**
 * Produce: each batch goes, as it is, to the leader of its partition's active loglet. What is decoded is
 * where the batches are and the fields of their headers that order depends on.
 */
export function answerProduce(session: Session, header: RequestHeader, frame: Buffer): void {
  const call = readProduce(session, header, frame)
  session.expect(call)
  const { engine } = session
  const leaving: ProducePart[] = []
  // Counted first: a batch refused at once must not answer a request whose other batches are on their way.
  call.open = call.parts.length
  if (call.open === 0) session.complete(call, call.acks === 0 ? [] : encodeProduceAnswer(call))
  for (const part of call.parts) {
    const topic = engine.topic(part.topicName)
    if (topic === undefined || part.partition < 0 || part.partition >= topic.route.partitions) {
      engine.finish(part, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
      continue
    }
    const refusal = transactional(part) ?? refusalOf(part.records)
    if (refusal !== undefined) {
      engine.finish(part, refusal.error, refusal.message)
      continue
    }
    part.topic = topic
    part.arrival = engine.nextArrival()
    if (!topic.writers.has(session)) {
      topic.writers.add(session)
      session.onClose(() => topic.writers.delete(session))
    }
    if (topic.admit(part)) leaving.push(part)
  }
  if (leaving.length > 0) forward(engine, leaving)
}

interface Refusal {
  readonly error: number
  readonly message: string
}

function transactional(part: ProducePart): Refusal | undefined {
  if (!part.call.transactional) return undefined
  return {
    error: errorCodes.INVALID_TXN_STATE,
    message: `transactions are not offered here yet: topic ${part.topicName}, produce without a transactional.id`,
  }
}

/** What a broker would refuse too, and what the engine must be able to rely on. */
function refusalOf(records: Buffer): Refusal | undefined {
  if (records.length < BATCH_HEADER_BYTES) {
    return {
      error: errorCodes.CORRUPT_MESSAGE,
      message: `a record batch has at least ${BATCH_HEADER_BYTES} bytes, not ${records.length}`,
    }
  }
  if (magic(records, 0) !== 2) {
    return {
      error: errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT,
      message: `message format ${magic(records, 0)} is not offered: produce record batches of format 2 (Kafka 0.11 and later)`,
    }
  }
  const bytes = batchBytes(records, 0)
  if (bytes !== records.length) {
    return {
      error: errorCodes.INVALID_RECORD,
      message: `one batch per partition and request: its length says ${bytes} bytes, the request carries ${records.length}`,
    }
  }
  return undefined
}

/** @throws ProtocolError where the request does not parse. */
export function readProduce(session: Session, header: RequestHeader, frame: Buffer): ProduceCall {
  const version = header.apiVersion
  const flexible = version >= FLEXIBLE
  const r = new Reader(frame, header.bodyAt)
  const transactionalId = flexible ? r.compactNullableString() : r.nullableString()
  const acks = r.int16()
  const timeoutMs = r.int32()
  if (acks < -1 || acks > 1)
    throw new ProtocolError('BAD_LENGTH', r.offset, `acks ${acks} is none of -1, 0, 1`)
  const call = new ProduceCall(
    session,
    version,
    header.correlationId,
    acks,
    Math.min(Math.max(timeoutMs, 0), 600_000),
    frame,
    transactionalId !== null,
  )
  const topics = flexible ? r.compactArrayLength() : r.arrayLength()
  for (let t = 0; t < topics; t++) {
    const name = flexible ? r.compactString() : r.string()
    const partitions = flexible ? r.compactArrayLength() : r.arrayLength()
    for (let p = 0; p < partitions; p++) {
      const index = r.int32()
      const records = flexible ? r.compactNullableBytes() : r.nullableBytes()
      if (flexible) r.skipTags()
      call.parts.push(new ProducePart(call, name, index, records ?? NO_RECORDS))
    }
    if (flexible) r.skipTags()
  }
  return call
}

const NO_RECORDS = Buffer.alloc(0)

/** The whole answer frame, its size in front. */
export function encodeProduceAnswer(call: ProduceCall): readonly Buffer[] {
  const { version, parts } = call
  const flexible = version >= FLEXIBLE
  const w = new Writer(64 + parts.length * 64)
  w.int32(0)
  w.int32(call.correlationId)
  if (flexible) w.unsignedVarint(0)
  const topics = byTopic(parts)
  writeLength(w, flexible, topics.length)
  for (const group of topics) {
    if (flexible) w.compactString(group[0]!.topicName)
    else w.string(group[0]!.topicName)
    writeLength(w, flexible, group.length)
    for (const part of group) {
      w.int32(part.partition)
      w.int16(part.error)
      w.int64(part.error === 0 ? part.baseOffset : -1n)
      w.int64(part.error === 0 ? part.appendTimeMs : -1n)
      if (version >= 5) w.int64(part.error === 0 ? part.logStartOffset : -1n)
      if (version >= 8) {
        writeLength(w, flexible, 0)
        if (flexible) w.compactNullableString(part.error === 0 ? null : part.errorMessage)
        else w.nullableString(part.error === 0 ? null : part.errorMessage)
      }
      if (flexible) w.unsignedVarint(0)
    }
    if (flexible) w.unsignedVarint(0)
  }
  w.int32(0)
  if (flexible) w.unsignedVarint(0)
  const frame = w.finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return [frame]
}
