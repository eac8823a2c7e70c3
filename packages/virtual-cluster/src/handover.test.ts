import { describe, expect, it } from 'vitest'
import { judge, PartitionProducers, type ProducerState, type Verdict } from './handover.ts'
import { nextSequence, sequenceDistance } from './sequence.ts'

const LAST = 2 ** 31 - 1
const sealed = (epoch: number, lastSequence: number): ProducerState => ({
  epoch,
  lastSequence,
  cluster: 'a',
  physicalTopic: 'orders.0',
  isFinal: true,
})

describe('the verdict on a batch after a cut', () => {
  // sealed [epoch, last], batch [epoch, sequence], what the active loglet knows, verdict
  const unknown = null
  const notAsked = undefined
  const table: readonly (readonly [
    string,
    readonly [number, number] | undefined,
    readonly [number, number],
    readonly [number, number] | null | undefined,
    Verdict,
  ])[] = [
    ['the first batch of a producer', undefined, [0, 0], notAsked, 'forward'],
    ['a later batch of a producer known nowhere yet', undefined, [0, 5], notAsked, 'ask'],
    ['the same, and the active loglet does not know it', undefined, [0, 5], unknown, 'gap'],
    ['the same, and the active loglet knows it', undefined, [0, 5], [0, 4], 'forward'],
    ['the batch that comes next', [0, 10], [0, 11], notAsked, 'forward'],
    ['the last batch again', [0, 10], [0, 10], notAsked, 'landed'],
    ['an earlier batch again', [0, 10], [0, 3], notAsked, 'landed'],
    ['an earlier batch, with later ones in the active loglet', [0, 10], [0, 10], [0, 15], 'landed'],
    ['a batch with one missing before it', [0, 10], [0, 12], notAsked, 'ask'],
    ['the same, unknown to the active loglet', [0, 10], [0, 12], unknown, 'gap'],
    ['the same, known to the active loglet, which keeps the order', [0, 10], [0, 12], [0, 11], 'forward'],
    ['an older epoch', [3, 10], [2, 11], notAsked, 'fenced'],
    ['a new epoch from its start', [3, 10], [4, 0], notAsked, 'forward'],
    ['a new epoch in its middle', [3, 10], [4, 7], notAsked, 'ask'],
    ['the same, unknown to the active loglet', [3, 10], [4, 7], unknown, 'gap'],
    ['the batch after the last sequence there is', [0, LAST], [0, 0], notAsked, 'forward'],
    ['a repetition from before the wrap', [0, 2], [0, LAST], notAsked, 'landed'],
    ['a gap across the wrap', [0, LAST], [0, 1], notAsked, 'ask'],
    // Half way round, the next batch looks as if it stood before the last one of the sealed loglet.
    ['a producer that is half way round', [0, 10], [0, 2 ** 30 + 20], [0, 2 ** 30 + 19], 'forward'],
    ['the same in another epoch', [0, 10], [0, 2 ** 30 + 20], [1, 2 ** 30 + 19], 'landed'],
  ]

  for (const [name, state, [epoch, sequence], active, verdict] of table) {
    it(`${name}: ${verdict}`, () => {
      const known = active ? { epoch: active[0], lastSequence: active[1], records: 1 } : active
      expect(judge(state && sealed(...state), { epoch, sequence }, known)).toBe(verdict)
    })
  }
})

describe('what a partition knows of producers', () => {
  it('forgets the oldest producer of the active loglet at its bound', () => {
    const producers = new PartitionProducers(2)
    for (const pid of [1n, 2n, 2n, 3n]) producers.rememberActive(pid, 0, 0, 1)
    expect([1n, 2n, 3n].map((pid) => producers.knownToActive(pid))).toEqual([false, true, true])
  })

  it('keeps the last sequence that was acknowledged, also across the wrap, and with how many before it', () => {
    const producers = new PartitionProducers(2)
    producers.rememberActive(1n, 0, LAST, 3)
    producers.rememberActive(1n, 0, 4, 5)
    expect(producers.active(1n)).toMatchObject({ epoch: 0, lastSequence: 4, records: 8 })
    // An answer that was asked for earlier takes nothing back.
    producers.rememberActive(1n, 0, LAST, 1)
    expect(producers.active(1n)).toMatchObject({ epoch: 0, lastSequence: 4, records: 8 })
    producers.rememberActive(1n, 1, 0, 1)
    expect(producers.active(1n)).toMatchObject({ epoch: 1, lastSequence: 0, records: 1 })
    producers.rememberActive(1n, 0, 9, 1)
    expect(producers.active(1n)).toMatchObject({ epoch: 1, lastSequence: 0 })
  })

  it('takes a repetition of what the active loglet has to its broker, half way round from the sealed ones', () => {
    const far = 2 ** 30 + 100
    const active = { epoch: 0, lastSequence: far, records: 10 }
    expect(judge(sealed(0, 10), { epoch: 0, sequence: far - 5 }, active)).toBe('forward')
    expect(judge(sealed(0, 10), { epoch: 0, sequence: far - 50 }, active)).toBe('landed')
  })

  it('introduces a producer until the last of its batches is answered', () => {
    const producers = new PartitionProducers(2)
    producers.introduce(1n)
    producers.introduce(1n)
    producers.introduced(1n)
    expect(producers.introducing(1n)).toBe(true)
    producers.introduced(1n)
    expect(producers.introducing(1n)).toBe(false)
  })
})

describe('sequences', () => {
  it('wrap at 2^31', () => {
    expect(nextSequence(LAST)).toBe(0)
    expect(sequenceDistance(LAST, 0)).toBe(1)
    expect(sequenceDistance(0, LAST)).toBe(-1)
    expect(sequenceDistance(5, 5)).toBe(0)
  })
})
