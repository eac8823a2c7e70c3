import { describe, expect, test } from 'vitest'
import { clusterSecurity } from './cluster-security.ts'

const sasl = { mechanism: 'SCRAM-SHA-512', username: 'braid', password: 'env:PASSWORD' }

test.each([
  { protocol: 'PLAINTEXT' },
  { protocol: 'SSL' },
  { protocol: 'SSL', tls: { ca: 'file:/ca.pem', cert: 'file:/c.pem', key: 'env:KEY', serverName: 'kafka' } },
  { protocol: 'SASL_PLAINTEXT', sasl },
  { protocol: 'SASL_SSL', sasl, tls: { ca: 'file:/with a space/ca.pem' } },
])('%j is taken as it is', (security) => {
  expect(clusterSecurity.parse(security)).toEqual(security)
})

describe('what is refused says why:', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'a password itself',
      { protocol: 'SASL_SSL', sasl: { ...sasl, password: 'hunter2' } },
      /never given itself/,
    ],
    ['a relative file', { protocol: 'SSL', tls: { ca: 'file:ca.pem' } }, /file:\/path/],
    ['no variable', { protocol: 'SSL', tls: { ca: 'env:' } }, /env:NAME/],
    ['an unknown protocol', { protocol: 'TLS' }, /PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL/],
    [
      'an unknown mechanism',
      { protocol: 'SASL_SSL', sasl: { ...sasl, mechanism: 'GSSAPI' } },
      /SCRAM-SHA-256/,
    ],
    ['SASL of nobody', { protocol: 'SASL_SSL' }, /SASL_SSL needs sasl/],
    ['no user name', { protocol: 'SASL_SSL', sasl: { ...sasl, username: '' } }, /sasl.username is empty/],
    ['SASL that would not be used', { protocol: 'SSL', sasl }, /did you mean SASL_SSL/],
    ['TLS that would not be used', { protocol: 'SASL_PLAINTEXT', sasl, tls: {} }, /did you mean SASL_SSL/],
    ['a certificate without key', { protocol: 'SSL', tls: { cert: 'env:CERT' } }, /come together/],
    ['a word that is not known', { protocol: 'SSL', tls: { truststore: 'env:X' } }, /truststore/],
  ])('%s', (_, security, why) => {
    const { error } = clusterSecurity.safeParse(security)
    expect(error?.issues.map(({ message }) => message).join('; ')).toMatch(why)
  })

  test('and never repeats what may be a secret', () => {
    const { error } = clusterSecurity.safeParse({
      protocol: 'SASL_SSL',
      sasl: { ...sasl, password: 'hunter2' },
    })
    expect(JSON.stringify(error)).not.toContain('hunter2')
  })
})
