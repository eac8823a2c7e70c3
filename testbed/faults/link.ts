import { once } from 'node:events'
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import { Flow, type FlowConditions } from './flow.ts'

/** Towards the one that listens (`to`), or back to the one that connected. */
export type Direction = 'toServer' | 'toClient'

/**
 * A TCP link on 127.0.0.1 that can be broken. Whoever connects to `address` talks to `to`.
 *
 *   whole ── cut('silent') ──> silent: nothing passes, connections stay open, new ones are accepted and get no answer
 *         ── cut('reset') ───> reset: connections are reset, new ones too, at once
 *         ── oneWay(d) ──────> as silent, but d passes
 *   any   ── mend() ─────────> whole; what a silent link held back is delivered now, as TCP would retransmit it
 *
 * Delay, jitter and bandwidth are conditions of a whole link and stay until changed.
 */
export class Link {
  readonly address: string
  readonly #server: Server
  readonly #to: { host: string; port: number }
  readonly #connections = new Set<Connection>()
  readonly #conditions: Record<Direction, FlowConditions> = {
    toServer: {
      open: true,
      delayMs: 0,
      jitterMs: 0,
      bytesPerSecond: Number.POSITIVE_INFINITY,
      busyUntilMs: 0,
    },
    toClient: {
      open: true,
      delayMs: 0,
      jitterMs: 0,
      bytesPerSecond: Number.POSITIVE_INFINITY,
      busyUntilMs: 0,
    },
  }
  #refusing = false
  #armed: { direction: Direction; afterBytes: number; done: () => void } | undefined

  /** `listen` is host:port; by default a free port of 127.0.0.1. */
  static async open({ to, listen = '127.0.0.1:0' }: { to: string; listen?: string }): Promise<Link> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.listen(hostAndPort(listen))
    await once(server, 'listening')
    return new Link(server, hostAndPort(to))
  }

  private constructor(server: Server, to: { host: string; port: number }) {
    const bound = server.address()
    if (bound === null || typeof bound === 'string')
      throw new Error('link: the server is not bound to a port')
    this.address = `${bound.address}:${bound.port}`
    this.#server = server
    this.#to = to
    server.on('connection', (client) => this.#accept(client))
  }

  get connections(): number {
    return this.#connections.size
  }

  cut(how: 'silent' | 'reset' = 'silent'): void {
    this.#refusing = how === 'reset'
    this.#setOpen({ toServer: false, toClient: false })
    if (how === 'reset') for (const connection of this.#connections) connection.reset()
  }

  /** Only this direction passes. */
  oneWay(direction: Direction): void {
    this.#refusing = false
    this.#setOpen({ toServer: direction === 'toServer', toClient: direction === 'toClient' })
  }

  mend(): void {
    this.#refusing = false
    this.#setOpen({ toServer: true, toClient: true })
  }

  /** Every byte comes later by delayMs and up to jitterMs more, in each direction; order is kept. */
  delay(delayMs: number, jitterMs = 0): void {
    for (const conditions of Object.values(this.#conditions)) Object.assign(conditions, { delayMs, jitterMs })
  }

  /** Of each direction, shared by all connections. Infinity lifts the limit. */
  bandwidth(bytesPerSecond: number): void {
    if (!(bytesPerSecond > 0))
      throw new RangeError(`link: bandwidth ${bytesPerSecond} bytes/s: use cut() for none`)
    for (const conditions of Object.values(this.#conditions)) conditions.bytesPerSecond = bytesPerSecond
  }

  /**
   * Forwards only the first bytes of the next frame that starts in this direction, on any connection, then resets
   * that connection at both ends. Resolves when it is done. A frame is four bytes of length, then as many bytes;
   * its last byte is never forwarded.
   */
  resetMidFrame({
    direction = 'toServer',
    afterBytes = 9,
  }: {
    direction?: Direction
    afterBytes?: number
  } = {}) {
    if (this.#armed !== undefined) throw new Error('link: resetMidFrame is waiting for its frame already')
    return new Promise<void>((resolve) => {
      this.#armed = { direction, afterBytes, done: resolve }
    })
  }

  /** The frame that resetMidFrame still waits for is not cut; its promise stays open. */
  letFramesPass(): void {
    this.#armed = undefined
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.reset()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #setOpen(open: Record<Direction, boolean>): void {
    this.#conditions.toServer.open = open.toServer
    this.#conditions.toClient.open = open.toClient
    for (const connection of this.#connections) connection.conditionsChanged()
  }

  #accept(client: Socket): void {
    client.on('error', () => {})
    if (this.#refusing) {
      client.resetAndDestroy()
      return
    }
    const connection = new Connection(client, this.#to, this.#conditions, {
      cutFrame: (direction) => {
        if (this.#armed?.direction !== direction) return undefined
        const { afterBytes, done } = this.#armed
        this.#armed = undefined
        return { afterBytes, done }
      },
      ended: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
    connection.conditionsChanged()
  }
}

interface ConnectionOwner {
  cutFrame(direction: Direction): { afterBytes: number; done: () => void } | undefined
  ended(): void
}

/** One client's connection and, once the link lets its request to connect pass, ours to the server. */
class Connection {
  readonly #client: Socket
  readonly #to: { host: string; port: number }
  readonly #conditions: Record<Direction, FlowConditions>
  readonly #owner: ConnectionOwner
  #server: Socket | undefined
  #flows: Flow[] = []

  constructor(
    client: Socket,
    to: { host: string; port: number },
    conditions: Record<Direction, FlowConditions>,
    owner: ConnectionOwner,
  ) {
    this.#client = client
    this.#to = to
    this.#conditions = conditions
    this.#owner = owner
    client.once('close', () => this.#closed())
  }

  conditionsChanged(): void {
    if (this.#server === undefined && this.#conditions.toServer.open && this.#conditions.toClient.open)
      this.#connect()
    for (const flow of this.#flows) flow.conditionsChanged()
  }

  reset(): void {
    for (const flow of this.#flows) flow.stop()
    this.#client.resetAndDestroy()
    this.#server?.resetAndDestroy()
  }

  #connect(): void {
    const server = tcpConnect({ ...this.#to, allowHalfOpen: true, noDelay: true })
    this.#server = server
    server.once('close', () => this.#closed())
    const flow = (source: Socket, target: Socket, direction: Direction) =>
      new Flow(source, target, this.#conditions[direction], {
        cutFrame: () => this.#owner.cutFrame(direction),
        reset: () => this.reset(),
      })
    this.#flows = [flow(this.#client, server, 'toServer'), flow(server, this.#client, 'toClient')]
  }

  #closed(): void {
    if (this.#client.closed && (this.#server?.closed ?? true)) this.#owner.ended()
  }
}

function hostAndPort(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  const port = Number(address.slice(at + 1))
  if (at < 1 || !Number.isInteger(port)) throw new Error(`link: "${address}" is not host:port`)
  return { host: address.slice(0, at), port }
}
