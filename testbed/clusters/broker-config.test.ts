import { expect, test } from 'vitest'
import { brokerProperties, newClusterId, propertiesEnvironment, propertiesFile } from './broker-config.ts'

const place = {
  id: 2,
  listeners: 'PLAINTEXT://:9092',
  advertisedListeners: 'PLAINTEXT://127.0.0.1:20001',
  interBrokerListener: 'PLAINTEXT',
  dataFolder: '/data',
}

test('internal topics are replicated as far as there are brokers, and a spec has the last word', () => {
  const one = brokerProperties({ ...place, voters: ['1@h:1'] })
  expect([one['offsets.topic.replication.factor'], one['min.insync.replicas']]).toEqual(['1', '1'])
  const three = brokerProperties(
    { ...place, voters: ['1@h:1', '2@h:2', '3@h:3'] },
    { 'min.insync.replicas': '1' },
  )
  expect([three['offsets.topic.replication.factor'], three['transaction.state.log.min.isr']]).toEqual([
    '3',
    '2',
  ])
  expect(three['min.insync.replicas']).toBe('1')
})

test('properties become variables by the conventions of the apache/kafka image', () => {
  expect(propertiesEnvironment({ 'node.id': '1', 'a_b.c-d': 'x' })).toEqual({
    KAFKA_NODE_ID: '1',
    KAFKA_A__B_C___D: 'x',
  })
})

test('a value with backslashes survives the properties file', () => {
  expect(propertiesFile({ 'log.dirs': 'C:\\data', 'node.id': '1' })).toBe('log.dirs=C:\\\\data\nnode.id=1\n')
})

test('cluster ids are UUIDs in URL-safe Base64 that no command takes for an option', () => {
  for (let i = 0; i < 500; i++) expect(newClusterId()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
})
