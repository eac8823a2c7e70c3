import { once } from 'node:events'
import net from 'node:net'
import {
  type AnyApi,
  type Api,
  apis,
  apiVersions,
  FrameReader,
  Reader,
  readRequestHeader,
  responseHeaderBytes,
  Writer,
} from '@braid/kafka-protocol'

/** A request as the broker got it. */
export interface Received {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: Buffer
  readonly socket: net.Socket
  /** what stands in the request, by its definition */
  read<Q>(api: Api<never, unknown, Q, never>): Q
  /** a well-formed answer with this body */
  answer(body: Buffer): void
  answerWith<A>(api: Api<never, unknown, unknown, A>, response: A): void
}

export type Script = (request: Received) => void

export function sized(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** What every broker here says it speaks: all that is defined. */
export function spokenVersions(): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return ([...apis.values()] as AnyApi[]).map(({ key, minVersion, maxVersion }) => ({
    apiKey: key,
    minVersion,
    maxVersion,
  }))
}

/** A broker on 127.0.0.1 that does what a test says; by itself it only answers ApiVersions. */
export class ScriptedBroker {
  readonly received: Received[] = []
  readonly sockets = new Set<net.Socket>()
  /** chunks as they came, to see what was one write */
  readonly chunks: Buffer[] = []
  script: Script
  #server: net.Server
  #port = 0

  private constructor(script: Script) {
    this.script = script
    this.#server = this.#makeServer()
  }

  static async start(script: Script = answersVersions): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(script)
    await broker.#listen()
    return broker
  }

  get port(): number {
    return this.#port
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  of(apiKey: number): Received[] {
    return this.received.filter((request) => request.apiKey === apiKey)
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Again, on the same port. */
  async restart(): Promise<void> {
    this.#server = this.#makeServer()
    await this.#listen()
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as net.AddressInfo).port
  }

  #makeServer(): net.Server {
    return net.createServer({ noDelay: true }, (socket) => {
      this.sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.sockets.delete(socket))
      const frames = new FrameReader({ maxFrameBytes: 1 << 28 })
      socket.on('data', (chunk) => {
        this.chunks.push(chunk)
        frames.push(chunk, (frame) => this.#take(socket, frame))
      })
    })
  }

  #take(socket: net.Socket, frame: Buffer): void {
    const { apiKey, apiVersion, correlationId, clientId, bodyAt } = readRequestHeader(frame)
    const answer = (body: Buffer) => {
      socket.write(sized(Buffer.concat([responseHeaderBytes(apiKey, apiVersion, correlationId), body])))
    }
    const request: Received = {
      apiKey,
      apiVersion,
      correlationId,
      clientId,
      body: frame.subarray(bodyAt),
      socket,
      read: (api) => api.decodeRequest(new Reader(frame, bodyAt), apiVersion),
      answer,
      answerWith: (api, response) => {
        const writer = new Writer()
        api.encodeResponse(writer, apiVersion, response)
        answer(writer.finish())
      },
    }
    this.received.push(request)
    this.script(request)
  }
}

export const answersVersions: Script = (request) => {
  if (request.apiKey === apiVersions.key) {
    request.answerWith(apiVersions, { errorCode: 0, apiKeys: spokenVersions() })
  }
}

/** Versions as ever, all else by the script. */
export function afterVersions(script: Script): Script {
  return (request) => (request.apiKey === apiVersions.key ? answersVersions(request) : script(request))
}
