import {
  baseOffset,
  crc,
  crc32c,
  encodeBatch,
  fetch,
  nextOffset,
  partitionLeaderEpoch,
  Reader,
  readRequestHeader,
  readResponseHeader,
  setBaseOffset,
  Writer,
  walkBatches,
} from '@braid/kafka-protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../engine.ts'
import { FetchPart } from '../fetch-call.ts'
import { fetchRequestBody, readFetchAnswer } from '../fetch-lane.ts'
import { mapRecords } from '../map-records.ts'
import { bareSession, int32, offset, records, topics } from '../testing/random-messages.ts'
import { frameOf } from '../testing/test-client.ts'
import { encodeFetchAnswer, readFetch } from './01-fetch.ts'

const versions = Array.from({ length: 9 }, (_, index) => index + 4)

const asked = fc.record({ fetchOffset: offset, partitionMaxBytes: int32, logStartOffset: offset })
const answered = fc.record({
  errorCode: fc.constantFrom(0, 0, 0, 1, 6),
  highWatermark: offset,
  lastStableOffset: offset,
  logStartOffset: offset,
  abortedTransactions: fc.option(
    fc.array(fc.record({ producerId: offset, firstOffset: offset }), { maxLength: 3 }),
  ),
  records,
})

type Asked = { fetchOffset: bigint; partitionMaxBytes: number; logStartOffset: bigint; index: number }

const requestFrame = (version: number, random: { name: string; partitions: Asked[] }[], maxWaitMs = 500) =>
  frameOf(fetch, version, 77, {
    replicaId: -1,
    maxWaitMs,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 1,
    sessionId: 9,
    sessionEpoch: 3,
    topics: random.map(({ name, partitions }) => ({
      topic: name,
      partitions: partitions.map(({ index, ...rest }) => ({
        partition: index,
        currentLeaderEpoch: 4,
        ...rest,
      })),
    })),
    forgottenTopicsData: version >= 7 ? [{ topic: 'old', partitions: [1] }] : [],
    rackId: 'r1',
  }).subarray(4)

describe.each(versions)('Fetch version %i', (version) => {
  it('is read as the definition has it', () => {
    fc.assert(
      fc.property(topics(asked), (random) => {
        const frame = requestFrame(version, random)
        const call = readFetch(bareSession(), readRequestHeader(frame), frame)
        expect(call).toMatchObject({
          version,
          correlationId: 77,
          maxWaitMs: 500,
          minBytes: 1,
          maxBytes: 1_000_000,
        })
        expect(call.isolationLevel).toBe(1)
        expect(call.parts.map((p) => [p.topicName, p.partition, p.offset, p.maxBytes])).toEqual(
          random.flatMap(({ name, partitions }) =>
            partitions.map((p) => [name, p.index, p.fetchOffset, p.partitionMaxBytes]),
          ),
        )
      }),
      { numRuns: 25 },
    )
  })

  it('is answered as the definition has it', () => {
    fc.assert(
      fc.property(topics(answered), (random) => {
        const frame = requestFrame(
          version,
          random.map(({ name, partitions }) => ({
            name,
            partitions: partitions.map(({ index }) => ({
              index,
              fetchOffset: 0n,
              partitionMaxBytes: 1,
              logStartOffset: 0n,
            })),
          })),
        )
        const call = readFetch(bareSession(), readRequestHeader(frame), frame)
        const outcomes = random.flatMap(({ partitions }) => partitions)
        call.parts.forEach((part, i) => {
          const { errorCode, abortedTransactions, ...fields } = outcomes[i]!
          Object.assign(part, { ...fields, error: errorCode, aborted: abortedTransactions })
        })
        const answer = Buffer.concat(encodeFetchAnswer(call))
        expect(answer.readInt32BE(0)).toBe(answer.length - 4)
        const body = answer.subarray(4)
        const header = readResponseHeader(body, fetch.key, version)
        expect(header.correlationId).toBe(77)
        const r = new Reader(body, header.bodyAt)
        const decoded = fetch.decodeResponse(r, version)
        expect(r.remaining).toBe(0)
        if (version >= 7) expect(decoded.sessionId).toBe(0)
        decoded.responses
          .flatMap(({ partitions }) => partitions)
          .forEach((partition, i) => {
            const {
              index,
              errorCode,
              highWatermark,
              lastStableOffset,
              logStartOffset,
              records,
              abortedTransactions,
            } = outcomes[i]!
            expect(partition).toMatchObject({
              partitionIndex: index,
              errorCode,
              highWatermark,
              lastStableOffset,
            })
            if (version >= 5) expect(partition.logStartOffset).toBe(logStartOffset)
            expect(partition.abortedTransactions).toEqual(abortedTransactions)
            expect(partition.records).toEqual(errorCode === 0 ? records : Buffer.alloc(0))
          })
      }),
      { numRuns: 25 },
    )
  })
})

