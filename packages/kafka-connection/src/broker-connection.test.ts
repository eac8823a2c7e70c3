import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiVersions, findCoordinator, listOffsets, metadata, produce } from '@braid/kafka-protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { afterVersions, type Script, ScriptedBroker, sized, spokenVersions } from '../test/scripted-broker.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { ConnectionError } from './errors.ts'
import { openConnection } from './open-connection.ts'
import { type ConnectionOptions, defaultOptions } from './options.ts'

let broker: ScriptedBroker
let opened: BrokerConnection[]
beforeEach(async () => {
  broker = await ScriptedBroker.start()
  opened = []
})
afterEach(async () => {
  for (const connection of opened) connection.destroy('the test is over')
  await broker.stop()
})

async function open(options: Partial<ConnectionOptions> = {}, port = broker.port): Promise<BrokerConnection> {
  const { connection } = await openConnection(
    {
      cluster: 'kafka-a',
      brokerId: 1,
      address: `127.0.0.1:${port}`,
      host: '127.0.0.1',
      port,
      signal: new AbortController().signal,
    },
    { ...defaultOptions, ...options },
  )
  opened.push(connection)
  return connection
}

async function openTo(script: Script, options: Partial<ConnectionOptions> = {}): Promise<BrokerConnection> {
  broker.script = afterVersions(script)
  return open(options)
}

interface Outcome {
  readonly error: ConnectionError | null
  readonly body: Buffer
}
/** Produce v8, not flexible: its answer has no tags. */
function send(connection: BrokerConnection, body: Buffer | Buffer[], timeoutMs = 5_000): Promise<Outcome> {
  return new Promise((resolve) => {
    const parts = Array.isArray(body) ? body : [body]
    connection.send(
      produce.key,
      8,
      parts,
      (error, frame, at) => resolve({ error, body: frame.subarray(at) }),
      timeoutMs,
    )
  })
}
const failure = async (outcome: Promise<Outcome>) =>
  (await outcome).error ?? expect.fail('it should have failed')
const rejection = (promise: Promise<unknown>): Promise<ConnectionError> =>
  promise.then(
    () => expect.fail('it should have been rejected'),
    (error) => error,
  )
const text = (s: string) => Buffer.from(s)

describe('requests', () => {
  test('are answered in order, with their headers as Kafka has them', async () => {
    const connection = await openTo(
      (request) => request.answer(Buffer.concat([text('re: '), request.body])),
      {
        clientId: 'braid-test',
      },
    )
    const outcomes = await Promise.all(['one', 'two', 'three'].map((word) => send(connection, text(word))))
    expect(outcomes.map(({ body }) => body.toString())).toEqual(['re: one', 're: two', 're: three'])
    const requests = broker.of(produce.key)
    expect(requests.map((r) => r.clientId)).toEqual(['braid-test', 'braid-test', 'braid-test'])
    expect(requests.map((r) => r.correlationId)).toEqual([1, 2, 3])
    expect(connection.inflight).toBe(0)
  })

  test('are pipelined: the broker has all before it answers one', async () => {
    const held: (() => void)[] = []
    const connection = await openTo((request) => {
      held.push(() => request.answer(request.body))
      if (held.length === 3) for (const answer of held) answer()
    })
    const order: string[] = []
    await Promise.all(
      ['a', 'b', 'c'].map((w) => send(connection, text(w)).then((o) => order.push(o.body.toString()))),
    )
    expect(order).toEqual(['a', 'b', 'c'])
  })

  test('of one tick go out in one write, also when promises come between', async () => {
    const connection = await openTo((request) => request.answer(request.body))
    broker.chunks.length = 0
    const sends: Promise<Outcome>[] = []
    for (let i = 0; i < 50; i++) sends.push(send(connection, text(`request ${i}`)))
    await Promise.all(sends)
    expect(broker.chunks).toHaveLength(1)
  })

  test('of many parts, small and large, arrive whole', async () => {
    const connection = await openTo((request) => request.answer(request.body))
    const parts = [
      text('head'),
      Buffer.alloc(300_000, 7),
      text('middle'),
      Buffer.alloc(5_000, 8),
      text('tail'),
    ]
    const { body } = await send(connection, parts)
    expect(body.equals(Buffer.concat(parts))).toBe(true)
  })

  test('with tags in the header', async () => {
    const connection = await openTo((request) => request.answer(request.body))
    const answer = await new Promise<string>((resolve) => {
      const onAnswer = (_: unknown, frame: Buffer, at: number) => resolve(frame.toString('latin1', at))
      connection.send(produce.key, 9, [text('flexible')], onAnswer, 1_000)
    })
    expect(answer).toBe('flexible')
  })

  test('a callback is never called within send, also on failure', async () => {
    const connection = await openTo(() => {})
    const order: string[] = []
    connection.destroy('gone')
    const sent = new Promise<void>((resolve) => {
      connection.send(produce.key, 8, [], () => resolve(void order.push('answer')), 1_000)
    })
    order.push('sent')
    await sent
    expect(order).toEqual(['sent', 'answer'])
  })

  test('what an answer sends goes out as well', async () => {
    const connection = await openTo((request) => request.answer(request.body))
    const last = await new Promise<string>((resolve) => {
      const again = (left: number) => {
        connection.send(
          produce.key,
          8,
          [text(`${left}`)],
          (_, frame, at) => (left === 0 ? resolve(frame.toString('latin1', at)) : again(left - 1)),
          1_000,
        )
      }
      again(100)
    })
    expect(last).toBe('0')
  })

  test('an API that is not defined is refused', async () => {
    const connection = await openTo(() => {})
    const error = await new Promise<ConnectionError | null>((resolve) =>
      connection.send(99, 0, [], resolve, 1_000),
    )
    expect(error?.code).toBe('UNSUPPORTED_VERSION')
  })
})

