import { ConnectionError, type ConnectionErrorCode } from '@braid/kafka-connection'
import { expect, test } from 'vitest'
import { clusterRefusal } from './clusters.ts'

test.each<[ConnectionErrorCode, string]>([
  ['CONNECT_FAILED', 'CLUSTER_UNREACHABLE'],
  ['CLOSED', 'CLUSTER_UNREACHABLE'],
  ['TIMED_OUT', 'CLUSTER_UNREACHABLE'],
  ['TLS_FAILED', 'CLUSTER_ACCESS_REFUSED'],
  ['AUTHENTICATION_FAILED', 'CLUSTER_ACCESS_REFUSED'],
  ['SECRET_MISSING', 'CLUSTER_ACCESS_REFUSED'],
  ['NOT_AUTHORIZED', 'CLUSTER_RIGHT_MISSING'],
  ['BROKER_ERROR', 'TOPIC_CONFIG_REFUSED'],
])('%s of a cluster is %s to whoever asked, with its words', (code, refusal) => {
  const error = new ConnectionError(code, 'kafka-a says no', { cluster: 'kafka-a' })
  expect(clusterRefusal(error, 'sealing orders')).toMatchObject({
    code: refusal,
    message: 'sealing orders: kafka-a says no',
  })
})
