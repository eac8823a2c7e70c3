import type { FleetInput } from '@braid/control-api'
import { describe, expect, test } from 'vitest'
import { worldOf } from '../fleet/testing/worlds.ts'
import type { MoveRow } from '../store/operation-queries.ts'
import { fingerprintOf, replan } from './replan.ts'

const document: FleetInput = {
  version: 1,
  clusters: ['a', 'b', 'c'].map((name) => ({ name, bootstrap: `${name}:9092` })),
  tenants: [{ name: 'default', home: 'a' }],
  topics: ['t1', 't2', 't3'].map((name) => ({ name, partitions: 1 })),
}
const snapshotWith = (on: Record<string, string> = {}, clusters = {}) =>
  worldOf(document, {
    on: Object.fromEntries(Object.entries(on).map(([t, c]) => [`default/${t}`, c])),
    clusters,
  }).snapshot

const planned = (topic: string, to = 'b', from = 'a') => ({ tenant: 'default', topic, from, to, reason: 'r' })
const row = (number: number, topic: string, change: Partial<MoveRow> = {}): MoveRow => ({
  ...planned(topic),
  number,
  state: 'waiting',
  alone: false,
  migration: null,
  error: null,
  ...change,
})

describe('what a plan was made for', () => {
  const own = [planned('t1'), planned('t2')]
  const before = fingerprintOf(snapshotWith(), own)

  test('is the same while the operation moves its own topics', () => {
    expect(fingerprintOf(snapshotWith({ t1: 'b' }), own)).toBe(before)
    expect(fingerprintOf(snapshotWith({ t1: 'b', t2: 'b' }), own)).toBe(before)
  })

  test('is another once somebody else moves, makes or changes something', () => {
    const others = [
      snapshotWith({ t1: 'c' }),
      snapshotWith({ t3: 'b' }),
      snapshotWith({}, { b: { state: 'cordoned' } }),
      worldOf({ ...document, topics: [...document.topics!, { name: 't4', partitions: 1 }] }).snapshot,
      worldOf({ ...document, slas: [{ name: 'gold' }] }).snapshot,
    ].map((snapshot) => fingerprintOf(snapshot, own))
    expect(new Set([before, ...others]).size).toBe(6)
  })
})

test('a plan made anew changes what waits, and lets be what is under way, done or failed', () => {
  const moves = [
    row(1, 't1', { state: 'moved' }),
    row(2, 't2', { state: 'moving' }),
    row(3, 't3'),
    row(4, 'stays'),
    row(5, 'gone'),
    row(6, 'elsewhere'),
    row(7, 'same'),
    row(8, 'failed', { state: 'failed' }),
  ]
  const named = {
    ...document,
    topics: ['t1', 't2', 't3', 'stays', 'elsewhere', 'same', 'failed', 'new'].map((name) => ({
      name,
      partitions: 1,
    })),
  }
  const { snapshot } = worldOf(named, { on: { 'default/t1': 'a', 'default/elsewhere': 'c' } })
  const plan = [
    // It came back after we had moved it.
    planned('t1', 'c'),
    planned('t2', 'c'),
    planned('t3', 'c'),
    planned('same'),
    planned('failed', 'c'),
    planned('new'),
  ]
  const { add, redirect, drop } = replan(moves, plan, snapshot, () => 'no room')
  expect(add.map(({ topic, to }) => `${topic} ${to}`)).toEqual(['t1 c', 'new b'])
  expect(redirect.map(({ move, to }) => `${move.number} ${to.to}`)).toEqual(['3 c'])
  expect(drop.map(({ move, now, reason }) => `${move.number} ${now}: ${reason}`)).toEqual([
    '4 stays: no room',
    '5 gone: it was deleted meanwhile',
    '6 elsewhere: somebody else moved it to c meanwhile',
  ])
})
