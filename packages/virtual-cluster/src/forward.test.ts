import { produce, Reader, Writer } from '@braid/kafka-protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { produceRequestBody, readProduceAnswer, shipments } from './forward.ts'
import type { LiveTopic, SendOutcome } from './live-topic.ts'
import { ProduceCall, ProducePart } from './produce-part.ts'
import { bareSession, offset, records, topicName, topics } from './testing/random-messages.ts'

interface Outcome {
  readonly outcome: SendOutcome
  readonly offset: bigint
}

/** Parts whose topics write down what they are told. */
function partsOf(
  random: readonly { name: string; partitions: readonly { index: number; records: Buffer }[] }[],
  options: {
    acks?: number
    session?: ReturnType<typeof bareSession>
    brokerId?: number
    version?: number
  } = {},
) {
  const outcomes = new Map<ProducePart, Outcome>()
  const { acks = -1, session = bareSession(), version = 8 } = options
  const call = new ProduceCall(session, version, 1, acks, 5_000, Buffer.alloc(0), false)
  const parts = random.flatMap(({ name, partitions }) => {
    const topic = {
      route: { active: 0, cluster: () => 'a' },
      arrived: (part: ProducePart, outcome: SendOutcome, physicalOffset: bigint) => {
        expect(outcomes.has(part)).toBe(false)
        outcomes.set(part, { outcome, offset: physicalOffset })
      },
    } as unknown as LiveTopic
    return partitions.map(({ index, records }) => {
      const part = new ProducePart(call, name, index, records)
      part.topic = topic
      part.sentTo = `${name}.0`
      part.brokerId = options.brokerId ?? 1
      return part
    })
  })
  return { parts, outcomes, call }
}

describe('a produce request to a broker', () => {
  it('reads as the definition has it', () => {
    fc.assert(
      fc.property(topics(fc.record({ records })), fc.constantFrom(-1, 0, 1), (random, acks) => {
        const { parts } = partsOf(random, { acks })
        const body = Buffer.concat(produceRequestBody(parts))
        for (const version of [3, 5, 8]) {
          const r = new Reader(body)
          const request = produce.decodeRequest(r, version)
          expect(r.remaining).toBe(0)
          // Without an answer a refusal would not be seen.
          expect(request).toMatchObject({
            transactionalId: null,
            acks: acks === 0 ? 1 : acks,
            timeoutMs: 5_000,
          })
          expect(request.topicData.map(({ name, partitionData }) => ({ name, partitionData }))).toEqual(
            random.map(({ name, partitions }) => ({
              name: `${name}.0`,
              partitionData: partitions.map(({ index, records }) => ({ index, records })),
            })),
          )
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe.each([3, 4, 5, 6, 7, 8])("a broker's answer to Produce version %i", (version) => {
  it('gives each batch its outcome, in whatever order partitions stand', () => {
    const outcome = fc.record({
      records,
      errorCode: fc.constantFrom(0, 0, 6, 10),
      baseOffset: offset,
      logAppendTimeMs: offset,
      message: fc.option(topicName),
      recordErrors: fc.array(
        fc.record({ batchIndex: fc.nat(), batchIndexErrorMessage: fc.option(topicName) }),
      ),
    })
    fc.assert(
      fc.property(topics(outcome), fc.boolean(), (random, reversed) => {
        const { parts, outcomes } = partsOf(random)
        for (const part of parts) part.shipment = parts
        const responses = random.map(({ name, partitions }) => {
          const partitionResponses = partitions.map(({ message, ...rest }) => ({
            ...rest,
            errorMessage: message,
          }))
          return {
            name: `${name}.0`,
            partitionResponses: reversed ? partitionResponses.reverse() : partitionResponses,
          }
        })
        const w = new Writer()
        w.int32(1)
        produce.encodeResponse(w, version, { responses: reversed ? responses.reverse() : responses })
        readProduceAnswer(w.finish(), 4, version, parts)
        const expected = random.flatMap(({ partitions }) => partitions)
        expect(outcomes.size).toBe(parts.length)
        for (const part of parts) {
          const of = random.find(({ name }) => name === part.topicName)!
          const { errorCode, baseOffset, logAppendTimeMs, message } = of.partitions.find(
            ({ index }) => index === part.partition,
          )!
          expect(outcomes.get(part)).toEqual({
            outcome: { kind: 'answered', error: errorCode },
            offset: baseOffset,
          })
          expect(part.appendTimeMs).toBe(logAppendTimeMs)
          expect(part.errorMessage).toBe(version >= 8 && message !== '' ? message : null)
        }
        expect(expected.length).toBe(parts.length)
      }),
      { numRuns: 40 },
    )
  })

  it('that is cut short is an error, or has every outcome, and none twice', () => {
    fc.assert(
      fc.property(
        topics(fc.record({ records, errorCode: fc.constant(0), baseOffset: offset })),
        fc.nat(),
        (random, cut) => {
          const { parts, outcomes } = partsOf(random)
          for (const part of parts) part.shipment = parts
          const w = new Writer()
          w.int32(1)
          produce.encodeResponse(w, version, {
            responses: random.map(({ name, partitions }) => ({
              name: `${name}.0`,
              partitionResponses: partitions,
            })),
          })
          const whole = w.finish()
          const short = whole.subarray(0, 4 + (cut % (whole.length - 8)))
          try {
            readProduceAnswer(short, 4, version, parts)
            expect(outcomes.size).toBe(parts.length)
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('which batches travel together', () => {
  const one = (index: number) => [{ name: 't', partitions: [{ index, records: Buffer.alloc(61) }] }]

  it('those of one session for one broker, a partition once a request, in order', () => {
    const session = bareSession()
    const parts = [0, 1, 0, 1, 0].flatMap((index) => partsOf(one(index), { session }).parts)
    for (const part of parts) part.topic = parts[0]!.topic
    const planned = shipments(parts).map((shipment) => shipment.parts.map((part) => parts.indexOf(part)))
    expect(planned).toEqual([[0, 1], [2, 3], [4]])
  })

  it('apart by session, broker and acks', () => {
    const session = bareSession()
    const parts = [
      ...partsOf(one(0), { session }).parts,
      ...partsOf(one(1)).parts,
      ...partsOf(one(2), { session, brokerId: 2 }).parts,
      ...partsOf(one(3), { session, acks: 1 }).parts,
      ...partsOf(one(4), { session, acks: 1 }).parts,
    ]
    const planned = shipments(parts).map((shipment) => shipment.parts.map(({ partition }) => partition))
    expect(planned).toEqual([[0], [1], [2], [3, 4]])
  })
})
