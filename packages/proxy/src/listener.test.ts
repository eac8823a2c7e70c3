import { connect, createServer, type Socket } from 'node:net'
import { RouteTable } from '@braid/routing-model'
import { Engine } from '@braid/virtual-cluster'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Listener, listen } from './listener.ts'

const HERE = { host: '127.0.0.1', port: 0 }

let engine: Engine
let lines: { event: string; fields: Readonly<Record<string, unknown>> }[]
let listeners: Listener[]
let sockets: Socket[]

beforeEach(() => {
  lines = []
  listeners = []
  sockets = []
  engine = new Engine({
    tenant: 'default',
    routes: RouteTable.empty(),
    connect: () => {
      throw new Error('there are no clusters')
    },
    listeners: { towards: () => undefined, all: () => [] },
    admin: {
      createTopic: () => Promise.reject(new Error('not here')),
      deleteTopic: () => Promise.reject(new Error('not here')),
    },
    randomBytes: (size) => Buffer.alloc(size),
    log: (_, event, fields) => lines.push({ event, fields }),
  })
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const listener of listeners) await listener.close()
  await engine.close()
})

async function opened(connectionsMax = 10): Promise<Listener> {
  const listener = await listen(engine, 'cluster a', HERE, connectionsMax)
  listeners.push(listener)
  return listener
}

/** A client's socket, and the frames that came back, without their sizes. */
function dial({ port }: Listener) {
  const socket = connect(port, HERE.host)
  sockets.push(socket)
  const frames: Buffer[] = []
  socket.on('error', () => {})
  let left = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    const bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk])
    let at = 0
    while (bytes.length - at >= 4 && bytes.length - at >= 4 + bytes.readInt32BE(at)) {
      const end = at + 4 + bytes.readInt32BE(at)
      frames.push(bytes.subarray(at + 4, end))
      at = end
    }
    left = bytes.subarray(at)
  })
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  return { socket, frames, closed }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to that within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** ApiVersions, version 0. */
function apiVersions(correlationId: number): Buffer {
  const frame = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
  frame.writeInt32BE(correlationId, 8)
  return frame
}

/** Produce, version 3, of so many bytes to a topic that is not there. */
function produce(correlationId: number, recordBytes: number): Buffer {
  const head = Buffer.alloc(14 + 2 + 2 + 4 + 4 + 3 + 4 + 4 + 4)
  let at = head.writeInt32BE(head.length - 4 + recordBytes, 0)
  at = head.writeInt16BE(0, at)
  at = head.writeInt16BE(3, at)
  at = head.writeInt32BE(correlationId, at)
  at = head.writeInt16BE(-1, at) // client id
  at = head.writeInt16BE(-1, at) // transactional id
  at = head.writeInt16BE(1, at) // acks
  at = head.writeInt32BE(1_000, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt16BE(1, at)
  at += head.write('t', at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt32BE(0, at)
  head.writeInt32BE(recordBytes, at)
  return Buffer.concat([head, Buffer.alloc(recordBytes, 1)])
}

describe('a listener', () => {
  it('answers requests in order, however they are cut into packets', async () => {
    const { socket, frames } = dial(await opened())
    const bytes = Buffer.concat([
      apiVersions(1),
      produce(2, 300_000),
      apiVersions(3),
      produce(4, 5),
      apiVersions(5),
    ])
    socket.setNoDelay(true)
    for (let at = 0; at < bytes.length; at += 70_001) {
      socket.write(bytes.subarray(at, at + 70_001))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await until(() => frames.length === 5)
    expect(frames.map((frame) => frame.readInt32BE(0))).toEqual([1, 2, 3, 4, 5])
  })

  it('keeps clients apart: one that sends garbage is closed, the other goes on', async () => {
    const listener = await opened()
    const good = dial(listener)
    const bad = dial(listener)
    good.socket.write(apiVersions(1).subarray(0, 6))
    bad.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]))
    await bad.closed
    expect(lines.map(({ event }) => event)).toEqual(['session-closed'])
    expect(lines[0]!.fields.peer).toMatch(/^127\.0\.0\.1:\d+$/)
    good.socket.write(apiVersions(1).subarray(6))
    await until(() => good.frames.length === 1)
    expect(engine.sessions).toBe(1)
  })

  it('ends the session of a client that goes, in the middle of a frame too', async () => {
    const { socket } = dial(await opened())
    socket.write(produce(1, 200_000).subarray(0, 150_000))
    await until(() => engine.sessions === 1)
    socket.resetAndDestroy()
    await until(() => engine.sessions === 0)
    expect(lines).toEqual([])
  })

  it('refuses clients above its bound, with a line that says so', async () => {
    const listener = await opened(1)
    const first = dial(listener)
    first.socket.write(apiVersions(1))
    await until(() => first.frames.length === 1)
    await dial(listener).closed
    expect(lines).toEqual([
      {
        event: 'connection-refused',
        fields: expect.objectContaining({ listener: 'cluster a', why: 'connectionsMax 1 is reached' }),
      },
    ])
    // A client that goes makes room for another.
    first.socket.destroy()
    await until(() => engine.sessions === 0)
    const next = dial(listener)
    next.socket.write(apiVersions(7))
    await until(() => next.frames.length === 1)
  })

  it('stops reading a client that does not read its answers', async () => {
    let dispatched = 0
    const dispatch = engine.dispatch.bind(engine)
    engine.dispatch = (...request) => {
      dispatched++
      dispatch(...request)
    }
    const { socket, frames } = dial(await opened())
    socket.pause()
    const asked = 200_000
    for (let i = 0; i < asked; i += 1_000) {
      socket.write(Buffer.concat(Array.from({ length: 1_000 }, (_, n) => apiVersions(i + n))))
    }
    await until(() => dispatched > 0)
    for (let before = -1; before !== dispatched; ) {
      before = dispatched
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(dispatched).toBeLessThan(asked)
    socket.resume()
    await until(() => frames.length === asked)
    expect(frames.every((frame, i) => frame.readInt32BE(0) === i)).toBe(true)
  }, 20_000)

  it('closes its clients with itself', async () => {
    const listener = await opened()
    const { socket, closed } = dial(listener)
    socket.write(apiVersions(1))
    await until(() => engine.sessions === 1)
    await listener.close()
    await closed
    await until(() => engine.sessions === 0)
  })

  it('says which address is taken, and what to do', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, HERE.host, resolve))
    const { port } = server.address() as { port: number }
    const taken = listen(engine, 'bootstrap', { host: HERE.host, port }, 1)
    await expect(taken).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: `the bootstrap listener cannot use 127.0.0.1:${port}: another process listens there; stop it or choose another --listen`,
    })
    server.close()
  })

  it('says when an address is not of this machine', async () => {
    const elsewhere = listen(engine, 'bootstrap', { host: '203.0.113.1', port: 0 }, 1)
    await expect(elsewhere).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('203.0.113.1:0'),
    })
  })
})
