import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import {
  apis,
  apiVersions,
  describeCluster,
  FrameReader,
  findCoordinator,
  metadata,
  Reader,
  readResponseHeader,
  Writer,
  writeResponseHeader,
} from '@braid/kafka-protocol'
import type { Exchange } from './exchange.ts'

const FRAME_MAX_BYTES = 64 << 20

export interface RecorderOptions {
  readonly client: string
  readonly broker: string
  readonly onExchange: (exchange: Exchange) => void
}

interface Asked {
  readonly apiKey: number
  readonly version: number
  readonly request: Buffer
}

/**
 * Stands between a client and a broker of a one-broker cluster and notes what passes, unchanged. The client gets answers
 * in which the broker's address is the recorder's own, so that it stays here, and only the versions that we define, so
 * that it speaks those.
 */
export class Recorder {
  private readonly server: net.Server
  private readonly sockets = new Set<Socket>()
  private readonly options: RecorderOptions

  private constructor(options: RecorderOptions) {
    this.options = options
    this.server = net.createServer((client) => this.accept(client))
  }

  static async open(options: RecorderOptions): Promise<Recorder> {
    const recorder = new Recorder(options)
    recorder.server.listen(0, '127.0.0.1')
    await once(recorder.server, 'listening')
    return recorder
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }

  private accept(client: Socket): void {
    const [host, port] = this.options.broker.split(':')
    const broker = net.connect(Number(port), host)
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.sockets.delete(socket)
        other.destroy()
      })
    }
    const asked = new Map<number, Asked>()
    const requests = new FrameReader({ maxFrameBytes: FRAME_MAX_BYTES })
    const responses = new FrameReader({ maxFrameBytes: FRAME_MAX_BYTES })
    client.on('data', (chunk) =>
      requests.push(chunk, (request) => {
        const [apiKey, version] = [request.readInt16BE(0), request.readInt16BE(2)]
        asked.set(request.readInt32BE(4), { apiKey, version, request: Buffer.from(request) })
        send(broker, request)
      }),
    )
    broker.on('data', (chunk) =>
      responses.push(chunk, (response) => {
        const question = asked.get(response.readInt32BE(0))
        if (question === undefined) throw new Error('an answer that nobody asked for')
        asked.delete(response.readInt32BE(0))
        this.options.onExchange({ ...question, client: this.options.client, response: Buffer.from(response) })
        send(client, this.redirect(question, response))
      }),
    )
  }

  /** The answer with our address and our versions in it. */
  private redirect({ apiKey, version }: Asked, response: Buffer): Buffer {
    const here = { host: '127.0.0.1', port: this.port }
    const { correlationId, bodyAt } = readResponseHeader(response, apiKey, version)
    const r = new Reader(response, bodyAt)
    const w = new Writer()
    writeResponseHeader(w, apiKey, version, correlationId)
    if (apiKey === metadata.key) {
      const body = metadata.decodeResponse(r, version)
      metadata.encodeResponse(w, version, {
        ...body,
        brokers: body.brokers.map((broker) => ({ ...broker, ...here })),
      })
    } else if (apiKey === findCoordinator.key) {
      const body = findCoordinator.decodeResponse(r, version)
      const coordinators = body.coordinators.map((one) => ({ ...one, ...here }))
      findCoordinator.encodeResponse(w, version, { ...body, ...here, coordinators })
    } else if (apiKey === describeCluster.key) {
      const body = describeCluster.decodeResponse(r, version)
      const brokers = body.brokers.map((broker) => ({ ...broker, ...here }))
      describeCluster.encodeResponse(w, version, { ...body, brokers })
    } else if (apiKey === apiVersions.key && response.readInt16BE(bodyAt) === 0) {
      const body = apiVersions.decodeResponse(r, version)
      apiVersions.encodeResponse(w, version, { ...body, apiKeys: body.apiKeys.flatMap(onlyOurs) })
    } else {
      return response
    }
    return w.finish()
  }
}

function onlyOurs(theirs: { apiKey: number; minVersion: number; maxVersion: number }): (typeof theirs)[] {
  const ours = apis.get(theirs.apiKey)
  if (ours === undefined) return []
  const minVersion = Math.max(ours.minVersion, theirs.minVersion)
  return [{ apiKey: ours.key, minVersion, maxVersion: Math.min(ours.maxVersion, theirs.maxVersion) }]
}

function send(socket: Socket, frame: Buffer): void {
  const size = Buffer.allocUnsafe(4)
  size.writeInt32BE(frame.length)
  socket.write(Buffer.concat([size, frame]))
}
