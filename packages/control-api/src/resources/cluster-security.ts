import type { ClusterSecurity } from '@braid/routing-model'
import { z } from 'zod'

const text = (what: string) =>
  z.string(`${what} is missing`).min(1, `${what} is empty`).max(1_000, `${what} has at most 1000 characters`)

/** Where a secret is. The secret itself is refused: it would be stored, sent to every access point and shown. */
export const secretRef = z
  .string('a secret is given as env:NAME or file:/path')
  .max(4_096)
  .regex(
    /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\/[^\0]+)$/,
    'a secret is never given itself, but as env:NAME or file:/path, to be found where Braid runs',
  )

const sasl = z.strictObject({
  mechanism: z.enum(
    ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    'sasl.mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
  ),
  username: text('sasl.username'),
  password: secretRef,
})

const tls = z
  .strictObject({
    ca: secretRef.optional(),
    cert: secretRef.optional(),
    key: secretRef.optional(),
    serverName: text('tls.serverName').optional(),
  })
  .refine(
    ({ cert, key }) => (cert === undefined) === (key === undefined),
    'tls.cert and tls.key come together',
  )

/**
 * How a cluster is connected to, by control planes and access points alike.
 *
 *     protocol: SASL_SSL
 *     sasl: { mechanism: SCRAM-SHA-512, username: braid, password: env:EU_1_PASSWORD }
 *     tls: { ca: file:/etc/braid/eu-1-ca.pem }
 */
export const clusterSecurity = z
  .strictObject({
    protocol: z.enum(
      ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
      'security.protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL',
    ),
    sasl: sasl.optional(),
    tls: tls.optional(),
  })
  .superRefine(({ protocol, sasl, tls }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    const withSasl = protocol.startsWith('SASL_')
    const withTls = protocol.endsWith('SSL')
    if (withSasl && sasl === undefined)
      refuse('sasl', `${protocol} needs sasl: mechanism, username and password`)
    if (!withSasl && sasl !== undefined)
      refuse('sasl', `${protocol} has no sasl: did you mean ${withTls ? 'SASL_SSL' : 'SASL_PLAINTEXT'}?`)
    if (!withTls && tls !== undefined)
      refuse('tls', `${protocol} has no tls: did you mean ${withSasl ? 'SASL_SSL' : 'SSL'}?`)
  }) satisfies z.ZodType<ClusterSecurity>

export type ClusterSecurityInput = z.input<typeof clusterSecurity>
