import {
  encodeBatch,
  errorCodes,
  produce,
  Reader,
  readRequestHeader,
  readResponseHeader,
} from '@braid/kafka-protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bareSession, int32, offset, records, topicName, topics } from '../testing/random-messages.ts'
import { frameOf, TestClient } from '../testing/test-client.ts'
import { batch, produceTo, World } from '../testing/world.ts'
import { encodeProduceAnswer, readProduce } from './00-produce.ts'

const versions = Array.from({ length: 10 }, (_, index) => index + 3)

/** A whole request as the engine gets it: without the size. */
const requestFrame = (version: number, request: Parameters<typeof produce.encodeRequest>[2]) =>
  frameOf(produce, version, 77, request).subarray(4)

describe.each(versions)('Produce version %i', (version) => {
  it('is read as the definition has it', () => {
    fc.assert(
      fc.property(
        fc.option(topicName),
        fc.constantFrom(-1, 0, 1),
        fc.integer({ min: 0, max: 600_000 }),
        topics(fc.record({ records })),
        (transactionalId, acks, timeoutMs, random) => {
          const topicData = random.map(({ name, partitions }) => ({ name, partitionData: partitions }))
          const frame = requestFrame(version, { transactionalId, acks, timeoutMs, topicData })
          const call = readProduce(bareSession(), readRequestHeader(frame), frame)
          expect(call).toMatchObject({ version, correlationId: 77, acks, timeoutMs })
          expect(call.transactional).toBe(transactionalId !== null)
          expect(call.parts.map((part) => [part.topicName, part.partition, part.records])).toEqual(
            topicData.flatMap(({ name, partitionData }) =>
              partitionData.map((partition) => [name, partition.index, partition.records]),
            ),
          )
        },
      ),
      { numRuns: 30 },
    )
  })

  it('is answered as the definition has it', () => {
    const outcome = fc.record({
      errorCode: fc.constantFrom(0, 0, 6, 45, 87),
      baseOffset: offset,
      logAppendTimeMs: offset,
      errorMessage: fc.option(topicName),
    })
    fc.assert(
      fc.property(topics(outcome), (random) => {
        const topicData = random.map(({ name, partitions }) => ({
          name,
          partitionData: partitions.map(({ index }) => ({ index, records: null })),
        }))
        const frame = requestFrame(version, { transactionalId: null, acks: 1, timeoutMs: 1, topicData })
        const call = readProduce(bareSession(), readRequestHeader(frame), frame)
        const outcomes = random.flatMap(({ partitions }) => partitions)
        call.parts.forEach((part, index) => {
          const { errorCode, baseOffset, logAppendTimeMs, errorMessage } = outcomes[index]!
          Object.assign(part, { error: errorCode, baseOffset, appendTimeMs: logAppendTimeMs, errorMessage })
        })
        const answer = Buffer.concat(encodeProduceAnswer(call) as Buffer[])
        expect(answer.readInt32BE(0)).toBe(answer.length - 4)
        const body = answer.subarray(4)
        const header = readResponseHeader(body, produce.key, version)
        expect(header.correlationId).toBe(77)
        const r = new Reader(body, header.bodyAt)
        const decoded = produce.decodeResponse(r, version)
        expect(r.remaining).toBe(0)
        expect(decoded.responses.map(({ name }) => name)).toEqual(random.map(({ name }) => name))
        const got = decoded.responses.flatMap(({ partitionResponses }) => partitionResponses)
        got.forEach((partition, index) => {
          const { errorCode, baseOffset, logAppendTimeMs, errorMessage } = outcomes[index]!
          const failed = errorCode !== 0
          expect(partition).toMatchObject({
            errorCode,
            baseOffset: failed ? -1n : baseOffset,
            logAppendTimeMs: failed ? -1n : logAppendTimeMs,
            errorMessage: failed && version >= 8 ? errorMessage : null,
          })
        })
      }),
      { numRuns: 30 },
    )
  })
})

describe('a produce that cannot be taken', () => {
  function client() {
    const world = new World()
    const { engine } = world.engine()
    world.createTopic('orders', 2)
    world.learnAll()
    return { world, client: new TestClient(engine) }
  }

  it('names a topic or partition that is not there', async () => {
    const { client: c } = client()
    expect((await produceTo(c, 'nothing', 0, batch({}))).error).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect((await produceTo(c, 'orders', 2, batch({}))).error).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('belongs to a transaction', async () => {
    const { client: c, world } = client()
    const answer = await c.ask(produce, 8, {
      transactionalId: 'pay',
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batch({}) }] }],
    })
    const { errorCode, errorMessage } = answer.responses[0]!.partitionResponses[0]!
    expect(errorCode).toBe(errorCodes.INVALID_TXN_STATE)
    expect(errorMessage).toContain('transactional.id')
    expect(world.log('orders', 0, 0).end).toBe(0n)
  })

  it('carries a message set of format 1', async () => {
    const { client: c } = client()
    const old = batch({})
    old[16] = 1
    const { error, message } = await produceTo(c, 'orders', 0, old)
    expect(error).toBe(errorCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT)
    expect(message).toContain('format 2')
  })

  it('carries two batches for one partition', async () => {
    const { client: c, world } = client()
    const { error } = await produceTo(c, 'orders', 0, Buffer.concat([batch({}), batch({})]))
    expect(error).toBe(errorCodes.INVALID_RECORD)
    expect(world.log('orders', 0, 0).end).toBe(0n)
  })

  it('carries fewer bytes than a batch has, or none', async () => {
    const { client: c } = client()
    for (const bytes of [Buffer.alloc(0), batch({}).subarray(0, 60)]) {
      expect((await produceTo(c, 'orders', 0, bytes)).error).toBe(errorCodes.CORRUPT_MESSAGE)
    }
  })

  it('does not keep the other partitions of its request from being taken', async () => {
    const { client: c, world } = client()
    const answer = await c.ask(produce, 8, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [
        { name: 'nothing', partitionData: [{ index: 0, records: batch({}) }] },
        {
          name: 'orders',
          partitionData: [
            { index: 0, records: Buffer.alloc(3) },
            { index: 1, records: batch({}) },
          ],
        },
      ],
    })
    const errors = answer.responses.flatMap((topic) => topic.partitionResponses.map((p) => p.errorCode))
    expect(errors).toEqual([errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorCodes.CORRUPT_MESSAGE, 0])
    expect(world.log('orders', 0, 1).end).toBe(1n)
  })

  it('has none of the acks that there are', () => {
    const request = { transactionalId: null, acks: 2, timeoutMs: 1, topicData: [] }
    const frame = requestFrame(8, request)
    expect(() => readProduce(bareSession(), readRequestHeader(frame), frame)).toThrow('acks 2')
  })

  it('is refused before it is read to its end, however it was cut or changed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...versions),
        fc.nat(),
        fc.nat({ max: 255 }),
        int32,
        (version, at, byte, cut) => {
          const frame = Buffer.from(
            requestFrame(version, {
              transactionalId: null,
              acks: 1,
              timeoutMs: 1,
              topicData: [
                { name: 'orders', partitionData: [{ index: 0, records: encodeBatch({ records: [] }) }] },
              ],
            }),
          )
          const header = readRequestHeader(frame)
          frame[header.bodyAt + (at % (frame.length - header.bodyAt))] = byte
          const hostile = frame.subarray(0, header.bodyAt + (cut % (frame.length - header.bodyAt + 1)))
          try {
            const call = readProduce(bareSession(), header, hostile)
            expect(call.parts.length).toBeLessThanOrEqual(hostile.length)
          } catch (error) {
            expect((error as Error).name).toBe('ProtocolError')
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
