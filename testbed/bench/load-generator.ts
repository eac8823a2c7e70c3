import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  type Api,
  encodeBatch,
  errorName,
  FrameReader,
  fetch,
  NO_ERROR,
  nextOffset,
  produce,
  Reader,
  Writer,
  walkBatches,
  writeRequestHeader,
} from '@braid/kafka-protocol'

/**
 * Load with next to no CPU time of its own: records are encoded once, requests are those bytes with another
 * correlation id. Connections are the ones given: no metadata, no retries, any error ends the run.
 */
export interface ProduceLoad {
  address: string
  topic: string
  /** Partitions that each request writes to; requests rotate through all of these lists. */
  requests: readonly (readonly number[])[]
  recordsPerBatch: number
  recordBytes: number
  connections: number
  inflightPerConnection: number
  /** Requests in all. */
  count: number
  timeoutMs: number
}

export interface LoadResult {
  records: number
  /** Of the records' values: what the user wanted to move. */
  bytes: number
  seconds: number
}

const produceVersion = 9
const fetchVersion = 12
const answerMaxBytes = 128 << 20
const correlationAt = 8

export async function produceLoad(load: ProduceLoad): Promise<LoadResult> {
  const templates = load.requests.map((partitions) => produceTemplate(load, partitions))
  const recordsOf = (index: number) => load.requests[index % templates.length]!.length * load.recordsPerBatch
  let next = 0
  let answered = 0
  let records = 0
  const startedMs = performance.now()
  await withConnections(load, (connection, done) => {
    const sendOne = () => {
      if (next === load.count) return
      const index = next++
      connection.send(templates[index % templates.length]!, (frame, bodyAt) => {
        checkProduced(frame, bodyAt)
        records += recordsOf(index)
        answered++
        if (answered === load.count) done()
        else sendOne()
      })
    }
    for (let slot = 0; slot < load.inflightPerConnection; slot++) sendOne()
  })
  return { records, bytes: records * load.recordBytes, seconds: (performance.now() - startedMs) / 1_000 }
}

export interface FetchLoad {
  address: string
  topic: string
  /** For each connection the partitions that it reads, from offset 0. */
  connections: readonly (readonly number[])[]
  /** Where each partition ends. */
  ends: ReadonlyMap<number, bigint>
  recordBytes: number
  partitionMaxBytes: number
  timeoutMs: number
}

/** Reads everything once, one request in flight per connection, as consumers do. */
export async function fetchLoad(load: FetchLoad): Promise<LoadResult> {
  let records = 0
  let reading = load.connections.length
  const startedMs = performance.now()
  let assigned = 0
  await withConnections({ ...load, connections: load.connections.length }, (connection, done) => {
    const positions = new Map(load.connections[assigned++]!.map((partition) => [partition, 0n]))
    const next = () => {
      const wanted = [...positions].filter(([partition, offset]) => offset < load.ends.get(partition)!)
      if (wanted.length === 0) {
        reading--
        if (reading === 0) done()
        return
      }
      connection.send(fetchRequest(load, wanted), (frame, bodyAt) => {
        for (const { partitionIndex, errorCode, records: bytes } of readFetched(frame, bodyAt)) {
          if (errorCode !== NO_ERROR)
            throw new Error(`partition ${partitionIndex} answered ${errorName(errorCode)}`)
          if (bytes === null) continue
          const before = positions.get(partitionIndex)!
          let after = before
          walkBatches(bytes, (at) => {
            after = nextOffset(bytes, at)
          })
          records += Number(after - before)
          positions.set(partitionIndex, after)
        }
        next()
      })
    }
    next()
  })
  return { records, bytes: records * load.recordBytes, seconds: (performance.now() - startedMs) / 1_000 }
}

function produceTemplate(load: ProduceLoad, partitions: readonly number[]): Buffer {
  const value = Buffer.alloc(load.recordBytes, 'b')
  // Of now: a broker deletes records of 1970 at its next look at retention.
  const timestamp = BigInt(Date.now())
  const records = encodeBatch({
    records: Array.from({ length: load.recordsPerBatch }, () => ({ value, timestamp })),
  })
  return requestFrame(produce, produceVersion, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: load.topic, partitionData: partitions.map((index) => ({ index, records })) }],
  })
}

