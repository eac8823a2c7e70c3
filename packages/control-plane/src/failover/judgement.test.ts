import { expect, test } from 'vitest'
import { judge } from './judgement.ts'
import { type Sighting, shownVotes, type Voter, Votes } from './votes.ts'

const us: Voter = { key: 'us', by: 'control plane', vantage: 'control plane' }
const proxy = (id: string): Voter => ({ key: id, by: `proxy ${id}`, vantage: 'server' })
const monitor: Voter = { key: 'm', by: 'monitor m', vantage: 'monitor' }
const down = (forMs: number): Sighting => ({ state: 'down', forMs, detail: 'refused' })
const up: Sighting = { state: 'up', forMs: 60_000, detail: null }

/** How cluster a is judged at 100 s. */
function judged(...said: [Voter, Sighting][]) {
  const votes = new Votes()
  for (const [voter, sighting] of said) votes.put('a', voter, sighting, { at: 100_000, validUntil: 101_000 })
  return judge(votes.on('a', 100_000), { at: 100_000, downForMs: 1_000, refusesWritesMs: 15_000 })
}

test('a cluster that nobody doubts is up', () => {
  expect(judged()).toEqual({ state: 'up', why: 'nobody has looked yet' })
  expect(judged([us, up], [proxy('1'), up])).toEqual({
    state: 'up',
    why: 'control plane and proxy 1 reached it',
  })
})

test('two vantage points, for long enough, and nobody who reaches it', () => {
  expect(judged([us, down(1_000)], [proxy('1'), down(1_200)])).toEqual({
    state: 'down',
    why: 'control plane and proxy 1 do not reach it',
  })
  expect(judged([proxy('1'), down(1_000)], [proxy('2'), down(1_000)], [us, up]).state).toBe('down')
})

test('one alone may be cut off himself', () => {
  expect(judged([us, down(60_000)])).toEqual({
    state: 'suspected',
    why: 'control plane does not reach it: it takes 2 vantage points',
  })
})

test('two, but not for long enough', () => {
  expect(judged([us, down(1_500)], [proxy('1'), down(900)])).toEqual({
    state: 'suspected',
    why: 'control plane and proxy 1 do not reach it: it takes 2 vantage points for 1000 ms, 1 of them has seen it so for as long',
  })
})

test('what clients reach is not given up, whoever else does not', () => {
  expect(judged([us, down(9_000)], [proxy('1'), down(9_000)], [proxy('2'), up])).toEqual({
    state: 'suspected',
    why: 'control plane and proxy 1 do not reach it, and clients reach it through proxy 2: it is not given up',
  })
})

test('a canary that cannot write to a cluster that answers is given more time', () => {
  expect(judged([monitor, down(14_000)], [proxy('1'), down(14_000)], [us, up]).state).toBe('suspected')
  expect(judged([monitor, down(15_000)], [proxy('1'), down(14_000)], [us, up]).state).toBe('down')
  expect(judged([monitor, down(1_000)], [us, down(1_000)]).state).toBe('down')
})

test('who has no reason to talk to it says nothing', () => {
  const unknown: Sighting = { state: 'unknown', forMs: 0, detail: null }
  expect(judged([us, down(2_000)], [proxy('1'), unknown]).state).toBe('suspected')
})

test('votes run out, and what is said again is as old as it was', () => {
  const votes = new Votes()
  votes.hear(proxy('1'), new Map([['a', down(500)]]), { at: 1_000, validUntil: 4_000 })
  expect(votes.isDoubted('a')).toBe(true)
  votes.hear(proxy('1'), new Map([['a', down(400)]]), { at: 2_000, validUntil: 5_000 })
  expect(shownVotes(votes.on('a', 2_000), 2_000)).toEqual([
    { by: 'proxy 1', state: 'down', forMs: 1_500, detail: 'refused' },
  ])
  expect(votes.on('a', 5_000)).toEqual([])
  votes.tidy(new Set(['a']), 5_000)
  expect(votes.isDoubted('a')).toBe(false)
})

test('what somebody does not name any more, and whoever leaves, says nothing any more', () => {
  const votes = new Votes()
  const when = { at: 0, validUntil: 1_000 }
  votes.hear(
    proxy('1'),
    new Map([
      ['a', down(0)],
      ['b', down(0)],
    ]),
    when,
  )
  votes.hear(proxy('1'), new Map([['b', up]]), when)
  expect([votes.isDoubted('a'), votes.isDoubted('b')]).toEqual([false, false])
  votes.hear(proxy('2'), new Map([['b', down(0)]]), when)
  votes.forget('2')
  expect([votes.isDoubted('b'), votes.on('b', 1).length]).toEqual([false, 1])
})

test('two that share a name by mistake do not speak for each other', () => {
  const called = (key: string): Voter => ({ key, by: 'proxy 1', vantage: 'server' })
  expect(judged([us, down(2_000)], [called('x'), up], [called('y'), down(2_000)]).state).toBe('suspected')
})