describe('answers', () => {
  test('in single bytes', async () => {
    const connection = await openTo(({ correlationId, socket }) => {
      const answer = Buffer.alloc(7, 'abc')
      answer.writeInt32BE(correlationId)
      for (const byte of sized(answer)) socket.write(Buffer.from([byte]))
    })
    const outcomes = await Promise.all([send(connection, text('x')), send(connection, text('y'))])
    expect(outcomes.map(({ body }) => body.length)).toEqual([3, 3])
  })

  test('of 20 MB, between small ones', async () => {
    const large = Buffer.alloc(20 << 20, 'large')
    const connection = await openTo((r) => r.answer(r.body.toString() === 'large' ? large : r.body))
    const [a, b, c] = await Promise.all(['a', 'large', 'c'].map((word) => send(connection, text(word))))
    expect(a!.body.toString()).toBe('a')
    expect(b!.body.equals(large)).toBe(true)
    expect(c!.body.toString()).toBe('c')
  })

  test('may be kept: nothing writes to them again', async () => {
    const connection = await openTo((request) => request.answer(request.body))
    const kept: Buffer[] = []
    for (let i = 0; i < 200; i++) kept.push((await send(connection, text(`answer ${i}`))).body)
    expect(kept.map((body, i) => body.toString() === `answer ${i}`)).not.toContain(false)
  })

  const hostile: [string, Script, RegExp][] = [
    [
      'with a wrong correlation id',
      ({ correlationId, socket }) => {
        const answer = Buffer.alloc(8)
        answer.writeInt32BE(correlationId + 1)
        socket.write(sized(answer))
      },
      /answered request 2 where 1 was due/,
    ],
    [
      'that claims 2 GiB',
      ({ socket }) => socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      /2147483647 bytes, more than/,
    ],
    ['of negative size', ({ socket }) => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff])), /-1 bytes/],
    [
      'without a correlation id',
      ({ socket }) => socket.write(sized(Buffer.from([0, 0]))),
      /2 bytes, less than/,
    ],
    [
      'of garbage',
      ({ socket }) => socket.write(text('HTTP/1.1 400 Bad Request\r\n\r\n')),
      /1213486160 bytes, more than maxFrameBytes/,
    ],
  ]
  test.each(hostile)('%s end the connection, with everything under way', async (_, script, message) => {
    const connection = await openTo(script)
    const errors = await Promise.all([
      failure(send(connection, text('x'))),
      failure(send(connection, text('y'))),
    ])
    for (const error of errors) {
      expect(error.code).toBe('BAD_ANSWER')
      expect(error.message).toMatch(message)
      expect(error.message).toMatch(/^kafka-a broker 1 \(127\.0\.0\.1:\d+\) /)
    }
    expect(connection.closed).toBe(true)
  })

  test('that nobody asked for end the connection', async () => {
    const connection = await openTo((request) => {
      request.answer(text('due'))
      request.answer(text('not due'))
    })
    const closed = new Promise<ConnectionError>((resolve) => connection.onClose(resolve))
    expect((await send(connection, text('x'))).body.toString()).toBe('due')
    expect((await closed).message).toMatch(/nobody asked for/)
  })

  test('with tags that do not parse end the connection', async () => {
    const connection = await openTo(({ correlationId, socket }) => {
      const answer = Buffer.alloc(6, 0xff)
      answer.writeInt32BE(correlationId)
      socket.write(sized(answer))
    })
    const error = await new Promise<ConnectionError | null>((resolve) =>
      connection.send(produce.key, 9, [], resolve, 1_000),
    )
    expect(error?.message).toMatch(/header does not parse/)
  })

  test('whose body does not parse fail the call, not the connection', async () => {
    const connection = await openTo((request) =>
      request.answer(Buffer.from([0, 0, 0, 0, 127, 255, 255, 255])),
    )
    const error = await rejection(connection.call(findCoordinator, { key: 'g' }, { version: 2 }))
    expect(error.code).toBe('BAD_ANSWER')
    expect(error.message).toMatch(/FindCoordinator v2 answer that does not parse/)
    expect(connection.closed).toBe(false)
  })
})

