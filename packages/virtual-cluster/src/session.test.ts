import { apiVersions, errorCodes, heartbeat, metadata, produce, Reader } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Limits } from './limits.ts'
import { frameOf, TestClient } from './testing/test-client.ts'
import { elapse, realTime, settled, virtualTime } from './testing/virtual-time.ts'
import { batch, produceTo, type TestEngine, World } from './testing/world.ts'

let world: World
let access: TestEngine
let client: TestClient

function begin(limits: Partial<Limits> = {}): void {
  world = new World()
  access = world.engine(limits)
  world.createTopic('orders')
  world.learnAll()
  client = new TestClient(access.engine)
}

const send = () => produceTo(client, 'orders', 0, batch({}))
const closedWith = () => access.logged('session-closed').map(({ fields }) => fields)

beforeEach(() => {
  virtualTime()
  begin()
})
afterEach(realTime)

describe('answers', () => {
  it('leave in the order of the requests, whatever is ready first', async () => {
    await send()
    world.kafka('a').stop('process', produce.key)
    const slow = send()
    const quick = client.ask(apiVersions, 3, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    await settled()
    expect(client.answered).toEqual([0])
    world.kafka('a').go('process', produce.key)
    await Promise.all([slow, quick])
    expect(client.answered).toEqual([0, 1, 2])
  })

  it('that are ready together leave with one write', async () => {
    await send()
    const writes = client.writes
    await Promise.all([send(), send(), send()])
    expect(client.writes).toBe(writes + 1)
  })

  it('are read from requests that come in pieces, and several at once', async () => {
    const ask = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const bytes = Buffer.concat([0, 1, 2].map((id) => frameOf(apiVersions, 3, id, ask)))
    const seen: number[] = []
    const session = access.engine.openSession({
      peer: 'pieces:1',
      write: (parts) => {
        const out = Buffer.concat(parts as Buffer[])
        for (let at = 0; at < out.length; at += 4 + out.readInt32BE(at)) seen.push(out.readInt32BE(at + 4))
        return true
      },
      pauseReading: () => {},
      resumeReading: () => {},
      destroy: () => {},
    })
    for (const byte of bytes.subarray(0, 40)) session.receive(Buffer.from([byte]))
    session.receive(bytes.subarray(40))
    await settled()
    expect(seen).toEqual([0, 1, 2])
  })
})

describe('a client that sends more than is answered', () => {
  it('is not read above inflightMaxRequests, and read again when answers left', async () => {
    begin({ inflightMaxRequests: 3 })
    await send()
    world.kafka('a').stop('process', produce.key)
    const sent = [send(), send()]
    expect(client.reading).toBe(true)
    sent.push(send())
    expect(client.reading).toBe(false)
    world.kafka('a').go('process', produce.key)
    await Promise.all(sent)
    expect(client.reading).toBe(true)
  })

  it('is not read above inflightMaxBytes', async () => {
    begin({ inflightMaxBytes: 5_000 })
    await send()
    world.kafka('a').stop('process', produce.key)
    const sent = produceTo(client, 'orders', 0, batch({ values: ['x'.repeat(6_000)] }))
    expect(client.reading).toBe(false)
    world.kafka('a').go('process', produce.key)
    await sent
    expect(client.reading).toBe(true)
  })

  it('is not read while it does not take its answers', async () => {
    client.room = false
    await client.ask(apiVersions, 0, {})
    expect(client.reading).toBe(false)
    client.session.drained()
    expect(client.reading).toBe(true)
  })
})

describe('what cannot be understood ends that session alone, with a line that says why', () => {
  let neighbour: TestClient
  beforeEach(() => {
    neighbour = new TestClient(access.engine)
  })
  afterEach(async () => {
    expect(client.destroyed).toBe(true)
    expect(client.session.closed).toBe(true)
    expect((await produceTo(neighbour, 'orders', 0, batch({}))).error).toBe(0)
    expect(access.engine.sessions).toBe(1)
  })

  it('a frame of garbage', () => {
    const garbage = Buffer.alloc(40, 0xee)
    garbage.writeInt32BE(36, 0)
    client.session.receive(garbage)
    expect(closedWith()).toEqual([
      expect.objectContaining({ peer: 'test:1', why: expect.stringContaining('API') }),
    ])
  })

  it('a frame of 2 GiB, and one of negative size', () => {
    client.session.receive(Buffer.from([0x7f, 0xff, 0xff, 0xff]))
    expect(closedWith()).toEqual([
      expect.objectContaining({ code: 'FRAME_TOO_LARGE', at: expect.any(Number) }),
    ])
    new TestClient(access.engine).session.receive(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    expect(closedWith().length).toBe(2)
  })

  it('a request whose fields end too early', () => {
    const whole = frameOf(metadata, 5, 1, { topics: [{ name: 'orders' }], allowAutoTopicCreation: false })
    const short = whole.subarray(0, whole.length - 4)
    short.writeInt32BE(short.length - 4, 0)
    client.session.receive(Buffer.from(short))
    expect(closedWith()).toEqual([expect.objectContaining({ code: 'TRUNCATED' })])
  })

  it('an API that is not offered', () => {
    // SaslHandshake, version 1
    const frame = Buffer.from([0, 0, 0, 10, 0, 17, 0, 1, 0, 0, 0, 5, 0xff, 0xff])
    client.session.receive(frame)
    expect(closedWith()[0]!.why).toMatch(/API 17/)
  })

  it('a version that is not offered', () => {
    client.session.receive(frameOf(heartbeat, 0, 1, { groupId: 'g', generationId: 1, memberId: 'm' }))
    expect(closedWith()[0]!.why).toContain('Heartbeat version 0 is not offered: 1 to 4 are')
  })
})

describe('ApiVersions', () => {
  it('of the future is answered in version 0, with UNSUPPORTED_VERSION and the list', async () => {
    const out: Buffer[] = []
    const session = access.engine.openSession({
      peer: 'future:1',
      write: (parts) => out.push(...parts) > 0,
      pauseReading: () => {},
      resumeReading: () => {},
      destroy: () => {},
    })
    session.receive(Buffer.from([0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 42, 0xff, 0xff, 0]))
    await settled()
    const frame = Buffer.concat(out)
    expect(frame.readInt32BE(4)).toBe(42)
    const answer = apiVersions.decodeResponse(new Reader(frame, 8), 0)
    expect(answer.errorCode).toBe(errorCodes.UNSUPPORTED_VERSION)
    expect(answer.apiKeys.find(({ apiKey }) => apiKey === apiVersions.key)).toMatchObject({ maxVersion: 4 })
  })

  it('lists what is answered and nothing else', async () => {
    const { apiKeys } = await client.ask(apiVersions, 3, {
      clientSoftwareName: 't',
      clientSoftwareVersion: '1',
    })
    const offered = new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
    expect([...offered.keys()].sort((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 22, 32, 42, 60,
    ])
    // The last versions before topic ids.
    expect([offered.get(0), offered.get(1), offered.get(8)]).toEqual([12, 12, 9])
  })
})

describe('a session that ends', () => {
  it('closes the connections that were its own, and no timer of it goes on', async () => {
    await send()
    expect(world.kafka('a').connections.size).toBe(1)
    client.close()
    await elapse(10)
    expect(world.kafka('a').connections.size).toBe(0)
    expect(access.engine.topic('orders')!.writers.size).toBe(0)
    expect(access.engine.sessions).toBe(0)
  })

  it('with the engine, all of them', async () => {
    const sent = send().catch((error: unknown) => error)
    await access.engine.close()
    expect(client.destroyed).toBe(true)
    expect(await sent).toBeInstanceOf(Error)
    expect(access.engine.sessions).toBe(0)
  })
})
