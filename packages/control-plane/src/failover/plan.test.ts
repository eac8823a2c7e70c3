import { expect, test } from 'vitest'
import { type FailoverQuestion, planFailover } from './plan.ts'

const question: FailoverQuestion = {
  cluster: 'a',
  routes: [],
  standbys: new Map(),
  looks: new Map([['b', { kind: 'not asked' }]]),
  tenants: [{ name: 'default', home: 'a', standbyHome: 'b' }],
  unmirrored: new Map(),
}

test('a home goes on at its standby home when all commits are there', () => {
  expect(planFailover(question).homes).toEqual([
    { tenant: 'default', from: 'a', to: 'b', reason: 'its commits are mirrored there' },
  ])
})

test('a home that would forget commits waits, and says of which topics', () => {
  const unmirrored = new Map([['default', { topics: 5, some: ['clicks', 'orders'] }]])
  expect(planFailover({ ...question, unmirrored }).homes).toEqual([
    {
      tenant: 'default',
      from: 'a',
      to: null,
      reason:
        'the commits of clicks, orders and 3 more are not on its standby home b yet: its groups wait; by force they go on there without them',
    },
  ])
})