describe('a connection that ends', () => {
  test('in the middle of an answer fails what is under way, oldest first, then tells', async () => {
    const connection = await openTo(({ socket }) => {
      if (broker.of(produce.key).length === 3) socket.end(Buffer.from([0, 0, 0, 100, 1, 2]))
    })
    const order: string[] = []
    const codes: (string | undefined)[] = []
    await new Promise<void>((resolve) => {
      connection.onClose(() => resolve(void order.push('closed')))
      for (const word of ['a', 'b', 'c']) {
        const onAnswer = (error: ConnectionError | null) => {
          order.push(word)
          codes.push(error?.code)
        }
        connection.send(produce.key, 8, [text(word)], onAnswer, 5_000)
      }
    })
    expect(order).toEqual(['a', 'b', 'c', 'closed'])
    expect(codes).toEqual(['CLOSED', 'CLOSED', 'CLOSED'])
    expect(connection.closed).toBe(true)
    expect(connection.closedHere).toBe(false)
  })

  test('by a reset says so', async () => {
    const connection = await openTo(({ socket }) => socket.resetAndDestroy())
    expect((await failure(send(connection, text('x')))).message).toMatch(/ECONNRESET|closed by the broker/)
  })

  test('while idle tells as well, also whoever asks later', async () => {
    const connection = await openTo(() => {})
    const first = new Promise((resolve) => connection.onClose(resolve))
    for (const socket of broker.sockets) socket.destroy()
    await first
    const later = await new Promise<ConnectionError>((resolve) => connection.onClose(resolve))
    expect(later.code).toBe('CLOSED')
    expect((await failure(send(connection, text('x')))).code).toBe('CLOSED')
  })

  test('when the oldest request is not answered in time', async () => {
    const connection = await openTo(() => {})
    const startedMs = performance.now()
    const [first, second] = await Promise.all([
      failure(send(connection, text('x'), 100)),
      failure(send(connection, text('y'), 60_000)),
    ])
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    expect([first.code, second.code]).toEqual(['TIMED_OUT', 'TIMED_OUT'])
    expect(first.message).toMatch(/did not answer in 100 ms; 2 requests were waiting/)
  })

  test('a slow broker that keeps answering in time is left alone', async () => {
    const connection = await openTo((request) =>
      setTimeout(() => request.answer(request.body), 60 * broker.of(0).length),
    )
    const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((word) => send(connection, text(word), 100)))
    expect(outcomes.map(({ error }) => error)).toEqual([null, null, null, null])
  })
})

