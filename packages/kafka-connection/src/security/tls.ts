import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext, type ConnectionOptions as NodeTlsOptions } from 'node:tls'
import type { TlsSecurity } from '@braid/routing-model'
import { readSecret } from './secrets.ts'

/** What a TLS socket is made with; the secrets are read, the certificates parsed. */
export type TlsMaterial = Pick<NodeTlsOptions, 'secureContext' | 'servername' | 'checkServerIdentity'>

/** The PEM that was read is no certificate or key, or the two do not belong together. */
export class BadPemError extends Error {
  override readonly name = 'BadPemError'
}

/** @throws ConnectionError SECRET_MISSING; BadPemError, whose message begins with the references */
export async function readTlsMaterial(
  cluster: string,
  host: string,
  { ca, cert, key, serverName }: TlsSecurity,
): Promise<TlsMaterial> {
  const read = (ref: string | undefined, purpose: string) =>
    ref === undefined ? undefined : readSecret(cluster, ref, purpose)
  const [caPem, certPem, keyPem] = await Promise.all([
    read(ca, 'the CA of its certificates'),
    read(cert, 'our certificate'),
    read(key, 'the key of our certificate'),
  ])
  const expected = serverName ?? host
  // Node takes anything for a CA and trusts nobody then.
  if (caPem !== undefined && !caPem.includes('-----BEGIN CERTIFICATE-----'))
    throw new BadPemError(`${ca} holds no certificate in PEM form: set security.tls.ca to one that does`)
  try {
    return {
      secureContext: createSecureContext({ ca: caPem, cert: certPem, key: keyPem }),
      // An address is no name for SNI, but certificates may be issued for one.
      ...(isIP(expected) === 0 && { servername: expected }),
      checkServerIdentity: (_, certificate) => checkServerIdentity(expected, certificate),
    }
  } catch (cause) {
    const refs = [ca, cert, key].filter((ref) => ref !== undefined).join(', ')
    throw new BadPemError(
      `${refs} cannot be used (${(cause as Error).message}): give certificates and an unencrypted key, in PEM form`,
      { cause },
    )
  }
}

/** Why there is no TLS, in words that follow the broker's name; undefined when the error is about something else. */
export function whyNoTls(
  error: Error & { code?: string; reason?: string },
  expected: string,
): string | undefined {
  const { code = '', message } = error
  if (untrusted.has(code))
    return `shows a certificate that no CA known here has issued (${message}): set security.tls.ca to its CA`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `shows a certificate that is not for ${expected} (${error.reason ?? message}): connect by a name that it is for, or set security.tls.serverName to it`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `shows a certificate that is not valid now (${message}): renew it, or correct this machine's clock`
  if (asksForOurs.test(code))
    return `does not take our certificate (${code}): set security.tls.cert and .key to one that it trusts`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return `does not speak TLS at this port: use its TLS port, or protocol PLAINTEXT or SASL_PLAINTEXT`
  if (code === 'ECONNRESET' && message.includes('before secure TLS connection')) return CLOSED_IN_HANDSHAKE
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code.startsWith('CERT_'))
    return `cannot agree on TLS with us: ${message}`
  return undefined
}

/** A plaintext listener takes the beginning of TLS for a request too long, and hangs up. */
const CLOSED_IN_HANDSHAKE =
  'closed the connection in the TLS handshake: it may be going down, or this is a port without TLS ' +
  '(then use its TLS port, or protocol PLAINTEXT or SASL_PLAINTEXT)'

/** What a TLS listener says to a client that does not speak TLS. */
export const SPEAKS_TLS =
  'speaks TLS at this port: set protocol to SSL or SASL_SSL, or use its plaintext port'

/** The first bytes of a TLS alert, where a frame's size is expected: type 21, version 3.x. */
export function isTlsAlert(bytes: Buffer): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03
}

const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
])

const asksForOurs =
  /^ERR_SSL_.*ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNKNOWN_CA|CERTIFICATE_EXPIRED|HANDSHAKE_FAILURE)$/
