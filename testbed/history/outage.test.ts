import { expect, test } from 'vitest'
import type { HistoryEvent } from './event.ts'
import { outageOf } from './outage.ts'

const topic = 'orders'
let calls = 0
const answered = (producer: string, ...times: readonly number[]): HistoryEvent[] =>
  times.flatMap((at): HistoryEvent[] => {
    const call = calls++
    return [
      { type: 'sent', at: at - 2, producer, call, topic, keys: ['k'], ids: [`${call}`] },
      { type: 'acknowledged', at, producer, call, partitions: [0], offsets: [BigInt(call)] },
    ]
  })

test('from the last acknowledgement before the fault, to the first one and to the last producer that has one', () => {
  const events = [...answered('p', 10, 20, 1_500, 1_510), ...answered('q', 15, 25, 2_300)]
  const outage = outageOf(events, topic, 30, 1_000)!
  expect(outage).toMatchObject({ from: 25, to: 1_500, firstMs: 1_475, everyProducerMs: 2_275 })
  expect(Object.fromEntries(outage.byProducer)).toEqual({ p: 1_475, q: 2_275 })
})

test('a producer that never comes back is not overlooked', () => {
  const events = [...answered('p', 10, 500), ...answered('q', 15)]
  expect(outageOf(events, topic, 20, 100)!.everyProducerMs).toBe(Number.POSITIVE_INFINITY)
})

test('another silence, before the fault or long after it, is another matter', () => {
  const events = answered('p', 10, 5_000, 5_010, 6_000, 6_010, 60_000)
  expect(outageOf(events, topic, 5_015, 500)).toMatchObject({ from: 5_010, to: 6_000 })
})

test('nothing is measured where nothing was acknowledged', () => {
  expect(outageOf([], topic, 0, 1_000)).toBeUndefined()
  expect(outageOf(answered('p', 10), topic, 0, 1_000)).toBeUndefined()
})
