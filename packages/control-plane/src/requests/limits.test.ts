import { expect, test } from 'vitest'
import { beyondPolicy, beyondQuotas, sumOf, usageOf, type Wish } from './limits.ts'

const wish: Wish = {
  name: 'shop.orders',
  partitions: 12,
  sla: 'gold',
  configs: { 'retention.ms': '86400000' },
  expected: { bytesInPerSecond: 5_000_000 },
}
const usage = { topics: 9, partitions: 40, bytesInPerSecond: 20_000_000 }
const noQuotas = { topicsMax: null, partitionsMax: null, bytesInPerSecondMax: null }
const noPolicy = { slas: null, partitionsPerTopicMax: null, retentionMaxMs: null, topicPrefix: null }

test('a quota may be used up, and what goes beyond it is named with its numbers', () => {
  const quotas = { topicsMax: 10, partitionsMax: 52, bytesInPerSecondMax: 25_000_000 }
  expect(beyondQuotas(quotas, usage, usageOf(wish))).toEqual([])
  const twice = sumOf([usage, usageOf(wish)])
  expect(beyondQuotas(quotas, twice, usageOf(wish))).toEqual([
    'the quota of 10 topics: 10 in use, 1 more would be 11',
    'the quota of 52 partitions: 52 in use, 12 more would be 64',
    'the quota of 25 MB/s of bytes in: 25 MB/s in use, 5 MB/s more would be 30 MB/s',
  ])
  expect(beyondQuotas(noQuotas, twice, usageOf(wish))).toEqual([])
})

test('what needs no more is not refused where the quota is below what is there', () => {
  const quotas = { topicsMax: 1, partitionsMax: 1, bytesInPerSecondMax: 1 }
  expect(beyondQuotas(quotas, usage, { topics: 0, partitions: 0, bytesInPerSecond: -1 })).toEqual([])
})

test('each rule that a wish does not keep to is named', () => {
  expect(beyondPolicy(noPolicy, wish)).toEqual([])
  const kept = {
    slas: ['gold'],
    partitionsPerTopicMax: 12,
    retentionMaxMs: 86_400_000,
    topicPrefix: 'shop.',
  }
  expect(beyondPolicy(kept, wish)).toEqual([])
  expect(beyondPolicy({ ...kept, slas: [] }, { ...wish, sla: null })).toEqual([])
  const broken = {
    slas: ['silver', 'bronze'],
    partitionsPerTopicMax: 11,
    retentionMaxMs: 86_399_999,
    topicPrefix: 'pay.',
  }
  expect(beyondPolicy(broken, wish)).toEqual([
    'the rule about SLA classes: gold is asked for, free to take are silver, bronze',
    'the rule of 11 partitions a topic: 12 are asked for',
    'the rule of retention.ms up to 86399999: 86400000 is asked for',
    'the rule that names start with pay.: the topic is called shop.orders',
  ])
  const endless = { ...wish, configs: { 'retention.ms': '-1' } }
  expect(beyondPolicy(kept, endless)).toEqual(['the rule of retention.ms up to 86400000: -1 is asked for'])
})
