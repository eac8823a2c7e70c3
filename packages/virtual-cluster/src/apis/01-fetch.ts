import { errorCodes, NO_ERROR, Reader, type RequestHeader, Writer } from '@braid/kafka-protocol'
import { FetchCall, FetchPart, NO_RECORDS } from '../fetch-call.ts'
import type { FetchAnswered, FetchLane, PhysicalAnswer } from '../fetch-lane.ts'
import { isElsewhere, place } from '../fetch-place.ts'
import type { LiveTopic } from '../live-topic.ts'
import { logletIndex } from '../loglet-index.ts'
import { mapRecords, withoutHoles } from '../map-records.ts'
import type { Session } from '../session.ts'
import { earliestOf, firstPossible } from './02-list-offsets.ts'
import { byTopic, writeLength } from './answer-fields.ts'

const FLEXIBLE = 12
/** How long the brokers of one fetch may take past its max wait before the answer leaves without them. */
const LATE_MS = 500
const EARLIEST_WAIT_MS = 0
/** A high watermark that was not asked for. A stale one would tell clients that they are at the end. */
const UNKNOWN = -1n
/** How long a fetch waits to learn who leads a partition. */
const LEARN_MAX_MS = 250

/**
 * Fetch: the loglet that holds the offset answers. Answers leave when any partition has the minimum bytes,
 * or at max wait; fetch sessions (KIP-227) end here, so every request is complete in itself.
 */
export function answerFetch(session: Session, header: RequestHeader, frame: Buffer): void {
  const call = readFetch(session, header, frame)
  session.expect(call)
  const unknown = locate(call)
  if (unknown.length === 0) run(call)
  else learnLeaders(call, unknown)
}

/** Where each partition's offset is. Answers the parts whose leader is not known. */
function locate(call: FetchCall): FetchPart[] {
  const { engine } = call.session
  const unknown: FetchPart[] = []
  for (const part of call.parts) {
    const topic = engine.topic(part.topicName)
    if (topic === undefined || part.partition < 0 || part.partition >= topic.route.partitions) {
      part.error = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      continue
    }
    part.topic = topic
    place(part, topic)
    if (part.waits) continue
    part.brokerId = engine.cluster(part.cluster)?.leader(part.physicalTopic, part.partition) ?? -1
    if (part.brokerId < 0) unknown.push(part)
  }
  return unknown
}

function learnLeaders(call: FetchCall, unknown: readonly FetchPart[]): void {
  const { engine } = call.session
  const byCluster = new Map<string, Set<string>>()
  for (const part of unknown) {
    const topics = byCluster.get(part.cluster) ?? new Set()
    byCluster.set(part.cluster, topics.add(part.physicalTopic))
  }
  const asking = [...byCluster].map(([cluster, topics]) =>
    engine.cluster(cluster)?.refreshMetadata([...topics]),
  )
  // Whatever cannot be learnt in time is answered as leaderless, and asked again by the client: a cluster
  // that is away must not hold up the others.
  let going = false
  const goOn = () => {
    clearTimeout(bound)
    if (going || call.session.closed) return
    going = true
    for (const part of locate(call)) part.error = errorCodes.LEADER_NOT_AVAILABLE
    run(call)
  }
  const bound = setTimeout(goOn, Math.min(call.maxWaitMs, LEARN_MAX_MS))
  Promise.allSettled(asking).then(goOn)
}

