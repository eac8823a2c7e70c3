import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ClusterConnections,
  type ConnectionError,
  type ConnectionOptions,
  createTopic,
  deleteRecords,
  deleteTopic,
  describeTopicConfigs,
  listGroups,
  logEnds,
  producerStates,
  type Right,
  readCuts,
  sealTopics,
  unsealTopics,
  waitForLeaders,
} from '@braid/kafka-connection'
import { encodeBatch, errorCodes, errorName, fetch, produce } from '@braid/kafka-protocol'
import type { ClusterSecurity, SaslMechanism } from '@braid/routing-model'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { allow, securityOf, topicOperations } from '../clusters/access.ts'
import { issueCertificate } from '../clusters/certificates.ts'
import { type KafkaCluster, type KafkaVersion, startClusters } from '../clusters/cluster.ts'

/** How we get in to real clusters that do not let everybody in, and what we say when they do not. */

const REFUSED_WITHIN_MS = 4_000
/** Long enough that a slow machine renews in time, short enough that a test sees several sessions. */
const SESSION_MS = 8_000

const versions: KafkaVersion[] = ['4.3.1', '3.9.2']
let clusters: KafkaCluster[] = []
beforeAll(async () => {
  const names = versions.map((version) => `v${version.replaceAll('.', '-')}`)
  clusters = await startClusters([
    ...versions.map((version, i) => ({
      name: `${names[i]}`,
      version,
      security: 'sasl-ssl' as const,
      users: ['braid', 'newcomer', 'reader'],
    })),
    {
      name: 'passwords',
      security: 'sasl-plaintext',
      config: { 'connections.max.reauth.ms': `${SESSION_MS}` },
    },
    { name: 'certificates', security: 'ssl' },
    { name: 'plain' },
  ])
})
afterAll(() => Promise.all(clusters.map((cluster) => cluster.stop())))
const called = (name: string): KafkaCluster => clusters.find((cluster) => cluster.name === name)!

function connect(
  cluster: KafkaCluster,
  security: ClusterSecurity | undefined,
  options: Partial<ConnectionOptions> = {},
): ClusterConnections {
  const bootstrap = cluster.bootstrap.split(',')
  const kafka = new ClusterConnections({ name: cluster.name, bootstrap }, { ...options, security })
  onTestFinished(() => kafka.close())
  return kafka
}

/** What connecting came to, within a bound. */
async function refusal(
  cluster: KafkaCluster,
  security: ClusterSecurity | undefined,
): Promise<ConnectionError> {
  const startedMs = performance.now()
  const error = await connect(cluster, security)
    .brokers()
    .then(
      () => expect.fail('it was let in'),
      (error: ConnectionError) => error,
    )
  expect(performance.now() - startedMs).toBeLessThan(REFUSED_WITHIN_MS)
  return error
}

