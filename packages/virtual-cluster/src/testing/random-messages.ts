import { encodeBatch } from '@braid/kafka-protocol'
import fc from 'fast-check'
import type { Engine } from '../engine.ts'
import type { Session } from '../session.ts'

export const topicName = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/)
export const int16 = fc.integer({ min: -1, max: 32_767 })
export const int32 = fc.integer({ min: 0, max: 2 ** 31 - 1 })
export const offset = fc.bigInt({ min: 0n, max: (1n << 62n) - 1n })

/** A batch on both sides of the size from which records travel as slices. */
export const records = fc
  .record({
    value: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(6_000))),
    count: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ value, count }) =>
    encodeBatch({ records: Array.from({ length: count }, () => ({ value: Buffer.from(value) })) }),
  )

/** Topics with partitions, each named once. */
export function topics<P>(
  partition: fc.Arbitrary<P>,
  max = 4,
): fc.Arbitrary<{ name: string; partitions: (P & { index: number })[] }[]> {
  const partitions = fc
    .array(partition, { minLength: 1, maxLength: max })
    .map((all) => all.map((each, index) => ({ ...each, index })))
  return fc.uniqueArray(fc.record({ name: topicName, partitions }), {
    minLength: 1,
    maxLength: max,
    selector: ({ name }) => name,
  })
}

/** As much of a session as reading and writing bytes needs. */
export const bareSession = (limits: Partial<Engine['limits']> = {}): Session =>
  ({
    engine: { limits: { fetchMaxWaitMs: 30_000, fetchMaxBytes: 2 ** 31 - 1, ...limits } },
  }) as unknown as Session