/** Asks every broker that holds a part; the first that has something ends the wait. */
function run(call: FetchCall): void {
  const { engine } = call.session
  const groups = new Map<FetchLane, FetchPart[]>()
  const topics = new Map<LiveTopic, FetchPart[]>()
  let immediate = false
  let waits = false
  for (const part of call.parts) {
    if (part.error !== 0 || part.topic === undefined) {
      immediate = true
      continue
    }
    const ofTopic = topics.get(part.topic)
    if (ofTopic === undefined) topics.set(part.topic, [part])
    else ofTopic.push(part)
    if (part.waits) {
      waits = true
      setWatermark(part)
      continue
    }
    const lane = call.session.fetchLanes.of(part.cluster, part.brokerId)
    const group = groups.get(lane)
    if (group === undefined) groups.set(lane, [part])
    else group.push(part)
  }
  const terms = {
    version: call.version,
    maxWaitMs: immediate ? EARLIEST_WAIT_MS : call.maxWaitMs,
    minBytes: call.minBytes,
    maxBytes: call.maxBytes,
    isolationLevel: call.isolationLevel,
  }
  const waiting = {
    wake: () => done(),
    isElsewhere: (topic: LiveTopic) =>
      topics.get(topic)!.some((part) => part.error === 0 && isElsewhere(part, topic)),
  }
  const takers: [FetchLane, FetchAnswered][] = []
  let leave = () => {}
  const done = () => {
    if (call.done) return
    leave()
    for (const topic of topics.keys()) topic.waitingFetches.delete(waiting)
    for (const [lane, taker] of takers) lane.leave(taker)
    finish(call)
  }
  for (const topic of topics.keys()) topic.waitingFetches.add(waiting)
  if (groups.size === 0) {
    // Nothing can be asked: an answer at once would have the client ask again in a tight loop.
    const nothingWrong = call.parts.length === 0 || (waits && !immediate)
    call.timer = setTimeout(done, nothingWrong ? call.maxWaitMs : Math.min(call.maxWaitMs, 100))
    leave = call.session.onClose(done)
    return
  }
  call.open = groups.size
  for (const [lane, parts] of groups) {
    const taker: FetchAnswered = (error, answers, frame) => {
      if (call.done) return
      call.frames.push(frame)
      call.open--
      let something = error !== null
      if (error !== null && !call.session.closed) {
        engine.log('debug', 'fetch-failed', { cluster: parts[0]!.cluster, why: error.message })
        for (const part of parts) {
          // If it was cut off because its loglet is lost, the next fetch waits, or reads on elsewhere.
          part.error = isElsewhere(part, part.topic!) ? NO_ERROR : errorCodes.NOT_LEADER_OR_FOLLOWER
          engine.cluster(part.cluster)?.invalidate(part.physicalTopic)
        }
      } else if (error === null) {
        something = take(parts, answers)
        const overtaken = parts.filter(maybeOvertaken)
        if (overtaken.length > 0) {
          for (const part of overtaken) part.error = NO_ERROR
          Promise.all(overtaken.map(passOver)).then(done)
          return
        }
      }
      if (something || call.open === 0) done()
    }
    takers.push([lane, taker])
  }
  // A broker that does not answer must not hold up what the others have to say.
  if (groups.size > 1 || waits) call.timer = setTimeout(done, terms.maxWaitMs + LATE_MS)
  // Asked only now: an answer that was kept calls back at once.
  for (const [lane, taker] of takers) {
    if (call.done) break
    lane.ask(groups.get(lane)!, terms, taker)
  }
}

/** The offset is not in its loglet, and there are loglets before it: retention may have taken its beginning. */
function maybeOvertaken(part: FetchPart): boolean {
  const { route } = part.topic!
  return part.error === errorCodes.OFFSET_OUT_OF_RANGE && route.physicalTopic(0) !== part.physicalTopic
}

/**
 * Retention counts for each physical topic alone, so a later loglet may lose its beginning while an earlier one
 * has all. To a reader that is a gap, like those of compaction: the next fetch goes on behind it. Where
 * nothing older is left either, the offset is out of range, as in Kafka.
 */
