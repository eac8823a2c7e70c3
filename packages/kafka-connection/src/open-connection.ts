import type { Socket } from 'node:net'
import { apiVersions, errorCodes, errorName, Reader, Writer } from '@braid/kafka-protocol'
import type { ClusterSecurity } from '@braid/routing-model'
import { BrokerVersions } from './api-versions.ts'
import { BrokerConnection, type ConnectionEnd } from './broker-connection.ts'
import { ConnectionError, type ConnectionErrorCode, isMisconfiguration } from './errors.ts'
import { Intake } from './intake.ts'
import type { ConnectionOptions } from './options.ts'
import { authenticate, noUser } from './security/authenticate.ts'
import { keepAuthenticated } from './security/renewal.ts'
import { isTlsAlert, readTlsMaterial, SPEAKS_TLS, type TlsMaterial, whyNoTls } from './security/tls.ts'

export interface OpenRequest extends ConnectionEnd {
  readonly host: string
  readonly port: number
  /** from an earlier connection to the same broker: spares the question */
  readonly versions?: BrokerVersions | undefined
  /** aborted when the cluster's connections are closed */
  readonly signal: AbortSignal
}

export interface Opened {
  readonly connection: BrokerConnection
  readonly versions: BrokerVersions
}

/**
 * Connects, agrees on versions and says who we are, within `connectTimeoutMs`. Rejects with CONNECT_FAILED, TLS_FAILED,
 * AUTHENTICATION_FAILED, SECRET_MISSING, or CLOSED when aborted.
 */
export function openConnection(request: OpenRequest, options: ConnectionOptions): Promise<Opened> {
  const { protocol, tls = {}, sasl } = options.security ?? PLAINTEXT
  const withTls = protocol === 'SSL' || protocol === 'SASL_SSL'
  const withSasl = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL'
  if (withSasl && sasl === undefined) return Promise.reject(noUser(request.cluster, request.address))
  return new Promise((resolve, reject) => {
    let connection: BrokerConnection | undefined
    let socket: Socket | undefined
    let settled = false

    const onAbort = () => fail('CLOSED', 'was not waited for: these connections are being closed')
    const timer = options.clock.after(options.connectTimeoutMs, () =>
      fail(
        'CONNECT_FAILED',
        `did not let us in within ${options.connectTimeoutMs} ms: check the address and the broker`,
      ),
    )
    const settle = () => {
      settled = true
      timer.cancel()
      request.signal.removeEventListener('abort', onAbort)
    }
    const failWith = (error: ConnectionError) => {
      if (settled) return
      settle()
      reject(error)
      if (connection === undefined) socket?.destroy()
      else connection.destroy('it could not be used')
    }
    const fail = (code: ConnectionErrorCode, what: string, cause?: unknown) => {
      const facts = { cluster: request.cluster, broker: request.address, cause }
      failWith(new ConnectionError(code, `${describe(request)} ${what}`, facts))
    }
    request.signal.addEventListener('abort', onAbort)
    if (request.signal.aborted) onAbort()

    /** What came to nothing before a connection could be handed over. */
    const failed = (what: string, cause?: unknown) => {
      const why = withTls ? tlsReason(cause, tls.serverName ?? request.host) : undefined
      if (why !== undefined) fail('TLS_FAILED', why, cause)
      else fail('CONNECT_FAILED', what, cause)
    }

    const connect = (material: TlsMaterial | undefined) => {
      if (settled) return
      let tlsAlert = false
      const onFrame = (frame: Buffer) => connection?.receive(frame) ?? false
      const intake = new Intake(options.maxFrameBytes, onFrame, options.memory)
      const connecting = options.connect({
        host: request.host,
        port: request.port,
        tls: material,
        buffer: () => intake.buffer(),
        onBytes: (bytes, buffer) => {
          const wrong = intake.take(bytes, buffer)
          if (wrong === undefined) return
          tlsAlert = isTlsAlert(buffer)
          connection?.badFrame(wrong)
        },
      })
      socket = connecting
      const onError = (cause: Error) => failed(`cannot be reached: ${reasonOf(cause)}`, cause)
      connecting.on('error', onError)
      connecting.once(withTls ? 'secureConnect' : 'connect', () => {
        const opened = new BrokerConnection(request, connecting, options)
        connection = opened
        connecting.off('error', onError)
        const done = (versions: BrokerVersions) => {
          settle()
          resolve({ connection: opened, versions })
        }
        const use = (versions: BrokerVersions) => {
          opened.agreeOn(versions)
          if (!withSasl || sasl === undefined) return done(versions)
          const sayWho = () => authenticate(opened, sasl, options.connectTimeoutMs)
          sayWho().then(
            (lifetimeMs) => {
              if (settled) return
              keepAuthenticated(opened, lifetimeMs, sayWho, options)
              done(versions)
            },
            (error: Error) => {
              if (isMisconfiguration(error)) failWith(error)
              else failed(`broke off the authentication: ${error.message}`, error)
            },
          )
        }
        if (request.versions !== undefined) return use(request.versions)
        negotiate(opened, options, apiVersions.maxVersion, use, (what, cause) => {
          if (tlsAlert && !withTls) fail('TLS_FAILED', SPEAKS_TLS, cause)
          else failed(what, cause)
        })
      })
    }

    if (!withTls) return connect(undefined)
    readTlsMaterial(request.cluster, request.host, tls).then(connect, (error: Error) => {
      if (isMisconfiguration(error)) failWith(error)
      else fail('TLS_FAILED', `cannot be connected to with TLS: ${error.message}`, error)
    })
  })
}

