import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { produce, saslAuthenticate, saslHandshake } from '@braid/kafka-protocol'
import type { SaslMechanism } from '@braid/routing-model'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { afterVersions, type Received, ScriptedBroker } from '../../test/scripted-broker.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ConnectionError } from '../errors.ts'
import { openConnection } from '../open-connection.ts'
import { type ConnectionOptions, defaultOptions } from '../options.ts'

let broker: ScriptedBroker
let opened: BrokerConnection[]
/** what the broker knows */
let password: string
let lifetimeMs: bigint
/** of all that is no authentication; echoes by default */
let answer: (request: Received) => void
/** called before a token is answered */
let beforeToken: (request: Received) => void
beforeEach(async () => {
  vi.stubEnv('BRAID_PASSWORD', 'pencil')
  password = 'pencil'
  lifetimeMs = 0n
  answer = (request) => request.answer(request.body)
  beforeToken = () => {}
  opened = []
  broker = await ScriptedBroker.start(afterVersions((request) => serve(request)))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const connection of opened) connection.destroy('the test is over')
  await broker.stop()
})

/** A broker's side of SASL: what was said so far, by socket. */
const dialogues = new WeakMap<object, { mechanism: string; clientFirst?: string; serverFirst?: string }>()

function serve(request: Received): void {
  if (request.apiKey === saslHandshake.key) {
    const { mechanism } = request.read(saslHandshake)
    dialogues.set(request.socket, { mechanism })
    request.answerWith(saslHandshake, { errorCode: 0, mechanisms: ['PLAIN', 'SCRAM-SHA-256'] })
  } else if (request.apiKey === saslAuthenticate.key) {
    beforeToken(request)
    const token = request.read(saslAuthenticate).authBytes.toString()
    const reply = request.socket.destroyed ? undefined : judge(request, token)
    request.answerWith(saslAuthenticate, {
      errorCode: reply === undefined ? 58 : 0,
      errorMessage: reply === undefined ? 'no such user' : null,
      authBytes: Buffer.from(reply ?? ''),
      sessionLifetimeMs: lifetimeMs,
    })
  } else answer(request)
}

function judge({ socket }: Received, token: string): string | undefined {
  const dialogue = dialogues.get(socket)!
  if (dialogue.mechanism === 'PLAIN') return token === `\0braid\0${password}` ? '' : undefined
  if (dialogue.clientFirst === undefined) {
    dialogue.clientFirst = token.slice('n,,'.length)
    const nonce = /r=(.*)/.exec(token)![1]
    dialogue.serverFirst = `r=${nonce}more,s=${Buffer.from('salt').toString('base64')},i=4096`
    return dialogue.serverFirst
  }
  const [withoutProof, proof] = token.split(',p=')
  const salted = pbkdf2Sync(password, 'salt', 4096, 32, 'sha256')
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const message = `${dialogue.clientFirst},${dialogue.serverFirst},${withoutProof}`
  const signature = hmac(createHash('sha256').update(hmac(salted, 'Client Key')).digest(), message)
  const expected = hmac(salted, 'Client Key').map((byte, i) => byte ^ signature[i]!)
  if (Buffer.from(expected).toString('base64') !== proof) return undefined
  return `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`
}

async function open(mechanism: SaslMechanism, options: Partial<ConnectionOptions> = {}) {
  const { port, address } = broker
  const { connection } = await openConnection(
    {
      cluster: 'kafka-a',
      brokerId: 1,
      address,
      host: '127.0.0.1',
      port,
      signal: new AbortController().signal,
    },
    {
      ...defaultOptions,
      ...options,
      security: {
        protocol: 'SASL_PLAINTEXT',
        sasl: { mechanism, username: 'braid', password: 'env:BRAID_PASSWORD' },
      },
    },
  )
  opened.push(connection)
  return connection
}

interface Outcome {
  readonly error: ConnectionError | null
  readonly text: string
}
function send(connection: BrokerConnection, word: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const onAnswer = (error: ConnectionError | null, frame: Buffer, at: number) =>
      resolve({ error, text: frame.toString('utf8', at) })
    connection.send(produce.key, 8, [Buffer.from(word)], onAnswer, 1_000_000)
  })
}
const keys = () => broker.received.map(({ apiKey }) => apiKey)
const VERSIONS = 18