describe('closing', () => {
  test('waits for what is under way', async () => {
    const connection = await openTo((request) => setTimeout(() => request.answer(request.body), 50))
    const outcome = send(connection, text('x'))
    await connection.close()
    expect((await outcome).body.toString()).toBe('x')
    expect(connection.closedHere).toBe(true)
  })

  test('takes nothing new', async () => {
    const connection = await openTo((request) => setTimeout(() => request.answer(request.body), 50))
    const before = send(connection, text('x'))
    const closed = connection.close()
    expect((await failure(send(connection, text('y')))).message).toMatch(/being closed/)
    expect((await before).error).toBeNull()
    await closed
  })

  test('is bounded', async () => {
    const connection = await openTo(() => {}, { closeTimeoutMs: 50 })
    const outcome = failure(send(connection, text('x')))
    await Promise.all([connection.close(), connection.close()])
    expect((await outcome).code).toBe('CLOSED')
  })

  test('destroy fails what is under way with its reason', async () => {
    const connection = await openTo(() => {})
    const outcome = failure(send(connection, text('x')))
    connection.destroy('the client is gone')
    expect((await outcome).message).toMatch(/closed here: the client is gone/)
  })

  test('destroy in a callback stops the frames that were read with it', async () => {
    const connection = await openTo((request) => {
      if (broker.of(produce.key).length < 2) return
      const answers = broker.of(produce.key).map(({ correlationId }) => {
        const answer = Buffer.alloc(4)
        answer.writeInt32BE(correlationId)
        return sized(answer)
      })
      request.socket.write(Buffer.concat(answers))
    })
    const second = new Promise<ConnectionError | null>((resolve) => {
      connection.send(produce.key, 8, [], () => connection.destroy('enough'), 1_000)
      connection.send(produce.key, 8, [], resolve, 1_000)
    })
    expect((await second)?.message).toMatch(/enough/)
  })
})

describe('bounds', () => {
  test('requests: beyond them send fails, and onDrain tells when there is room', async () => {
    const held: (() => void)[] = []
    const connection = await openTo((request) => held.push(() => request.answer(request.body)), {
      maxInflight: 4,
    })
    const drained = vi.fn()
    connection.onDrain = drained
    const sends = Array.from({ length: 4 }, () => send(connection, text('x')))
    expect(connection.writable).toBe(false)
    const over = await failure(send(connection, text('one too many')))
    expect(over.code).toBe('OVERLOADED')
    expect(over.message).toMatch(/4 requests \(of 4\).*wait for onDrain/)
    await vi.waitFor(() => expect(held).toHaveLength(4))
    held.shift()!()
    await sends[0]
    expect(drained).not.toHaveBeenCalled()
    held.shift()!()
    await sends[1]
    expect(drained).toHaveBeenCalledTimes(1)
    expect(connection.writable).toBe(true)
    for (const answer of held) answer()
    await Promise.all(sends)
  })

  test('bytes: a broker that does not read makes the connection unwritable, until it does', async () => {
    const connection = await openTo((request) => request.answer(text('ok')), { maxWritableBytes: 1 << 20 })
    const [socket] = broker.sockets
    socket!.pause()
    const sends: Promise<Outcome>[] = []
    for (let i = 0; connection.writable; i++) {
      expect(i).toBeLessThan(1_000)
      sends.push(send(connection, Buffer.alloc(256 << 10)))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(connection.writableBytes).toBeGreaterThanOrEqual(1 << 20)
    expect((await failure(send(connection, text('x')))).code).toBe('OVERLOADED')
    const drained = new Promise<void>((resolve) => {
      connection.onDrain = resolve
    })
    socket!.resume()
    await drained
    expect((await Promise.all(sends)).every(({ error }) => error === null)).toBe(true)
  })

  test('pause stops reading and the clock; resume goes on', async () => {
    const connection = await openTo((request) => request.answer(request.body))
    connection.pause()
    let answered = false
    const outcome = send(connection, text('x'), 50).then((o) => {
      answered = true
      return o
    })
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(answered).toBe(false)
    connection.resume()
    expect((await outcome).body.toString()).toBe('x')
  })
})

describe('agreeing on versions', () => {
  test('asks once, and takes the highest that both speak', async () => {
    broker.script = (request) => {
      const apiKeys = [
        { apiKey: produce.key, minVersion: 3, maxVersion: 7 },
        { apiKey: metadata.key, minVersion: 0, maxVersion: 99 },
        { apiKey: listOffsets.key, minVersion: 50, maxVersion: 60 },
      ]
      request.answerWith(apiVersions, { errorCode: 0, apiKeys })
    }
    const connection = await open()
    expect(connection.versionOf(produce)).toBe(7)
    expect(connection.versionOf(produce, 5)).toBe(5)
    expect(connection.versionOf(metadata)).toBe(metadata.maxVersion)
    expect(() => connection.versionOf(listOffsets)).toThrow(/speaks 50 to 60 of ListOffsets, we speak 1 to/)
    expect(() => connection.versionOf(findCoordinator)).toThrow(/does not offer it/)
    expect(await rejection(connection.call(findCoordinator, { key: 'g' }))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    })
    expect(broker.received).toHaveLength(1)
  })

  test('falls back to version 0 for a broker that does not know ours', async () => {
    broker.script = (request) => {
      if (request.apiVersion === 0)
        request.answerWith(apiVersions, { errorCode: 0, apiKeys: spokenVersions() })
      else request.answer(Buffer.from([0, 35, 0, 0, 0, 0]))
    }
    const connection = await open()
    expect(broker.received.map((r) => r.apiVersion)).toEqual([apiVersions.maxVersion, 0])
    expect(connection.versionOf(produce)).toBe(produce.maxVersion)
  })

  test('is not asked for what an earlier connection learnt', async () => {
    const options = { ...defaultOptions }
    const target = {
      cluster: 'a',
      brokerId: 1,
      address: broker.address,
      host: '127.0.0.1',
      port: broker.port,
    }
    const { signal } = new AbortController()
    const first = await openConnection({ ...target, signal }, options)
    const second = await openConnection({ ...target, signal, versions: first.versions }, options)
    opened.push(first.connection, second.connection)
    expect(second.connection.versionOf(produce)).toBe(produce.maxVersion)
    expect(broker.received).toHaveLength(1)
  })
})

