import { once } from 'node:events'
import {
  alterTopicConfigs,
  ClusterConnections,
  type ConnectionError,
  commitGroupOffsets,
  createTopic,
  deleteRecords,
  deleteTopic,
  describeTopicConfigs,
  fetchGroupOffsets,
  listGroups,
  logEnds,
  producerStates,
  readCuts,
  sealTopics,
  unsealTopics,
  waitForLeaders,
} from '@braid/kafka-connection'
import { encodeBatch, errorCodes, errorName, fetch, produce } from '@braid/kafka-protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KafkaCluster, type KafkaVersion, startClusters } from '../clusters/cluster.ts'

/** What kafka-connection relies on in brokers, shown on real ones. */

const PARTITIONS = 12
const UNTIL_SEALED_MS = 5_000

function connectionsTo(cluster: KafkaCluster): ClusterConnections {
  return new ClusterConnections({ name: cluster.name, bootstrap: cluster.bootstrap.split(',') })
}

let made = 0
async function freshTopic(kafka: ClusterConnections, partitions = PARTITIONS): Promise<string> {
  const topic = `topic-${++made}`
  await createTopic(kafka, { topic, partitions })
  await waitForLeaders(kafka, topic, partitions, 20_000)
  return topic
}

interface Sequence {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}
/** Produces one batch; answers the error's name and the offset. */
async function append(
  kafka: ClusterConnections,
  topic: string,
  partition: number,
  values: readonly string[],
  sequence: Partial<Sequence> = {},
): Promise<[string, bigint]> {
  if (kafka.leader(topic, partition) < 0) await kafka.refreshMetadata([topic])
  const connection = await kafka.shared(kafka.leader(topic, partition))
  // Without a time they would be of 1970, and retention would take them.
  const timestamp = BigInt(Date.now())
  const records = encodeBatch({
    records: values.map((value) => ({ value: Buffer.from(value), timestamp })),
    ...sequence,
  })
  const answer = await connection.call(produce, {
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  })
  const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!
  return [errorName(errorCode), baseOffset]
}

/** Reads cuts until all are sealed; answers them, and how long it took. */
async function cutsWhenSealed(kafka: ClusterConnections, topic: string, partitions = PARTITIONS) {
  const startedMs = performance.now()
  for (;;) {
    const { sealed, cuts, pending } = await readCuts(kafka, topic, partitions)
    const tookMs = performance.now() - startedMs
    if (sealed.every(Boolean)) return { cuts, tookMs }
    if (tookMs > UNTIL_SEALED_MS) throw new Error(`not sealed: ${JSON.stringify(pending)}`)
  }
}

const versions: KafkaVersion[] = ['4.3.1', '3.9.2']
let clusters: KafkaCluster[] = []
beforeAll(async () => {
  clusters = await startClusters(
    versions.map((version) => ({ name: `v${version.replaceAll('.', '-')}`, version })),
  )
})
afterAll(() => Promise.all(clusters.map((cluster) => cluster.stop())))

