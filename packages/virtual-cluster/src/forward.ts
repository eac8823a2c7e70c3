import type { BrokerConnection } from '@braid/kafka-connection'
import { produce } from '@braid/kafka-protocol'
import type { Engine } from './engine.ts'
import type { SendOutcome } from './live-topic.ts'
import type { ProducePart } from './produce-part.ts'
import type { Session } from './session.ts'

/**
 * Batches that leave for the same broker by the same session's connection: one produce request. A partition
 * stands in a request at most once, as Kafka demands.
 */
interface Shipment {
  readonly session: Session
  readonly cluster: string
  readonly brokerId: number
  readonly parts: ProducePart[]
}

/** The last version of Produce without flexible fields; the oldest that brokers of 3.x and 4.x share is 3. */
const VERSION_MAX = 8
const VERSION_MIN = 3

const APPENDED: SendOutcome = { kind: 'answered', error: 0 }

/** Sends batches that were counted as departed. Each one's outcome goes to its topic. */
export function forward(engine: Engine, parts: readonly ProducePart[]): void {
  if (parts.length === 1) {
    ship(engine, { ...destination(parts[0]!), parts: parts as ProducePart[] })
    return
  }
  for (const shipment of shipments(parts)) ship(engine, shipment)
}

function destination(part: ProducePart): Omit<Shipment, 'parts'> {
  const { route } = part.topic!
  return { session: part.call.session, cluster: route.cluster(route.active), brokerId: part.brokerId }
}

/** The plan: which batches travel together. Keeps the order of every partition. */
export function shipments(parts: readonly ProducePart[]): Shipment[] {
  const planned: Shipment[] = []
  for (const part of parts) {
    const to = destination(part)
    let open: Shipment | undefined
    for (let i = planned.length - 1; i >= 0 && open === undefined; i--) {
      const shipment = planned[i]!
      if (
        shipment.session !== to.session ||
        shipment.brokerId !== to.brokerId ||
        shipment.cluster !== to.cluster
      ) {
        continue
      }
      const first = shipment.parts[0]!.call
      const fits =
        first.acks === part.call.acks &&
        first.version === part.call.version &&
        !shipment.parts.some((other) => other.partition === part.partition && other.topic === part.topic)
      if (!fits) break
      open = shipment
    }
    if (open === undefined) planned.push({ ...to, parts: [part] })
    else open.parts.push(part)
  }
  return planned
}

function ship(engine: Engine, shipment: Shipment): void {
  const { session, cluster, brokerId, parts } = shipment
  session.upstreams.acquire('produce', cluster, brokerId, (error, connection) => {
    if (connection === null) {
      const message = error?.message ?? `cluster ${cluster} cannot be reached`
      for (const part of parts) arrived(part, { kind: 'lost', sent: false, message }, -1n)
      return
    }
    send(engine, connection, parts)
  })
}

function send(engine: Engine, connection: BrokerConnection, parts: readonly ProducePart[]): void {
  const call = parts[0]!.call
  const version = Math.max(VERSION_MIN, Math.min(call.version, VERSION_MAX))
  const body = produceRequestBody(parts)
  // Acks 0 would leave a refusal unseen: the broker would drop what a sealed loglet cannot take.
  const deadlineMs = call.timeoutMs + engine.limits.brokerTimeoutMs
  for (const part of parts) part.shipment = parts
  connection.send(
    produce.key,
    version,
    body,
    (error, frame, bodyAt) => {
      if (error !== null) {
        lost(parts, error.code !== 'OVERLOADED', error.message)
        return
      }
      let message = `the answer of ${connection.address} leaves out a partition that was asked for`
      try {
        readProduceAnswer(frame, bodyAt, version, parts)
      } catch (problem) {
        message = `the answer of ${connection.address} to Produce v${version} does not parse: ${problem}`
        connection.destroy(message)
      }
      lost(parts, true, message)
    },
    deadlineMs,
  )
}

/** Accounts for those batches of a request that got no answer. */
function lost(parts: readonly ProducePart[], sent: boolean, message: string): void {
  for (const part of parts) {
    if (part.shipment === parts) arrived(part, { kind: 'lost', sent, message }, -1n)
  }
}