describe('a connection that cannot be had', () => {
  test('nobody listens', async () => {
    await broker.stop()
    const error = await rejection(open())
    expect(error.code).toBe('CONNECT_FAILED')
    expect(error.message).toMatch(/^kafka-a broker 1 \(127.0.0.1:\d+\) cannot be reached: .*ECONNREFUSED/)
  })

  test('somebody listens but says nothing', async () => {
    broker.script = () => {}
    const startedMs = performance.now()
    const error = await rejection(open({ connectTimeoutMs: 100 }))
    expect(error.code).toBe('CONNECT_FAILED')
    expect(error.message).toMatch(/within 100 ms/)
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    await vi.waitFor(() => expect(broker.sockets.size).toBe(0))
  })

  test('it is not Kafka that answers', async () => {
    const web = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => web.once('listening', resolve))
    const error = await rejection(open({}, (web.address() as AddressInfo).port))
    web.close()
    expect(error.code).toBe('CONNECT_FAILED')
    expect(error.message).toMatch(/closed the negotiation/)
  })

  test('the broker hangs up', async () => {
    broker.script = ({ socket }) => socket.destroy()
    expect((await rejection(open())).code).toBe('CONNECT_FAILED')
  })

  test('the broker refuses', async () => {
    broker.script = (request) => request.answerWith(apiVersions, { errorCode: 31, apiKeys: [] })
    expect((await rejection(open())).message).toMatch(
      /refused the negotiation with CLUSTER_AUTHORIZATION_FAILED/,
    )
  })

  test('the answer does not parse', async () => {
    broker.script = (request) => request.answer(Buffer.from([0, 0, 127]))
    expect((await rejection(open())).message).toMatch(/not Kafka/)
  })

  test('it is not wanted any more', async () => {
    broker.script = () => {}
    const abort = new AbortController()
    const opening = openConnection(
      {
        cluster: 'a',
        brokerId: 1,
        address: broker.address,
        host: '127.0.0.1',
        port: broker.port,
        signal: abort.signal,
      },
      defaultOptions,
    )
    setTimeout(() => abort.abort(), 20)
    expect((await rejection(opening)).code).toBe('CLOSED')
    await vi.waitFor(() => expect(broker.sockets.size).toBe(0))
  })
})