async function append(kafka: ClusterConnections, topic: string, sequence = {}, bytes = 10): Promise<string> {
  await kafka.refreshMetadata([topic])
  const connection = await kafka.shared(kafka.leader(topic, 0))
  const records = encodeBatch({
    records: [{ value: randomBytes(bytes), timestamp: BigInt(Date.now()) }],
    ...sequence,
  })
  const answer = await connection.call(produce, {
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  return errorName(answer.responses[0]!.partitionResponses[0]!.errorCode)
}

describe.each(versions)('a broker of %s with SASL and TLS', (version) => {
  const cluster = () => clusters.find((each) => each.version === version && each.security !== undefined)!
  const access = () => cluster().description.access!
  const admin = () => cluster().security!

  test.each<SaslMechanism>(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'lets us in by %s',
    async (mechanism) => {
      const kafka = connect(cluster(), securityOf(access(), 'admin', mechanism))
      expect((await kafka.brokers()).map(({ id }) => id)).toEqual([1])
      // The second connection skips the question for versions.
      const again = await kafka.open(1)
      expect(again.closed).toBe(false)
    },
  )

  test('a user with the rights does all that Braid does', async () => {
    const topic = 'orders'
    const group: Right = { operation: 'Describe', resource: 'Group', name: '*' }
    const rights = topicOperations.map((operation): Right => ({ operation, resource: 'Topic', name: '*' }))
    await allow(cluster(), 'braid', [...rights, group])
    const kafka = connect(cluster(), securityOf(access(), 'braid'))
    await expect
      .poll(() => createTopic(kafka, { topic, partitions: 1 }).then(() => 'made', String))
      .toBe('made')
    await waitForLeaders(kafka, topic, 1, 20_000)
    expect((await describeTopicConfigs(kafka, topic)).get('max.message.bytes')?.source).toBe('default')
    const sequence = { producerId: 7n, producerEpoch: 0, baseSequence: 0 }
    expect(await append(kafka, topic, sequence)).toBe('NONE')
    await sealTopics(kafka, [topic])
    await expect.poll(async () => (await readCuts(kafka, topic, 1)).sealed).toEqual([true])
    expect((await readCuts(kafka, topic, 1)).cuts).toEqual([1n])
    expect(await append(kafka, topic)).toBe('MESSAGE_TOO_LARGE')
    expect((await producerStates(kafka, topic, 0)).get(7n)).toEqual({ epoch: 0, lastSequence: 0 })
    await unsealTopics(kafka, [{ topic, maxMessageBytes: null }])
    await expect.poll(() => append(kafka, topic)).toBe('NONE')
    await deleteRecords(kafka, topic, [{ partition: 0, before: 1n }])
    expect(await logEnds(kafka, topic, 1, 'earliest')).toEqual([1n])
    expect(await listGroups(kafka)).toEqual([])
    expect(await deleteTopic(kafka, topic)).toBe(true)
  })

  test('a right that is missing is named, with what it is missing for', async () => {
    const topic = 'guarded'
    const kafka = connect(cluster(), admin())
    await createTopic(kafka, { topic, partitions: 1 })
    await waitForLeaders(kafka, topic, 1, 20_000)
    const lacking = (operation: Right['operation'], name = topic) => ({
      code: 'NOT_AUTHORIZED',
      kafkaError: errorCodes.TOPIC_AUTHORIZATION_FAILED,
      cluster: cluster().name,
      missing: { operation, resource: 'Topic', name },
      message: expect.stringMatching(`${operation} on Topic ${name}`),
    })
    const newcomer = connect(cluster(), securityOf(access(), 'newcomer'))
    await expect(createTopic(newcomer, { topic: 'mine', partitions: 1 })).rejects.toMatchObject(
      lacking('Create', 'mine'),
    )
    await expect(newcomer.refreshMetadata([topic])).rejects.toMatchObject(lacking('Describe'))

    await allow(cluster(), 'reader', [
      { operation: 'Describe', resource: 'Topic', name: topic },
      { operation: 'DescribeConfigs', resource: 'Topic', name: topic },
    ])
    const reader = connect(cluster(), securityOf(access(), 'reader'))
    await expect.poll(() => reader.refreshMetadata([topic]).then(() => 'seen', String)).toBe('seen')
    await describeTopicConfigs(reader, topic)
    await expect(sealTopics(reader, [topic])).rejects.toMatchObject(lacking('AlterConfigs'))
    await expect(producerStates(reader, topic, 0)).rejects.toMatchObject(lacking('Read'))
    await expect(deleteRecords(reader, topic, [{ partition: 0, before: 0n }])).rejects.toMatchObject(
      lacking('Delete'),
    )
    const { pending } = await readCuts(reader, topic, 1)
    expect(pending[0]!.reason).toMatch(/TOPIC_AUTHORIZATION_FAILED: our user lacks Write/)
    await expect(deleteTopic(reader, topic)).rejects.toMatchObject(lacking('Delete'))
    // Nothing of all this was done.
    expect((await describeTopicConfigs(kafka, topic)).get('max.message.bytes')?.source).toBe('default')
  })

  test.each<SaslMechanism>(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'a wrong password is said of %s, and never shown',
    async (mechanism) => {
      process.env.BRAID_TEST_WRONG = 'not-the-password'
      const sasl = { mechanism, username: 'admin', password: 'env:BRAID_TEST_WRONG' }
      const error = await refusal(cluster(), { ...admin(), sasl })
      expect(error.code).toBe('AUTHENTICATION_FAILED')
      for (const part of [
        cluster().name,
        cluster().bootstrap,
        mechanism,
        'user admin',
        'env:BRAID_TEST_WRONG',
      ])
        expect(error.message).toContain(part)
      const { message, stack, cause } = error
      expect(JSON.stringify([{ ...error }, message, stack, String(cause)])).not.toContain('not-the-password')
    },
  )

  test('a mechanism that is not offered: those that are', async () => {
    const sasl = { ...admin().sasl!, mechanism: 'OAUTHBEARER' as SaslMechanism }
    const error = await refusal(cluster(), { ...admin(), sasl })
    expect([error.code, error.message]).toEqual([
      'AUTHENTICATION_FAILED',
      expect.stringMatching(/OAUTHBEARER.*offers .*SCRAM-SHA-512.*security.sasl.mechanism/),
    ])
  })

  test('another CA, or none', async () => {
    const ca = called('certificates').security!.tls!.ca!
    for (const tls of [{ ca }, undefined]) {
      const error = await refusal(cluster(), { ...admin(), tls })
      expect([error.code, error.message]).toEqual([
        'TLS_FAILED',
        expect.stringMatching(/no CA.*security.tls.ca/),
      ])
    }
  })

  test('another name than that of the certificate', async () => {
    const named = (serverName: string) => ({ ...admin(), tls: { ...admin().tls, serverName } })
    const error = await refusal(cluster(), named('kafka.example'))
    expect([error.code, error.message]).toEqual([
      'TLS_FAILED',
      expect.stringMatching(/not for kafka\.example .*broker\.test.*security\.tls\.serverName/),
    ])
    expect(await connect(cluster(), named('broker.test')).brokers()).toHaveLength(1)
  })

  test('plaintext at a TLS port', async () => {
    for (const security of [undefined, { ...admin(), protocol: 'SASL_PLAINTEXT' } as const]) {
      const error = await refusal(cluster(), security)
      expect([error.code, error.message]).toEqual([
        'TLS_FAILED',
        expect.stringMatching(/speaks TLS at this port: set protocol to SSL or SASL_SSL/),
      ])
    }
  })

  test('nobody, where everybody has to say who they are', async () => {
    const error = await refusal(cluster(), { ...admin(), protocol: 'SSL' })
    expect([error.code, error.message]).toEqual([
      'CONNECT_FAILED',
      expect.stringMatching(/closed by the broker \(a port with SASL does so: then set protocol/),
    ])
  })

  test('large answers arrive whole through TLS, between small ones', async () => {
    const topic = 'large'
    const kafka = connect(cluster(), admin())
    await createTopic(kafka, { topic, partitions: 1 })
    await waitForLeaders(kafka, topic, 1, 20_000)
    for (let i = 0; i < 12; i++) expect(await append(kafka, topic, {}, 900_000)).toBe('NONE')
    const connection = await kafka.open(1)
    const fetchFrom = (fetchOffset: bigint, maxBytes: number) =>
      connection.call(fetch, {
        replicaId: -1,
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }] }],
      })
    const answers = await Promise.all([fetchFrom(0n, 50 << 20), fetchFrom(11n, 1), fetchFrom(0n, 50 << 20)])
    const [first, small, last] = answers.map((answer) => answer.responses[0]!.partitions[0]!.records!)
    expect(first!.length).toBeGreaterThan(12 * 900_000)
    expect(small!.length).toBeLessThan(1_000_000)
    expect(last!.equals(first!)).toBe(true)

    // A session whose client does not read stops us from reading, in the middle of an answer too.
    let answered = false
    const slow = fetchFrom(0n, 50 << 20).finally(() => {
      answered = true
    })
    connection.pause()
    await sleep(300)
    expect(answered).toBe(false)
    connection.resume()
    await sleep(1)
    connection.pause()
    await sleep(100)
    connection.resume()
    const records = (await slow).responses[0]!.partitions[0]!.records!
    expect(records.equals(first!)).toBe(true)
  })
})