const PLAINTEXT: ClusterSecurity = { protocol: 'PLAINTEXT' }

/** Why TLS failed, if it did: the socket's error may be the cause of a connection's. */
function tlsReason(error: unknown, expected: string): string | undefined {
  if (!(error instanceof Error)) return undefined
  return whyNoTls(error, expected) ?? tlsReason(error.cause, expected)
}

function describe({ cluster, brokerId, address }: ConnectionEnd): string {
  return brokerId < 0 ? `${cluster} at ${address}` : `${cluster} broker ${brokerId} (${address})`
}

/** A failed attempt on several addresses of one name is an AggregateError without a message. */
function reasonOf(cause: Error): string {
  if (cause.message !== '') return cause.message
  return cause instanceof AggregateError ? cause.errors.map((e: Error) => e.message).join(', ') : cause.name
}

/**
 * Asks what the broker speaks. One that does not know our version of the question answers UNSUPPORTED_VERSION in version
 * 0's form (KIP-511), and is asked again in version 0.
 */
function negotiate(
  connection: BrokerConnection,
  options: ConnectionOptions,
  version: number,
  onVersions: (versions: BrokerVersions) => void,
  onFailure: (what: string, cause?: unknown) => void,
): void {
  const writer = new Writer()
  apiVersions.encodeRequest(writer, version, { clientSoftwareName: 'braid', clientSoftwareVersion: '0.1.0' })
  connection.send(
    apiVersions.key,
    version,
    [writer.finish()],
    (error, frame, bodyAt) => {
      if (error !== null) return onFailure(`closed the negotiation: ${error.message}`, error)
      try {
        const errorCode = new Reader(frame, bodyAt).int16()
        if (errorCode === errorCodes.UNSUPPORTED_VERSION && version > 0) {
          return negotiate(connection, options, 0, onVersions, onFailure)
        }
        if (errorCode !== 0) return onFailure(`refused the negotiation with ${errorName(errorCode)}`)
        const answer = apiVersions.decodeResponse(new Reader(frame, bodyAt), version)
        onVersions(new BrokerVersions(answer.apiKeys))
      } catch (cause) {
        onFailure(
          'answered the negotiation with bytes that are not Kafka: check that the port is a Kafka listener',
          cause,
        )
      }
    },
    options.connectTimeoutMs,
  )
}