describe.each([9, 10])('Fetch version %i to a broker', (version) => {
  it('is asked as the definition has it', () => {
    fc.assert(
      fc.property(topics(asked), (random) => {
        const parts = random.flatMap(({ name, partitions }) =>
          partitions.map((p) => {
            const part = new FetchPart(name, p.index, 0n, p.partitionMaxBytes)
            part.physicalTopic = `${name}.0`
            part.physicalOffset = p.fetchOffset
            return part
          }),
        )
        const terms = { version, maxWaitMs: 250, minBytes: 1, maxBytes: 4_000, isolationLevel: 1 }
        const r = new Reader(fetchRequestBody(parts, terms))
        const request = fetch.decodeRequest(r, version)
        expect(r.remaining).toBe(0)
        expect(request).toMatchObject({
          replicaId: -1,
          maxWaitMs: 250,
          minBytes: 1,
          maxBytes: 4_000,
          isolationLevel: 1,
        })
        // No session at the broker: every request is complete in itself.
        expect(request).toMatchObject({ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] })
        expect(
          request.topics.flatMap(({ topic, partitions }) =>
            partitions.map((p) => [
              topic,
              p.partition,
              p.currentLeaderEpoch,
              p.fetchOffset,
              p.partitionMaxBytes,
            ]),
          ),
        ).toEqual(parts.map((p) => [p.physicalTopic, p.partition, -1, p.physicalOffset, p.maxBytes]))
      }),
      { numRuns: 40 },
    )
  })

  it('has its answer read as the definition has it', () => {
    fc.assert(
      fc.property(topics(answered), (random) => {
        const w = new Writer()
        w.int32(1)
        const responses = random.map(({ name, partitions }) => ({
          topic: name,
          partitions: partitions.map(({ index, ...rest }) => ({ partitionIndex: index, ...rest })),
        }))
        fetch.encodeResponse(w, version, { errorCode: 0, sessionId: 0, responses })
        const answers = readFetchAnswer(w.finish(), 4, {} as Engine)
        expect(answers).toEqual(
          random.flatMap(({ name, partitions }) =>
            partitions.map(({ index, errorCode, abortedTransactions, ...rest }) => ({
              physicalTopic: name,
              partition: index,
              error: errorCode,
              aborted: abortedTransactions,
              ...rest,
            })),
          ),
        )
      }),
      { numRuns: 40 },
    )
  })

  it('that answers bytes that do not parse is an error, never a hang', () => {
    const w = new Writer()
    w.int32(1)
    const partition = {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 1n,
      abortedTransactions: null,
      records: encodeBatch({ records: [] }),
    }
    fetch.encodeResponse(w, version, {
      errorCode: 0,
      sessionId: 0,
      responses: [{ topic: 't', partitions: [partition] }],
    })
    const frame = Buffer.from(w.finish())
    fc.assert(
      fc.property(
        fc.nat({ max: frame.length - 5 }),
        fc.uint8Array({ minLength: 1, maxLength: 8 }),
        (at, bytes) => {
          const hostile = Buffer.from(frame)
          Buffer.from(bytes).copy(hostile, 4 + at)
          try {
            expect(readFetchAnswer(hostile, 4, { log: () => {} } as unknown as Engine).length).toBeLessThan(
              100,
            )
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('records on their way to a client', () => {
  const at = (offset: bigint, count: number) => {
    const bytes = encodeBatch({
      records: Array.from({ length: count }, (_, i) => ({ value: Buffer.from(`v${i}`) })),
    })
    setBaseOffset(bytes, 0, offset)
    return bytes
  }
  const read = (bytes: Buffer) => {
    const seen: { offset: bigint; next: bigint; epoch: number; whole: boolean }[] = []
    walkBatches(bytes, (position, size) => {
      seen.push({
        offset: baseOffset(bytes, position),
        next: nextOffset(bytes, position),
        epoch: partitionLeaderEpoch(bytes, position),
        whole: crc32c(bytes, position + 21, position + size) === crc(bytes, position),
      })
    })
    return seen
  }

  it('have their offsets shifted and no leader epoch, and their CRC stays right', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
        offset,
        (counts, shift) => {
          let next = 5n
          const batches = counts.map((count) => {
            const bytes = at(next, count)
            next += BigInt(count)
            return bytes
          })
          const before = read(Buffer.concat(batches))
          const after = read(mapRecords(Buffer.concat(batches), shift, -1n))
          expect(after).toEqual(
            before.map(({ offset, next }) => ({
              offset: offset + shift,
              next: next + shift,
              epoch: -1,
              whole: true,
            })),
          )
        },
      ),
    )
  })

  it('end at the cut', () => {
    const bytes = Buffer.concat([at(0n, 2), at(2n, 3), at(5n, 1)])
    expect(read(mapRecords(Buffer.from(bytes), 100n, 5n)).map((b) => b.offset)).toEqual([100n, 102n])
    expect(mapRecords(Buffer.from(bytes), 100n, 0n).length).toBe(0)
    expect(read(mapRecords(Buffer.from(bytes), 100n, 6n)).length).toBe(3)
  })

  it('may end in the middle of a batch', () => {
    const bytes = Buffer.concat([at(0n, 2), at(2n, 3).subarray(0, 65)])
    const mapped = mapRecords(bytes, 10n, -1n)
    expect(mapped.length).toBe(bytes.length)
    expect(baseOffset(mapped, at(0n, 2).length)).toBe(12n)
  })

  it('of an old format, and bytes that are no batch, stay as they are', () => {
    const old = at(3n, 1)
    old[16] = 1
    expect(mapRecords(Buffer.from(old), 0n, -1n)).toEqual(old)
    const endless = at(3n, 1)
    endless.writeInt32BE(-12, 8)
    expect(mapRecords(Buffer.from(endless), 7n, -1n)).toEqual(endless)
  })
})