describe.each(versions)('a broker of %s', (version) => {
  let cluster: KafkaCluster
  let kafka: ClusterConnections
  beforeAll(() => {
    cluster = clusters.find((each) => each.version === version)!
    kafka = connectionsTo(cluster)
  })
  afterAll(() => kafka.close())

  describe('the seal', () => {
    let topic: string
    beforeEach(async () => {
      topic = await freshTopic(kafka)
    })

    test('a probe writes nothing, and says that the topic is open', async () => {
      await append(kafka, topic, 0, ['before'])
      for (let i = 0; i < 3; i++) {
        const { sealed, cuts, pending } = await readCuts(kafka, topic, PARTITIONS)
        expect(sealed).toEqual(Array(PARTITIONS).fill(false))
        expect(cuts).toEqual([1n, ...Array(PARTITIONS - 1).fill(0n)])
        expect(pending[3]).toEqual({ partition: 3, reason: 'not sealed yet' })
      }
      expect(await logEnds(kafka, topic, PARTITIONS, 'logEnd')).toEqual([
        1n,
        ...Array(PARTITIONS - 1).fill(0n),
      ])
    })

    test('refuses every append once the probe says so, and the cut is the end', async () => {
      await append(kafka, topic, 0, ['a', 'b', 'c'])
      await append(kafka, topic, 11, ['d'])
      await sealTopics(kafka, [topic])
      const { cuts } = await cutsWhenSealed(kafka, topic)
      expect(cuts).toEqual([3n, ...Array(PARTITIONS - 2).fill(0n), 1n])
      for (const partition of [0, 5, 11]) {
        expect((await append(kafka, topic, partition, ['late']))[0]).toBe('MESSAGE_TOO_LARGE')
      }
      expect(await logEnds(kafka, topic, PARTITIONS, 'logEnd')).toEqual(cuts)
      expect(await logEnds(kafka, topic, PARTITIONS, 'highWatermark')).toEqual(cuts)
    })

    test('refuses what was already under way, or has it in the cut', async () => {
      let stop = false
      const acknowledged: bigint[] = []
      const writers = Array.from({ length: 4 }, async () => {
        while (!stop) {
          const [error, offset] = await append(kafka, topic, 0, ['x'])
          if (error === 'NONE') acknowledged.push(offset)
          else expect(error).toBe('MESSAGE_TOO_LARGE')
        }
      })
      await new Promise((resolve) => setTimeout(resolve, 200))
      await sealTopics(kafka, [topic])
      await cutsWhenSealed(kafka, topic)
      const { cuts } = await readCuts(kafka, topic, PARTITIONS)
      await new Promise((resolve) => setTimeout(resolve, 200))
      stop = true
      await Promise.all(writers)
      const [end] = await logEnds(kafka, topic, 1, 'logEnd')
      expect(acknowledged.length).toBeGreaterThan(0)
      expect(end).toBe(cuts[0])
      expect(new Set(acknowledged).size).toBe(acknowledged.length)
      expect(acknowledged.every((offset) => offset < cuts[0]!)).toBe(true)
    })

    test('several topics at once, and back', async () => {
      const other = await freshTopic(kafka, 1)
      await alterTopicConfigs(kafka, other, { 'max.message.bytes': '200000' })
      await sealTopics(kafka, [topic, other])
      await Promise.all([cutsWhenSealed(kafka, topic), cutsWhenSealed(kafka, other, 1)])
      await unsealTopics(kafka, [
        { topic, maxMessageBytes: null },
        { topic: other, maxMessageBytes: '200000' },
      ])
      await expect.poll(() => append(kafka, topic, 0, ['x'])).toEqual(['NONE', 0n])
      await expect.poll(() => append(kafka, other, 0, ['x'])).toEqual(['NONE', 0n])
      const configs = await Promise.all([topic, other].map((t) => describeTopicConfigs(kafka, t)))
      expect(configs.map((c) => c.get('max.message.bytes'))).toEqual([
        { value: '1048588', source: 'default' },
        { value: '200000', source: 'topic' },
      ])
    })

    test('of a topic that does not exist is refused', async () => {
      const error = await sealTopics(kafka, ['no-such-topic']).catch((e: ConnectionError) => e)
      expect(error).toMatchObject({ code: 'BROKER_ERROR', kafkaError: errorCodes.UNKNOWN_TOPIC_OR_PARTITION })
    })
  })

  describe('producers', () => {
    test('are known by id, epoch and last sequence, also behind a seal', async () => {
      const topic = await freshTopic(kafka, 2)
      const producerId = 2n ** 62n + 77n
      await append(kafka, topic, 1, ['a', 'b'], { producerId, producerEpoch: 3, baseSequence: 1234 })
      await append(kafka, topic, 1, ['c'], { producerId, producerEpoch: 3, baseSequence: 1236 })
      await append(kafka, topic, 1, ['d'], { producerId: 5n, producerEpoch: 0, baseSequence: 0 })
      await sealTopics(kafka, [topic])
      await cutsWhenSealed(kafka, topic, 2)
      expect(await producerStates(kafka, topic, 1)).toEqual(
        new Map([
          [producerId, { epoch: 3, lastSequence: 1236 }],
          [5n, { epoch: 0, lastSequence: 0 }],
        ]),
      )
      expect(await producerStates(kafka, topic, 0)).toEqual(new Map())
    })

    test('get the offset again for what they repeat, and no gap passes', async () => {
      const topic = await freshTopic(kafka, 1)
      const producerId = 2n ** 61n + 1n
      const at = (baseSequence: number) => ({ producerId, producerEpoch: 0, baseSequence })
      expect(await append(kafka, topic, 0, ['a'], at(7))).toEqual(['NONE', 0n])
      expect(await append(kafka, topic, 0, ['a'], at(7))).toEqual(['NONE', 0n])
      expect((await append(kafka, topic, 0, ['c'], at(9)))[0]).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    })
  })

  describe('topics', () => {
    test('have leaders that answer as soon as they are waited for', async () => {
      const startedMs = performance.now()
      const topic = await freshTopic(kafka)
      const tookMs = performance.now() - startedMs
      expect(kafka.partitionCount(topic)).toBe(PARTITIONS)
      for (let partition = 0; partition < PARTITIONS; partition++) {
        expect((await append(kafka, topic, partition, ['x']))[0]).toBe('NONE')
      }
      expect(tookMs).toBeLessThan(15_000)
    })

    test('take configs, and are refused when there is one', async () => {
      const topic = `topic-${++made}`
      await createTopic(kafka, {
        topic,
        partitions: 1,
        replicationFactor: 1,
        configs: { 'retention.ms': '12345' },
      })
      await expect
        .poll(async () => (await describeTopicConfigs(kafka, topic)).get('retention.ms'))
        .toEqual({
          value: '12345',
          source: 'topic',
        })
      const again = await createTopic(kafka, { topic, partitions: 1 }).catch((e: ConnectionError) => e)
      expect(again).toMatchObject({ kafkaError: errorCodes.TOPIC_ALREADY_EXISTS })
      const wrong = await createTopic(kafka, { topic: 'x', partitions: 1, configs: { nonsense: '1' } }).catch(
        (e: ConnectionError) => e,
      )
      expect(wrong).toMatchObject({ kafkaError: errorCodes.INVALID_CONFIG })
    })

    test('that are missing are neither found nor made', async () => {
      const error = await kafka.refreshMetadata(['missing']).catch((e: ConnectionError) => e)
      expect(error).toMatchObject({ code: 'UNKNOWN_TOPIC', cluster: cluster.name })
      expect(kafka.leader('missing', 0)).toBe(-1)
      expect(await deleteTopic(kafka, 'missing')).toBe(false)
    })

    test('are gone when deleted', async () => {
      const topic = await freshTopic(kafka, 1)
      expect(await deleteTopic(kafka, topic)).toBe(true)
      await expect
        .poll(() => kafka.refreshMetadata([topic]).catch((e: ConnectionError) => e.code), { timeout: 10_000 })
        .toBe('UNKNOWN_TOPIC')
    })

    test('lose the records that are deleted', async () => {
      const topic = await freshTopic(kafka, 2)
      await append(kafka, topic, 1, ['a', 'b', 'c'])
      const deleted = await deleteRecords(kafka, topic, [
        { partition: 0, before: -1n },
        { partition: 1, before: 2n },
      ])
      expect([...deleted].sort()).toEqual([
        [0, 0n],
        [1, 2n],
      ])
      expect(await logEnds(kafka, topic, 2, 'earliest')).toEqual([0n, 2n])
    })
  })

  test('groups commit and are listed', async () => {
    const topic = await freshTopic(kafka, 3)
    const offsets = [
      { topic, partition: 0, offset: 5n, metadata: 'note' },
      { topic, partition: 2, offset: 2n ** 40n, metadata: '' },
    ]
    await commitGroupOffsets(kafka, 'a-group', offsets)
    const committed = await fetchGroupOffsets(kafka, 'a-group')
    expect(committed.sort((a, b) => a.partition - b.partition)).toEqual(offsets)
    expect(await fetchGroupOffsets(kafka, 'no-group')).toEqual([])
    expect((await listGroups(kafka)).map(({ groupId }) => groupId)).toContain('a-group')
  })

  test('an answer of many megabytes arrives whole, between small ones', async () => {
    const topic = await freshTopic(kafka, 1)
    const value = 'v'.repeat(900_000)
    for (let i = 0; i < 12; i++) expect(await append(kafka, topic, 0, [value])).toEqual(['NONE', BigInt(i)])
    const connection = await kafka.open(kafka.leader(topic, 0))
    const fetchFrom = (fetchOffset: bigint, maxBytes: number) =>
      connection.call(fetch, {
        replicaId: -1,
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }] }],
      })
    const sizes = await Promise.all([fetchFrom(0n, 50 << 20), fetchFrom(11n, 1), fetchFrom(0n, 50 << 20)])
    const partitions = sizes.map((answer) => answer.responses[0]!.partitions[0]!)
    expect(partitions.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'NONE', 'NONE'])
    const bytes = partitions.map(({ records }) => records!.length)
    expect(bytes[0]).toBeGreaterThan(12 * 900_000)
    expect(bytes[1]).toBeLessThan(1_000_000)
    expect(bytes[2]).toBe(bytes[0])
    await connection.close()
  })

  test('is found again after a restart', async () => {
    const topic = await freshTopic(kafka, 3)
    await append(kafka, topic, 0, ['before'])
    const before = await kafka.shared(1)
    const [broker] = cluster.brokers
    await broker!.kill()
    await expect.poll(() => before.closed).toBe(true)
    expect(await append(kafka, topic, 0, ['while down']).catch((e: ConnectionError) => e.code)).toMatch(
      /CONNECT_FAILED|CLOSED/,
    )
    await broker!.start()
    // It says that it leads a moment before it does.
    await waitForLeaders(kafka, topic, 3, 20_000)
    expect(await append(kafka, topic, 0, ['after'])).toEqual(['NONE', 1n])
    expect((await kafka.shared(1)).closed).toBe(false)
  }, 120_000)
})