async function passOver(part: FetchPart): Promise<void> {
  const topic = part.topic!
  const { partition, physicalTopic } = part
  const { route } = topic
  try {
    const index = Math.max(0, logletIndex(route, physicalTopic))
    const [first, own] = await Promise.all([
      firstPossible(topic, partition),
      earliestOf(topic, index, partition),
    ])
    if (part.offset < first || part.offset >= own) part.error = errorCodes.OFFSET_OUT_OF_RANGE
    else
      topic.passed.overtaken(
        physicalTopic,
        partition,
        own - route.base(index, partition) + route.start(index, partition),
      )
  } catch (error) {
    topic.engine.log('debug', 'fetch-failed', { cluster: part.cluster, why: String(error) })
    part.error = errorCodes.NOT_LEADER_OR_FOLLOWER
  }
}

/** Maps a broker's answers into the chain. True when the client has something to hear. */
function take(parts: readonly FetchPart[], answers: readonly PhysicalAnswer[]): boolean {
  let something = false
  for (let i = 0; i < answers.length; i++) {
    const answer = answers[i]!
    let part = parts[i]
    if (
      part === undefined ||
      part.partition !== answer.partition ||
      part.physicalTopic !== answer.physicalTopic
    ) {
      part = parts.find((p) => p.partition === answer.partition && p.physicalTopic === answer.physicalTopic)
      if (part === undefined) continue
    }
    mapAnswer(part, answer)
    // Nothing but holes is an answer too: the next fetch reads behind them.
    if (part.records.length > 0 || part.error !== 0 || answer.records.length > 0) something = true
  }
  return something
}

function mapAnswer(part: FetchPart, answer: PhysicalAnswer): void {
  const topic = part.topic!
  const { route } = topic
  const { partition } = part
  const index = logletIndex(route, part.physicalTopic)
  part.error = index < 0 ? errorCodes.OFFSET_OUT_OF_RANGE : answer.error
  if (part.error !== 0) {
    if (
      answer.error === errorCodes.NOT_LEADER_OR_FOLLOWER ||
      answer.error === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    ) {
      topic.engine.cluster(part.cluster)?.invalidate(part.physicalTopic)
      part.error = errorCodes.NOT_LEADER_OR_FOLLOWER
    }
    return
  }
  const shift = route.base(index, partition) - route.start(index, partition)
  const end = route.end(index, partition)
  part.records = mapRecords(outsideHoles(part, index, answer.records), shift, end, topic)
  part.logStartOffset = index === 0 ? answer.logStartOffset + shift : route.base(0, partition)
  if (index === route.active) {
    part.highWatermark = answer.highWatermark + shift
    part.lastStableOffset = answer.lastStableOffset + shift
    topic.highWatermarks[partition] = part.highWatermark
  } else {
    setWatermark(part)
  }
  part.aborted =
    answer.aborted?.map(({ producerId, firstOffset }) => ({
      producerId,
      firstOffset: firstOffset + shift,
    })) ?? null
}

/**
 * The partition's high watermark is in the active loglet. To who reads in another only one beyond that is passed on: at
 * its very end a client would take it for the end of the partition.
 */
function setWatermark(part: FetchPart): void {
  const { route, highWatermarks } = part.topic!
  const known = highWatermarks[part.partition]!
  part.highWatermark = known > route.base(route.active, part.partition) ? known : UNKNOWN
  part.lastStableOffset = part.highWatermark
}

/** Without the batches that a producer wrote again to a later loglet. */
function outsideHoles(part: FetchPart, index: number, records: Buffer): Buffer {
  const { route, passed } = part.topic!
  if (records.length === 0 || !route.hasHoles(index)) return records
  const { partition, physicalTopic, physicalOffset } = part
  const isInHole = (offset: bigint) => route.pastHole(index, partition, offset) !== offset
  const kept = withoutHoles(records, isInHole)
  if (kept.records.length === 0) passed.empty(physicalTopic, partition, physicalOffset, kept.leftOutTo)
  return kept.records
}

function finish(call: FetchCall): void {
  call.done = true
  clearTimeout(call.timer)
  if (!call.session.closed) call.session.complete(call, encodeFetchAnswer(call))
}

