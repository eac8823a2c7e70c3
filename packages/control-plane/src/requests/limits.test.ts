import { expect, test } from 'vitest'
import { beyondPolicy, type Wish } from './limits.ts'

const wish: Wish = {
  name: 'shop.orders',
  partitions: 12,
  sla: 'gold',
  configs: { 'retention.ms': '86400000' },
}
const noPolicy = { slas: null, partitionsPerTopicMax: null, retentionMaxMs: null, topicPrefix: null }

test('each rule that a wish does not keep to is named, with the numbers', () => {
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
    'class gold is asked for, and free to take are silver, bronze',
    '12 partitions are asked for, and 11 a topic are free to take',
    'retention.ms=86400000 is asked for, and up to 86399999 is free to take',
    'the topic is called shop.orders, and names that are free to take start with pay.',
  ])
  const endless = { ...wish, configs: { 'retention.ms': '-1' } }
  expect(beyondPolicy(kept, endless)).toEqual([
    'retention.ms=-1 is asked for, and up to 86400000 is free to take',
  ])
})