describe('a port without TLS', () => {
  test('says so to TLS', async () => {
    const { tls } = called('certificates').security!
    for (const cluster of [called('plain'), called('passwords')]) {
      const error = await refusal(cluster, { protocol: 'SSL', tls })
      expect([error.code, error.message]).toEqual([
        'TLS_FAILED',
        expect.stringMatching(/a port without TLS.*PLAINTEXT or SASL_PLAINTEXT/),
      ])
    }
  })

  test('and without SASL says so to SASL', async () => {
    const error = await refusal(called('plain'), called('passwords').security)
    expect([error.code, error.message]).toEqual([
      'AUTHENTICATION_FAILED',
      expect.stringMatching(/takes no SASL at this port.*user admin.*protocol PLAINTEXT or SSL/),
    ])
  })
})

describe('a cluster that asks for certificates', () => {
  const cluster = () => called('certificates')

  test('knows us by ours', async () => {
    const kafka = connect(cluster(), cluster().security)
    await createTopic(kafka, { topic: 'by-certificate', partitions: 1 })
  })

  test('says so without one', async () => {
    const error = await refusal(cluster(), { protocol: 'SSL', tls: { ca: cluster().security!.tls!.ca } })
    expect([error.code, error.message]).toEqual([
      'TLS_FAILED',
      expect.stringMatching(/does not take our certificate.*security\.tls\.cert/),
    ])
  })
})

