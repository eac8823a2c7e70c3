import { randomBytes } from 'node:crypto'
import { errorCodes, errorName, saslAuthenticate, saslHandshake } from '@braid/kafka-protocol'
import type { SaslSecurity } from '@braid/routing-model'
import type { BrokerConnection } from '../broker-connection.ts'
import { ConnectionError } from '../errors.ts'
import { ScramError, scramFirst, scramProof } from './scram.ts'
import { readSecret } from './secrets.ts'

/** Version 1: tokens travel in SaslAuthenticate, and errors have words. */
const HANDSHAKE_VERSION = 1
const NONCE_BYTES = 24

/**
 * Says to the broker who we are, on a connection that has agreed on versions. Answers for how long the broker takes our
 * word, in ms; 0 without end (KIP-368). The password is read now, so that one that changed is used from the next time on.
 *
 * @throws ConnectionError AUTHENTICATION_FAILED, SECRET_MISSING, or what broke the connection
 */
export async function authenticate(
  connection: BrokerConnection,
  sasl: SaslSecurity,
  timeoutMs: number,
): Promise<number> {
  const { mechanism, username } = sasl
  const password = await readSecret(connection.cluster, sasl.password, 'its SASL password')
  const failed = (what: string, kafkaError?: number, cause?: unknown) =>
    connection.error('AUTHENTICATION_FAILED', what, { kafkaError, cause })

  const { errorCode, mechanisms } = await connection.call(
    saslHandshake,
    { mechanism },
    { version: HANDSHAKE_VERSION, timeoutMs },
  )
  if (errorCode === errorCodes.UNSUPPORTED_SASL_MECHANISM) {
    const offered = mechanisms.join(', ') || 'none'
    throw failed(
      `does not take SASL mechanism ${mechanism} (user ${username}); it offers ${offered}: set security.sasl.mechanism to one of these`,
      errorCode,
    )
  }
  if (errorCode === errorCodes.ILLEGAL_SASL_STATE) {
    throw failed(
      `takes no SASL at this port (${mechanism}, user ${username}): use its SASL port, or protocol PLAINTEXT or SSL`,
      errorCode,
    )
  }
  if (errorCode !== 0)
    throw failed(`refused SASL mechanism ${mechanism} (user ${username}), ${errorName(errorCode)}`, errorCode)

  const version = connection.versionOf(saslAuthenticate)
  const exchange = async (authBytes: Buffer) => {
    const answer = await connection.call(saslAuthenticate, { authBytes }, { version, timeoutMs })
    if (answer.errorCode === 0) return answer
    const why = answer.errorMessage ?? errorName(answer.errorCode)
    throw failed(
      `does not let user ${username} in by ${mechanism} (${why}): check the user there, and the password in ${sasl.password}`,
      answer.errorCode,
    )
  }

  if (mechanism === 'PLAIN') {
    const { sessionLifetimeMs } = await exchange(Buffer.from(`\0${username}\0${password}`))
    return Number(sessionLifetimeMs)
  }
  const user = { mechanism, username, password, nonce: randomBytes(NONCE_BYTES).toString('base64') }
  const { authBytes: serverFirst } = await exchange(Buffer.from(scramFirst(user)))
  const proof = await scramProof(user, serverFirst.toString()).catch((error: unknown) => {
    if (!(error instanceof ScramError)) throw error
    throw failed(`${error.message} (${mechanism}, user ${username}): is it a Kafka broker?`, undefined, error)
  })
  const { authBytes: serverFinal, sessionLifetimeMs } = await exchange(Buffer.from(proof.message))
  if (!proof.accepts(serverFinal.toString()))
    throw failed(
      `let user ${username} in by ${mechanism} without knowing the password: it may not be who it says that it is`,
    )
  return Number(sessionLifetimeMs)
}

/** A protocol with SASL, and nobody named to be. */
export function noUser(cluster: string, broker: string): ConnectionError {
  return new ConnectionError(
    'AUTHENTICATION_FAILED',
    `${cluster} is set to connect with SASL, but security.sasl does not say as whom: give mechanism, username and password`,
    { cluster, broker },
  )
}