function arrived(part: ProducePart, outcome: SendOutcome, physicalOffset: bigint): void {
  part.shipment = undefined
  part.topic!.arrived(part, outcome, physicalOffset)
}

/** Below this size records are copied next to the fields around them; above it they travel as slices. */
const COPY_BELOW_BYTES = 4096

/** A produce request's body, versions 3 to 8: fields in one buffer, large records as slices of the client's. */
export function produceRequestBody(parts: readonly ProducePart[]): Buffer[] {
  const call = parts[0]!.call
  let fieldBytes = 12
  let topicCount = 0
  let topicAt = ''
  for (const part of parts) {
    if (part.sentTo !== topicAt) {
      topicAt = part.sentTo
      topicCount++
      fieldBytes += 6 + Buffer.byteLength(topicAt)
    }
    fieldBytes += 8
    if (part.records.length < COPY_BELOW_BYTES) fieldBytes += part.records.length
  }
  const fields = Buffer.allocUnsafe(fieldBytes)
  fields.writeInt16BE(-1, 0)
  fields.writeInt16BE(call.acks === 0 ? 1 : call.acks, 2)
  fields.writeInt32BE(call.timeoutMs, 4)
  fields.writeInt32BE(topicCount, 8)
  const body: Buffer[] = []
  let at = 12
  let from = 0
  let countAt = -1
  topicAt = ''
  for (const part of parts) {
    if (part.sentTo !== topicAt) {
      topicAt = part.sentTo
      const nameBytes = fields.write(topicAt, at + 2)
      fields.writeInt16BE(nameBytes, at)
      countAt = at + 2 + nameBytes
      fields.writeInt32BE(0, countAt)
      at = countAt + 4
    }
    fields.writeInt32BE(fields.readInt32BE(countAt) + 1, countAt)
    fields.writeInt32BE(part.partition, at)
    fields.writeInt32BE(part.records.length, at + 4)
    at += 8
    if (part.records.length < COPY_BELOW_BYTES) {
      part.records.copy(fields, at)
      at += part.records.length
    } else {
      body.push(fields.subarray(from, at), part.records)
      from = at
    }
  }
  if (from < at) body.push(fields.subarray(from, at))
  return body
}

/** Reads a produce answer, versions 3 to 8, and hands each batch its outcome. */
export function readProduceAnswer(
  frame: Buffer,
  bodyAt: number,
  version: number,
  parts: readonly ProducePart[],
): void {
  let at = bodyAt
  const topics = frame.readInt32BE(at)
  at += 4
  let answered = 0
  for (let t = 0; t < topics; t++) {
    const nameBytes = frame.readInt16BE(at)
    const name = parts.length === 1 ? parts[0]!.sentTo : frame.toString('utf8', at + 2, at + 2 + nameBytes)
    at += 2 + nameBytes
    const partitions = frame.readInt32BE(at)
    at += 4
    for (let p = 0; p < partitions; p++) {
      const partition = frame.readInt32BE(at)
      const error = frame.readInt16BE(at + 4)
      const physicalOffset = frame.readBigInt64BE(at + 6)
      const appendTimeAt = at + 14
      at += version >= 5 ? 30 : 22
      let message: string | null = null
      if (version >= 8) {
        const recordErrors = frame.readInt32BE(at)
        at += 4
        for (let e = 0; e < recordErrors; e++) {
          const bytes = frame.readInt16BE(at + 4)
          at += 6 + Math.max(0, bytes)
        }
        const messageBytes = frame.readInt16BE(at)
        if (messageBytes > 0) message = frame.toString('utf8', at + 2, at + 2 + messageBytes)
        at += 2 + Math.max(0, messageBytes)
      }
      // Most requests carry one batch; else the answers nearly always stand in the request's order.
      let part = parts[answered]
      if (part?.shipment !== parts || part.partition !== partition || part.sentTo !== name) {
        part = parts.find(
          (other) => other.shipment === parts && other.partition === partition && other.sentTo === name,
        )
        if (part === undefined) continue
      }
      answered++
      part.errorMessage = message
      part.appendTimeMs = frame.readBigInt64BE(appendTimeAt)
      arrived(part, error === 0 ? APPENDED : { kind: 'answered', error }, physicalOffset)
    }
  }
}