describe('a new connection', () => {
  test.each<[SaslMechanism, number]>([
    ['PLAIN', 1],
    ['SCRAM-SHA-256', 2],
  ])('by %s has said who it is before it is handed over', async (mechanism, tokens) => {
    const connection = await open(mechanism)
    expect((await send(connection, 'x')).text).toBe('x')
    expect(keys()).toEqual([
      VERSIONS,
      saslHandshake.key,
      ...Array(tokens).fill(saslAuthenticate.key),
      produce.key,
    ])
  })

  test.each<SaslMechanism>(['PLAIN', 'SCRAM-SHA-256'])(
    'by %s with the wrong password fails',
    async (mechanism) => {
      password = 'pen'
      await expect(open(mechanism)).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        kafkaError: 58,
        message: expect.stringMatching(
          /^kafka-a broker 1 \(127.*\) does not let user braid in by .* \(no such user\): .*env:BRAID_PASSWORD$/,
        ),
      })
      await expect.poll(() => broker.sockets.size).toBe(0)
    },
  )

  test('does not trust a broker that does not know the password', async () => {
    broker.script = afterVersions((request) => {
      if (request.apiKey !== saslAuthenticate.key) return serve(request)
      const token = request.read(saslAuthenticate).authBytes.toString()
      const nonce = /^n,,n=braid,r=(.*)/.exec(token)?.[1]
      const reply = nonce === undefined ? 'v=AAAA' : `r=${nonce}x,s=c2FsdA==,i=4096`
      request.answerWith(saslAuthenticate, {
        errorCode: 0,
        errorMessage: null,
        authBytes: Buffer.from(reply),
      })
    })
    await expect(open('SCRAM-SHA-256')).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringMatching(/without knowing the password/),
    })
  })

  test('that the broker leaves in the middle could not be made', async () => {
    beforeToken = (request) => request.socket.destroy()
    await expect(open('PLAIN')).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
  })

  test('to a broker that says nothing ends in time', async () => {
    broker.script = afterVersions(() => {})
    const startedMs = performance.now()
    await expect(open('PLAIN', { connectTimeoutMs: 100 })).rejects.toMatchObject({ code: 'CONNECT_FAILED' })
    expect(performance.now() - startedMs).toBeLessThan(4_000)
  })
})

describe('a session that ends', () => {
  const LIFETIME_MS = 60_000
  let clock: ManualClock
  let connection: BrokerConnection
  beforeEach(async () => {
    lifetimeMs = BigInt(LIFETIME_MS)
    clock = new ManualClock()
    connection = await open('SCRAM-SHA-256', { clock, maxInflight: 10 })
    broker.received.length = 0
  })

  test('is renewed before, again and again', async () => {
    for (let session = 1; session <= 3; session++) {
      clock.pass(0.84 * LIFETIME_MS)
      expect(keys().length).toBe(3 * (session - 1))
      clock.pass(0.12 * LIFETIME_MS)
      await expect.poll(keys).toHaveLength(3 * session)
      await expect.poll(() => connection.writable).toBe(true)
    }
    expect(connection.closed).toBe(false)
  })

  test('holds what comes meanwhile, and sends it in its order behind', async () => {
    let answerToken = () => {}
    const before = send(connection, 'before')
    const serveToken = serve
    broker.script = afterVersions((request) => {
      if (request.apiKey !== saslHandshake.key) return serveToken(request)
      answerToken = () => serveToken(request)
    })
    clock.pass(LIFETIME_MS)
    const drained = new Promise<void>((resolve) => {
      connection.onDrain = resolve
    })
    const held = ['one', 'two', 'three'].map((word) => send(connection, word))
    expect(connection.writable).toBe(false)
    expect((await before).text).toBe('before')
    await expect.poll(keys).toEqual([produce.key, saslHandshake.key])
    answerToken()
    expect(await Promise.all(held)).toEqual(['one', 'two', 'three'].map((text) => ({ error: null, text })))
    expect(keys().slice(2)).toEqual([
      saslAuthenticate.key,
      saslAuthenticate.key,
      ...Array(3).fill(produce.key),
    ])
    await drained
    expect(connection.writable).toBe(true)
  })

  test('holds no more than its bounds', async () => {
    broker.script = () => {}
    clock.pass(LIFETIME_MS)
    const outcomes = Array.from({ length: 12 }, (_, i) => send(connection, `${i}`))
    expect((await outcomes[11]!).error).toMatchObject({ code: 'OVERLOADED' })
    connection.destroy('enough')
    const errors = (await Promise.all(outcomes)).map(({ error }) => error?.code)
    expect(errors).toEqual([...Array(10).fill('CLOSED'), ...Array(2).fill('OVERLOADED')])
  })

  test('ends the connection when it is not renewed, and fails what was held', async () => {
    password = 'changed'
    clock.pass(LIFETIME_MS)
    const held = send(connection, 'x')
    const closed = new Promise<ConnectionError>((resolve) => connection.onClose(resolve))
    expect(await closed).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect((await held).error).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect(clock.timers).toBe(0)
  })

  test('is renewed with the password of that time', async () => {
    password = 'changed'
    vi.stubEnv('BRAID_PASSWORD', 'changed')
    clock.pass(LIFETIME_MS)
    await expect.poll(keys).toHaveLength(3)
    expect((await send(connection, 'x')).text).toBe('x')
  })

  test('closed in the middle, it fails what was held, and closes', async () => {
    clock.pass(LIFETIME_MS)
    const held = send(connection, 'x')
    await connection.close()
    expect((await held).error).toMatchObject({ code: 'CLOSED' })
    expect(connection.closed).toBe(true)
    expect(clock.timers).toBe(0)
  })

  test('leaves no timer behind when the connection ends', () => {
    expect(clock.timers).toBeGreaterThan(0)
    connection.destroy('enough')
    return expect.poll(() => clock.timers).toBe(0)
  })
})
