import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { readInto, readOrdinarily } from './read-into.ts'

/** 300 KB that differ everywhere, so that a byte out of place is seen. */
const sent = Buffer.from(Uint32Array.from({ length: 75_000 }, (_, i) => (i * 2_654_435_761) >>> 0).buffer)

describe.each([
  ['into memory of ours', readInto],
  ['the ordinary way', readOrdinarily],
])('a client that is read %s', (_, read) => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  async function accepted() {
    const scratch = Buffer.alloc(10_000)
    const got: Buffer[] = []
    const arrived = Promise.withResolvers<Socket>()
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      const reading = read(socket, {
        nextBuffer: () => scratch,
        onBytes: (bytes) => got.push(Buffer.from(scratch.subarray(0, bytes))),
      })
      reading.resume()
      arrived.resolve(reading)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    closing.push(
      () => client.destroy(),
      () => server.close(),
    )
    return { server, client, got, socket: await arrived.promise }
  }

  it('is read whole and in order, through a buffer that is used again', async () => {
    const { client, got, socket } = await accepted()
    client.end(sent)
    await once(socket, 'end')
    expect(Buffer.concat(got).equals(sent)).toBe(true)
  })

  it('can be written to, and is counted by the server until it has gone', async () => {
    const { server, client, socket } = await accepted()
    expect(await connections(server)).toBe(1)
    socket.write('answer')
    const [answer] = (await once(client, 'data')) as [Buffer]
    expect(answer.toString()).toBe('answer')
    socket.destroy()
    await once(client, 'close')
    await expect.poll(() => connections(server)).toBe(0)
  })

  it('is not read while it is paused', async () => {
    const { client, got, socket } = await accepted()
    socket.pause()
    client.write('later')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(got.length).toBe(0)
    socket.resume()
    await expect.poll(() => Buffer.concat(got).toString()).toBe('later')
  })
})

const connections = (server: ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
