// For tests: a server that answers as it is told, on 127.0.0.1.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export class ScriptedServer {
  readonly requests: { method: string; url: URL; headers: IncomingMessage['headers'] }[] = []
  /** The feeds that are open. */
  readonly feeds = new Set<ServerResponse>()
  answer: Answer = (_, response) => response.writeHead(503).end()
  private readonly server: Server
  port = 0

  private constructor() {
    this.server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://here')
      this.requests.push({ method: request.method ?? '', url, headers: request.headers })
      response.on('close', () => this.feeds.delete(response))
      this.answer(request, response)
    })
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer()
    await server.listen()
    onTestFinished(() => server.stop())
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** On the same port as before. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  /** Opens feeds with these events. */
  feed(...events: string[]): void {
    this.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      this.feeds.add(response)
      response.write(events.join(''))
    }
  }

  send(text: string): void {
    for (const feed of this.feeds) feed.write(text)
  }
}

export const event = (name: string, id: string, data: unknown) =>
  `event: ${name}\nid: ${id}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
