import { apiVersions, errorCodes, errorName, Reader, Writer } from '@braid/kafka-protocol'
import { BrokerVersions } from './api-versions.ts'
import { BrokerConnection, type ConnectionEnd } from './broker-connection.ts'
import { ConnectionError } from './errors.ts'
import { Intake } from './intake.ts'
import type { ConnectionOptions } from './options.ts'

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

/** Connects and agrees on versions, within `connectTimeoutMs`. Rejects with CONNECT_FAILED, or CLOSED when aborted. */
export function openConnection(request: OpenRequest, options: ConnectionOptions): Promise<Opened> {
  return new Promise((resolve, reject) => {
    let connection: BrokerConnection | undefined
    const onFrame = (frame: Buffer) => connection?.receive(frame) ?? false
    const intake = new Intake(options.maxFrameBytes, onFrame, options.memory)
    const socket = options.connect({
      host: request.host,
      port: request.port,
      security: options.security,
      buffer: () => intake.buffer(),
      onBytes: (bytes, buffer) => {
        const wrong = intake.take(bytes, buffer)
        if (wrong !== undefined) connection?.badFrame(wrong)
      },
    })

    const onAbort = () => fail('CLOSED', 'was not waited for: these connections are being closed')
    const timer = options.clock.after(options.connectTimeoutMs, () =>
      fail(
        'CONNECT_FAILED',
        `did not let us in within ${options.connectTimeoutMs} ms: check the address and the broker`,
      ),
    )
    const settle = () => {
      timer.cancel()
      request.signal.removeEventListener('abort', onAbort)
    }
    const fail = (code: 'CONNECT_FAILED' | 'CLOSED', what: string, cause?: unknown) => {
      settle()
      reject(
        new ConnectionError(code, `${describe(request)} ${what}`, {
          cluster: request.cluster,
          broker: request.address,
          cause,
        }),
      )
      if (connection === undefined) socket.destroy()
      else connection.destroy('it could not be used')
    }
    request.signal.addEventListener('abort', onAbort)
    if (request.signal.aborted) onAbort()

    const onError = (cause: Error) => fail('CONNECT_FAILED', `cannot be reached: ${reasonOf(cause)}`, cause)
    socket.on('error', onError)
    socket.once('connect', () => {
      connection = new BrokerConnection(request, socket, options)
      socket.off('error', onError)
      const opened = connection
      const use = (versions: BrokerVersions) => {
        opened.agreeOn(versions)
        settle()
        resolve({ connection: opened, versions })
      }
      if (request.versions !== undefined) return use(request.versions)
      negotiate(opened, options, apiVersions.maxVersion, use, (what, cause) =>
        fail('CONNECT_FAILED', what, cause),
      )
    })
  })
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
