import { expect, test } from 'vitest'
import { type ClusterRoute, type ClusterSecurity, sameConnection } from './cluster.ts'

const security: ClusterSecurity = {
  protocol: 'SASL_SSL',
  sasl: { mechanism: 'PLAIN', username: 'braid', password: 'env:PASSWORD' },
  tls: { ca: 'file:/ca.pem', cert: 'file:/cert.pem', key: 'file:/key.pem', serverName: 'kafka' },
}
const route: ClusterRoute = { name: 'a', number: 1, bootstrap: ['a:9092', 'b:9092'], security }

test('what says the same is the same connection, in whatever order it stands in JSON', () => {
  const { sasl, tls, protocol } = security
  expect(sameConnection(route, { ...route, security: { tls, sasl, protocol } })).toBe(true)
  expect(sameConnection(route, JSON.parse(JSON.stringify(route)))).toBe(true)
  const plain = { ...route, security: undefined }
  expect(sameConnection(plain, { ...route, security: { protocol: 'PLAINTEXT' } })).toBe(true)
})

test.each<[string, Partial<ClusterRoute>]>([
  ['another address', { bootstrap: ['a:9092', 'c:9092'] }],
  ['fewer addresses', { bootstrap: ['a:9092'] }],
  ['no security', { security: undefined }],
  ['another protocol', { security: { ...security, protocol: 'SSL' } }],
  ['no SASL', { security: { ...security, sasl: undefined } }],
  [
    'another mechanism',
    { security: { ...security, sasl: { ...security.sasl!, mechanism: 'SCRAM-SHA-256' } } },
  ],
  ['another user', { security: { ...security, sasl: { ...security.sasl!, username: 'x' } } }],
  ['another password', { security: { ...security, sasl: { ...security.sasl!, password: 'env:X' } } }],
  ['no TLS settings', { security: { ...security, tls: undefined } }],
  ['another CA', { security: { ...security, tls: { ...security.tls, ca: 'env:X' } } }],
  ['another certificate', { security: { ...security, tls: { ...security.tls, cert: 'env:X' } } }],
  ['another key', { security: { ...security, tls: { ...security.tls, key: 'env:X' } } }],
  ['another name', { security: { ...security, tls: { ...security.tls, serverName: 'x' } } }],
])('%s is another connection', (_, change) => {
  expect(sameConnection(route, { ...route, ...change })).toBe(false)
  expect(sameConnection({ ...route, ...change }, route)).toBe(false)
})
