import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Link } from './link.ts'

/** A server that echoes, and keeps what each connection sent. */
let server: Server
let link: Link
let received: Buffer[]
let serverErrors: string[]
let sockets: Socket[]
const clients: Socket[] = []

beforeEach(async () => {
  received = []
  serverErrors = []
  sockets = []
  server = createServer((socket) => {
    sockets.push(socket)
    const index = received.push(Buffer.alloc(0)) - 1
    socket.on('data', (bytes) => {
      received[index] = Buffer.concat([received[index] ?? Buffer.alloc(0), bytes])
      socket.write(bytes)
    })
    socket.on('error', ({ message }) => serverErrors.push(message))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  link = await Link.open({ to: `127.0.0.1:${port}` })
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await link.close()
  server.close()
})

class Client {
  readonly socket: Socket
  got = Buffer.alloc(0)
  error: string | undefined

  constructor(socket: Socket) {
    this.socket = socket
    clients.push(socket)
    socket.on('data', (bytes) => {
      this.got = Buffer.concat([this.got, bytes])
    })
    socket.on('error', (error) => {
      this.error = (error as NodeJS.ErrnoException).code
    })
  }

  static async open(): Promise<Client> {
    const socket = connect(Number(link.address.split(':')[1]), '127.0.0.1')
    const client = new Client(socket)
    await once(socket, 'connect')
    return client
  }

  /** Milliseconds until so many bytes have come in all. */
  async has(bytes: number): Promise<number> {
    const startMs = performance.now()
    while (this.got.length < bytes) {
      if (performance.now() - startMs > 5_000)
        throw new Error(`only ${this.got.length} of ${bytes} bytes came`)
      await sleep(1)
    }
    return performance.now() - startMs
  }

  async closed(): Promise<string | undefined> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once('close', resolve))
    return this.error
  }
}

describe('a whole link', () => {
  test('passes bytes and ends both ways', async () => {
    const client = await Client.open()
    const sent = Buffer.alloc(3_000_000, 'abcdefg')
    client.socket.end(sent)
    await client.has(sent.length)
    expect(client.got.equals(sent)).toBe(true)
    expect(await client.closed()).toBeUndefined()
    await expect.poll(() => link.connections).toBe(0)
  })

  test('resets its client when nobody listens behind it', async () => {
    const deaf = await Link.open({ to: '127.0.0.1:1' })
    const client = new Client(connect(Number(deaf.address.split(':')[1]), '127.0.0.1'))
    expect(await client.closed()).toBe('ECONNRESET')
    await deaf.close()
  })
})

describe('cut', () => {
  test('silent: nothing passes and nothing closes; mended, what was held comes', async () => {
    const client = await Client.open()
    client.socket.write('before ')
    await client.has(7)
    link.cut('silent')
    client.socket.write('during ')
    const late = await Client.open()
    late.socket.write('late')
    await sleep(150)
    expect(client.got.toString()).toBe('before ')
    expect(received.map(String)).toEqual(['before '])
    expect([client.socket.closed, late.socket.closed]).toEqual([false, false])
    link.mend()
    await client.has(14)
    await late.has(4)
    expect(received.map(String)).toEqual(['before during ', 'late'])
  })

  test('silent: the end of one side is not heard by the other', async () => {
    const client = await Client.open()
    client.socket.write('x')
    await client.has(1)
    let ended = false
    for (const socket of sockets) socket.once('end', () => (ended = true))
    link.cut('silent')
    client.socket.end()
    await sleep(100)
    expect(ended).toBe(false)
    link.mend()
    expect(await client.closed()).toBeUndefined()
  })

  test('reset: connections end at once, new ones too, until mended', async () => {
    const client = await Client.open()
    client.socket.write('x')
    await client.has(1)
    link.cut('reset')
    expect(await client.closed()).toBe('ECONNRESET')
    await expect.poll(() => serverErrors).toEqual(['read ECONNRESET'])
    const refused = new Client(connect(Number(link.address.split(':')[1]), '127.0.0.1'))
    expect(await refused.closed()).toBe('ECONNRESET')
    link.mend()
    const client2 = await Client.open()
    client2.socket.write('again')
    await client2.has(5)
  })
})