/** @throws ProtocolError where the request does not parse. */
export function readFetch(session: Session, header: RequestHeader, frame: Buffer): FetchCall {
  const version = header.apiVersion
  const flexible = version >= FLEXIBLE
  const { limits } = session.engine
  const r = new Reader(frame, header.bodyAt)
  r.int32() // replica id
  const maxWaitMs = r.int32()
  const minBytes = r.int32()
  const maxBytes = r.int32()
  const isolationLevel = r.int8()
  if (version >= 7) r.skip(8) // session id and epoch
  const call = new FetchCall({
    session,
    version,
    correlationId: header.correlationId,
    requestBytes: frame.length,
    maxWaitMs: Math.min(Math.max(maxWaitMs, 0), limits.fetchMaxWaitMs),
    minBytes,
    maxBytes: Math.min(maxBytes, limits.fetchMaxBytes),
    isolationLevel,
  })
  const topics = flexible ? r.compactArrayLength() : r.arrayLength()
  for (let t = 0; t < topics; t++) {
    const name = flexible ? r.compactString() : r.string()
    const partitions = flexible ? r.compactArrayLength() : r.arrayLength()
    for (let p = 0; p < partitions; p++) {
      const partition = r.int32()
      if (version >= 9) r.int32() // current leader epoch
      const offset = r.int64()
      if (version >= 12) r.int32() // last fetched epoch
      if (version >= 5) r.int64() // log start offset
      const partitionMaxBytes = r.int32()
      if (flexible) r.skipTags()
      call.parts.push(new FetchPart(name, partition, offset, partitionMaxBytes))
    }
    if (flexible) r.skipTags()
  }
  return call
}

/** The answer frame: fields in buffers of ours, records as the slices that came from brokers. */
export function encodeFetchAnswer(call: FetchCall): Buffer[] {
  const { version, parts } = call
  const flexible = version >= FLEXIBLE
  const w = new Writer(96 + parts.length * 96)
  w.int32(0)
  w.int32(call.correlationId)
  if (flexible) w.unsignedVarint(0)
  w.int32(0) // throttle time
  if (version >= 7) {
    w.int16(0)
    w.int32(0) // session id 0: no session
  }
  const slices: { readonly at: number; readonly records: Buffer }[] = []
  const topics = byTopic(parts)
  writeLength(w, flexible, topics.length)
  for (const group of topics) {
    if (flexible) w.compactString(group[0]!.topicName)
    else w.string(group[0]!.topicName)
    writeLength(w, flexible, group.length)
    for (const part of group) {
      const records = part.error === 0 ? part.records : NO_RECORDS
      w.int32(part.partition)
      w.int16(part.error)
      w.int64(part.highWatermark)
      w.int64(part.lastStableOffset)
      if (version >= 5) w.int64(part.logStartOffset)
      if (part.aborted === null) writeLength(w, flexible, -1)
      else {
        writeLength(w, flexible, part.aborted.length)
        for (const { producerId, firstOffset } of part.aborted) {
          w.int64(producerId)
          w.int64(firstOffset)
          if (flexible) w.unsignedVarint(0)
        }
      }
      if (version >= 11) w.int32(-1) // preferred read replica
      if (flexible) w.unsignedVarint(records.length + 1)
      else w.int32(records.length)
      if (records.length > 0) slices.push({ at: w.length, records })
      if (flexible) w.unsignedVarint(0)
    }
    if (flexible) w.unsignedVarint(0)
  }
  if (flexible) w.unsignedVarint(0)
  const fields = w.finish()
  let bytes = fields.length - 4
  const frame: Buffer[] = []
  let from = 0
  for (const { at, records } of slices) {
    bytes += records.length
    frame.push(fields.subarray(from, at), records)
    from = at
  }
  if (from < fields.length) frame.push(fields.subarray(from))
  fields.writeInt32BE(bytes, 0)
  return frame
}