function fetchRequest(load: FetchLoad, wanted: readonly (readonly [number, bigint])[]): Buffer {
  return requestFrame(fetch, fetchVersion, {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 50 << 20,
    topics: [
      {
        topic: load.topic,
        partitions: wanted.map(([partition, fetchOffset]) => ({
          partition,
          fetchOffset,
          partitionMaxBytes: load.partitionMaxBytes,
        })),
      },
    ],
  })
}

/** Size, header with correlation id 0, body. */
function requestFrame<Q>(
  api: Pick<Api<Q, unknown>, 'key' | 'encodeRequest'>,
  version: number,
  request: Q,
): Buffer {
  const w = new Writer()
  w.int32(0)
  writeRequestHeader(w, api.key, version, 0, 'bench')
  api.encodeRequest(w, version, request)
  const frame = w.finish()
  frame.writeInt32BE(frame.length - 4, 0)
  return frame
}

function checkProduced(frame: Buffer, bodyAt: number): void {
  for (const { partitionResponses } of produce.decodeResponse(new Reader(frame, bodyAt), produceVersion)
    .responses) {
    for (const { index, errorCode } of partitionResponses) {
      if (errorCode !== NO_ERROR) throw new Error(`partition ${index} answered ${errorName(errorCode)}`)
    }
  }
}

function readFetched(frame: Buffer, bodyAt: number) {
  return fetch
    .decodeResponse(new Reader(frame, bodyAt), fetchVersion)
    .responses.flatMap(({ partitions }) => partitions)
}

type OnAnswer = (frame: Buffer, bodyAt: number) => void

/** One connection: answers come in the order of requests. */
class LoadConnection {
  readonly #socket: Socket
  readonly #waiting: { correlationId: number; onAnswer: OnAnswer }[] = []
  #correlationId = 0

  constructor(socket: Socket, onError: (error: Error) => void) {
    this.#socket = socket
    const frames = new FrameReader({ maxFrameBytes: answerMaxBytes })
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk, (frame) => this.#answer(frame))
      } catch (error) {
        onError(error as Error)
      }
    })
    socket.on('error', onError)
    socket.on('close', () => onError(new Error('the connection was closed before all was answered')))
  }

  /** The bytes after the correlation id are shared between requests and never change. */
  send(template: Buffer, onAnswer: OnAnswer): void {
    const correlationId = ++this.#correlationId
    const head = Buffer.from(template.subarray(0, correlationAt + 4))
    head.writeInt32BE(correlationId, correlationAt)
    this.#waiting.push({ correlationId, onAnswer })
    if (template.length < 4096) {
      this.#socket.write(Buffer.concat([head, template.subarray(correlationAt + 4)]))
      return
    }
    this.#socket.cork()
    this.#socket.write(head)
    this.#socket.write(template.subarray(correlationAt + 4))
    this.#socket.uncork()
  }

  #answer(frame: Buffer): void {
    const waiting = this.#waiting.shift()
    const got = frame.readInt32BE(0)
    if (waiting === undefined || waiting.correlationId !== got) {
      throw new Error(`answer ${got} came instead of ${waiting?.correlationId ?? 'none'}`)
    }
    // Response header v1: correlation id and an empty list of tagged fields.
    waiting.onAnswer(frame, 5)
  }
}

/** Opens connections, runs until `done` is called, closes them. Rejects on the first error or at the deadline. */
async function withConnections(
  { address, connections, timeoutMs }: { address: string; connections: number; timeoutMs: number },
  run: (connection: LoadConnection, done: () => void) => void,
): Promise<void> {
  const colon = address.lastIndexOf(':')
  const target = {
    host: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    noDelay: true,
    highWaterMark: 1 << 20,
  }
  const sockets: Socket[] = []
  let timer: NodeJS.Timeout | undefined
  try {
    for (let index = 0; index < connections; index++) {
      const socket = connect(target)
      sockets.push(socket)
      await once(socket, 'connect')
    }
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error(`load to ${address} not done within ${timeoutMs} ms`)),
        timeoutMs,
      )
      for (const socket of sockets) run(new LoadConnection(socket, reject), resolve)
    })
  } finally {
    clearTimeout(timer)
    for (const socket of sockets) socket.destroy()
  }
}