describe('one way', () => {
  test('to the server only: requests arrive, answers do not', async () => {
    const client = await Client.open()
    client.socket.write('a')
    await client.has(1)
    link.oneWay('toServer')
    client.socket.write('b')
    await expect.poll(() => received.map(String)).toEqual(['ab'])
    await sleep(100)
    expect(client.got.toString()).toBe('a')
    link.mend()
    await client.has(2)
  })

  test('to the client only: what was under way arrives, requests do not', async () => {
    const client = await Client.open()
    client.socket.write('a')
    await client.has(1)
    link.oneWay('toClient')
    client.socket.write('b')
    const [socket] = sockets
    socket?.write('pushed')
    await client.has(7)
    expect(received.map(String)).toEqual(['a'])
  })
})

describe('delay, jitter and bandwidth', () => {
  test('a delay is felt in each direction, and order is kept under jitter', async () => {
    const client = await Client.open()
    client.socket.write('x')
    expect(await client.has(1)).toBeLessThan(1_500)
    link.delay(1_600, 100)
    let sent = 'x'
    for (let i = 0; i < 30; i++) {
      client.socket.write(String.fromCharCode(97 + (i % 26)))
      sent += String.fromCharCode(97 + (i % 26))
      await sleep(1)
    }
    expect(await client.has(2)).toBeGreaterThan(1_600)
    await client.has(31)
    expect(client.got.toString()).toBe(sent)
    link.delay(0)
    await client.has(31)
    client.socket.write('y')
    expect(await client.has(32)).toBeLessThan(1_500)
  })

  test('a bandwidth is shared by all connections', async () => {
    const [one, two] = [await Client.open(), await Client.open()]
    link.bandwidth(200_000)
    const startMs = performance.now()
    for (const client of [one, two]) client.socket.write(Buffer.alloc(40_000))
    await Promise.all([one.has(40_000), two.has(40_000)])
    const tookMs = performance.now() - startMs
    expect(tookMs).toBeGreaterThan(380)
    expect(tookMs).toBeLessThan(10_000)
    expect(() => link.bandwidth(0)).toThrow(/use cut\(\)/)
  })
})

describe('reset in mid-frame', () => {
  const frame = (length: number, fill: string) => {
    const bytes = Buffer.alloc(4 + length, fill)
    bytes.writeInt32BE(length, 0)
    return bytes
  }

  test('forwards whole frames, then so many bytes of the next, then resets both ends', async () => {
    const client = await Client.open()
    const first = frame(100, 'a')
    client.socket.write(first.subarray(0, 50))
    await client.has(50)
    const done = link.resetMidFrame({ afterBytes: 10 })
    client.socket.write(Buffer.concat([first.subarray(50), frame(100, 'b'), frame(100, 'c')]))
    await done
    expect(await client.closed()).toBe('ECONNRESET')
    await expect.poll(() => serverErrors).not.toEqual([])
    expect(received).toHaveLength(1)
    expect(received[0]?.equals(Buffer.concat([first, frame(100, 'b').subarray(0, 10)]))).toBe(true)
  })

  test('never forwards the whole frame, and counts over pieces', async () => {
    const client = await Client.open()
    const whole = frame(1_000, 'a')
    const done = link.resetMidFrame({ afterBytes: 1_000_000 })
    for (let at = 0; at < whole.length; at += 300) {
      client.socket.write(whole.subarray(at, at + 300))
      await sleep(5)
    }
    await done
    await expect.poll(() => received[0]?.length).toBe(1_003)
  })

  test('cuts nothing any more when it is told to let frames pass', async () => {
    const client = await Client.open()
    void link.resetMidFrame()
    link.letFramesPass()
    client.socket.write(frame(50, 'p'))
    await client.has(54)
    const done = link.resetMidFrame()
    client.socket.write(frame(50, 'q'))
    await done
    expect(await client.closed()).toBe('ECONNRESET')
  })

  test('can wait for an answer instead', async () => {
    const client = await Client.open()
    const done = link.resetMidFrame({ direction: 'toClient', afterBytes: 6 })
    client.socket.write(frame(50, 'q'))
    await done
    await client.closed()
    expect(client.got.length).toBe(6)
    expect(received[0]?.length).toBe(54)
    const next = await Client.open()
    next.socket.write(frame(50, 'r'))
    await next.has(54)
  })
})