describe('three brokers', () => {
  let cluster: KafkaCluster
  let kafka: ClusterConnections
  beforeAll(async () => {
    const started = await startClusters([{ name: 'three', brokers: 3 }])
    cluster = started[0]!
    kafka = connectionsTo(cluster)
  })
  afterAll(async () => {
    await kafka?.close()
    await cluster?.stop()
  })

  test('a topic is sealed on all leaders at once, and stays sealed when one dies', async () => {
    const topic = `topic-${++made}`
    await createTopic(kafka, { topic, partitions: PARTITIONS, replicationFactor: 3 })
    await waitForLeaders(kafka, topic, PARTITIONS, 30_000)
    const leaders = Array.from({ length: PARTITIONS }, (_, partition) => kafka.leader(topic, partition))
    expect(new Set(leaders)).toEqual(new Set([1, 2, 3]))
    for (let partition = 0; partition < PARTITIONS; partition++)
      await append(kafka, topic, partition, ['a', 'b'])
    await sealTopics(kafka, [topic])
    const { cuts } = await cutsWhenSealed(kafka, topic)
    expect(cuts).toEqual(Array(PARTITIONS).fill(2n))

    const dying = cluster.brokers.find(({ id }) => id === 2)!
    await dying.kill()
    // The partitions that it led get other leaders; these have applied the seal earlier.
    await expect
      .poll(async () => (await readCuts(kafka, topic, PARTITIONS)).sealed.every(Boolean), {
        timeout: 60_000,
        interval: 200,
      })
      .toBe(true)
    expect((await readCuts(kafka, topic, PARTITIONS)).cuts).toEqual(cuts)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      expect(kafka.leader(topic, partition)).not.toBe(2)
      expect((await append(kafka, topic, partition, ['late']))[0]).toBe('MESSAGE_TOO_LARGE')
    }
    expect(await logEnds(kafka, topic, PARTITIONS, 'logEnd')).toEqual(cuts)
    await dying.start()
  }, 180_000)
})

test('nothing keeps a process alive after close', async () => {
  const { spawn } = await import('node:child_process')
  const script = `
    import { ClusterConnections } from '@braid/kafka-connection'
    const kafka = new ClusterConnections({ name: 'a', bootstrap: ['${clusters[0]!.bootstrap}'] })
    await kafka.brokers()
    await kafka.open(1)
    await kafka.refreshMetadata(['missing']).catch(() => {})
    await kafka.close()
    console.log('closed')`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  child.stdout.on('data', (chunk) => lines.push(String(chunk)))
  const timer = setTimeout(() => child.kill(), 20_000)
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  expect([lines.join(''), code]).toEqual(['closed\n', 0])
}, 30_000)