describe('secrets', () => {
  const cluster = () => called('passwords')
  const withPassword = (password: string) => ({
    ...cluster().security!,
    sasl: { ...cluster().security!.sasl!, password },
  })

  test('that are missing are named, with where to put them', async () => {
    for (const [ref, why] of [
      ['env:BRAID_TEST_UNSET', /BRAID_TEST_UNSET is not set here: every process that connects needs it/],
      ['file:/nowhere/password', /ENOENT/],
      ['file:/tmp', /no file/],
    ] as const) {
      const error = await refusal(cluster(), withPassword(ref))
      expect([error.code, error.message]).toEqual(['SECRET_MISSING', expect.stringMatching(why)])
      expect(error.message).toContain(`passwords needs ${ref} (its SASL password)`)
    }
  })

  test('that change are used by the next connection', async () => {
    const { folder } = cluster().description.access!
    const file = join(folder, 'rotated')
    await writeFile(file, 'outdated')
    const kafka = connect(cluster(), withPassword(`file:${file}`))
    await expect(kafka.brokers()).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    await writeFile(file, await readFile(join(folder, 'admin.password')))
    expect(await kafka.brokers()).toHaveLength(1)
  })

  test('that are no certificate are not taken for one', async () => {
    const { folder } = called('certificates').description.access!
    const notPem = `file:${join(folder, 'admin.password')}`
    const { tls } = called('certificates').security!
    const noCa = await refusal(called('certificates'), { protocol: 'SSL', tls: { ...tls, ca: notPem } })
    expect([noCa.code, noCa.message]).toEqual(['TLS_FAILED', expect.stringContaining(`${notPem} holds no`)])
    await issueCertificate(folder, 'stranger')
    const otherKey = { ...tls, key: `file:${join(folder, 'stranger.key')}` }
    const error = await refusal(called('certificates'), { protocol: 'SSL', tls: otherKey })
    expect([error.code, error.message]).toEqual([
      'TLS_FAILED',
      expect.stringMatching(/stranger.key.*cannot be used/),
    ])
  })
})

describe('sessions that end', () => {
  test('are renewed under load: no request fails, none is lost, all in order', async () => {
    const cluster = called('passwords')
    const topic = 'renewed'
    const kafka = connect(cluster, cluster.security)
    await createTopic(kafka, { topic, partitions: 1 })
    await waitForLeaders(kafka, topic, 1, 20_000)
    const connection = await kafka.open(1)
    const untilMs = performance.now() + 2.5 * SESSION_MS
    let baseSequence = 0
    const send = async () => {
      const records = encodeBatch({
        records: [{ value: Buffer.from('x'), timestamp: BigInt(Date.now()) }],
        producerId: 99n,
        producerEpoch: 0,
        baseSequence: baseSequence++,
      })
      const answer = await connection.call(produce, {
        acks: -1,
        timeoutMs: 5_000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      })
      return errorName(answer.responses[0]!.partitionResponses[0]!.errorCode)
    }
    // Five under way, as Kafka lets an idempotent producer have: a broker refuses what is out of order.
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        while (performance.now() < untilMs) expect(await send()).toBe('NONE')
      }),
    )
    expect(connection.closed).toBe(false)
    expect(await logEnds(kafka, topic, 1, 'logEnd')).toEqual([BigInt(baseSequence)])
  })

  test('end with the reason when the password is wrong by then', async () => {
    const cluster = called('passwords')
    const { folder } = cluster.description.access!
    const file = join(folder, 'revoked')
    await writeFile(file, await readFile(join(folder, 'admin.password')))
    const sasl = { ...cluster.security!.sasl!, password: `file:${file}` }
    const connection = await connect(cluster, { ...cluster.security!, sasl }).open(1)
    await writeFile(file, 'revoked')
    const ended = await new Promise<ConnectionError>((resolve) => connection.onClose(resolve))
    expect(ended).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      message: expect.stringContaining('user admin'),
    })
  })
})
