import { Kafka } from 'kafkajs'
import { startClusters } from '../clusters/cluster.ts'
import { startBraid } from '../components/running.ts'
import { quantile } from '../history/quantile.ts'
import { KafkajsLog } from '../workloads/kafkajs-log.ts'
import { type Benchmark, rounded, table } from './benchmark.ts'
import { type InTheMiddle, nothing, proxyInTheMiddle, startFloor } from './in-the-middle.ts'
import { fetchLoad, type LoadResult, produceLoad } from './load-generator.ts'

const repetitions = 5
const partitions = [0, 1, 2, 3, 4, 5]
const gib = 2 ** 30
const timeoutMs = 120_000

const produceBytes = 384 << 20
const smallRecords = 40_000
/** 63 records of 1 KB with their framing make a batch of about 64 KiB. */
const recordsPerBatch = 63

interface Topic {
  logical: string
  physical: string
}

interface Measured {
  cpuSecondsPerGib: number | undefined
  mibPerSecond: number
  recordsPerSecond: number
}

interface Load {
  name: 'produce' | 'consume' | 'small'
  what: string
  run(middle: InTheMiddle): Promise<LoadResult>
}

/** What it costs to stand in the middle: the proxy against a process that only forwards frames, and against nothing. */
export const proxyBenchmark: Benchmark = {
  name: 'proxy',
  what: 'CPU time of a proxy per GiB, against plain forwarding of frames, and throughput against no proxy',
  async run(say, signal) {
    const [cluster] = await startClusters([{ name: 'a' }])
    if (cluster === undefined) throw new Error('no cluster was started')
    try {
      const braid = await startBraid([cluster])
      try {
        const floor = await startFloor(cluster.brokers[0]!.address)
        try {
          const create = async (name: string, configs: Record<string, string>): Promise<Topic> => {
            const {
              topic: { physicalTopic },
            } = await braid.controlPlane.client.topics.create({
              name,
              partitions: partitions.length,
              cluster: 'a',
              configs,
            })
            return { logical: name, physical: physicalTopic }
          }
          // What the produce loads write is not kept; what the consume load reads is.
          const passing = await create('bench-produce', {
            'retention.bytes': '67108864',
            'segment.bytes': '33554432',
          })
          const standing = await create('bench-consume', { 'segment.bytes': '1073741824' })
          const middles = [
            nothing(cluster.brokers[0]!.address),
            floor,
            proxyInTheMiddle(braid.proxies[0]!, 'a'),
          ]
          say('filling the topic that is read')
          await big(middles[0]!, standing)
          const ends = await endsOf(cluster.bootstrap, standing.physical)
          const loads: Load[] = [
            {
              name: 'produce',
              what: `1 KB records, ${recordsPerBatch} in a batch, six batches in a request`,
              run: (middle) => big(middle, passing),
            },
            {
              name: 'consume',
              what: '1 KB records, two connections, three partitions each',
              run: (middle) => read(middle, standing, ends),
            },
            {
              name: 'small',
              what: 'produce, 100-byte records, one in a request, pipelined',
              run: (middle) => small(middle, passing),
            },
          ]
          return await measure(loads, middles, say, signal)
        } finally {
          await floor.stop()
        }
      } finally {
        await braid.stop()
      }
    } finally {
      await cluster.stop()
    }
  },
}

async function measure(
  loads: readonly Load[],
  middles: readonly InTheMiddle[],
  say: (line: string) => void,
  signal: AbortSignal,
) {
  const rows: string[][] = [['', 'in the middle', 'MiB/s', 'records/s', 'CPU s per GiB', 'times the floor']]
  const json: Record<string, unknown> = {}
  for (const load of loads) {
    say(`${load.name}: ${load.what}`)
    const measured = new Map<string, Measured[]>(middles.map(({ name }) => [name, []]))
    // The first round warms up and is not counted. Rounds are interleaved, so that a busy moment hits all alike.
    for (let round = 0; round <= repetitions; round++) {
      for (const middle of middles) {
        signal.throwIfAborted()
        const one = await measureOne(load, middle)
        if (round > 0) measured.get(middle.name)!.push(one)
      }
    }
    const median = (name: string, value: (one: Measured) => number | undefined) =>
      quantile(
        measured.get(name)!.flatMap((one) => value(one) ?? []),
        0.5,
      )
    const floor = median('floor', (one) => one.cpuSecondsPerGib)
    const proxy = median('proxy', (one) => one.cpuSecondsPerGib)
    for (const { name } of middles) {
      const cost = median(name, (one) => one.cpuSecondsPerGib)
      rows.push([
        name === 'direct' ? load.name : '',
        name,
        median(name, (one) => one.mibPerSecond).toFixed(load.name === 'small' ? 1 : 0),
        median(name, (one) => one.recordsPerSecond).toFixed(0),
        name === 'direct' ? '' : cost.toFixed(2),
        name === 'proxy' ? (proxy / floor).toFixed(2) : '',
      ])
    }
    json[load.name] = {
      floorCpuSecondsPerGib: rounded(floor, 3),
      proxyCpuSecondsPerGib: rounded(proxy, 3),
      ratio: rounded(proxy / floor, 3),
    }
  }
  const note = `Medians of ${repetitions} interleaved repetitions, one more to warm up.`
  return { table: [...table(rows), '', note], json: { proxy: json } }
}

async function measureOne(load: Load, middle: InTheMiddle): Promise<Measured> {
  const before = await middle.cpuSeconds()
  const { bytes, records, seconds } = await load.run(middle)
  const after = await middle.cpuSeconds()
  return {
    cpuSecondsPerGib:
      before === undefined || after === undefined ? undefined : ((after - before) * gib) / bytes,
    mibPerSecond: bytes / 2 ** 20 / seconds,
    recordsPerSecond: records / seconds,
  }
}

function big(middle: InTheMiddle, topic: Topic): Promise<LoadResult> {
  const bytesPerRequest = partitions.length * recordsPerBatch * 1_000
  return produceLoad({
    address: middle.address,
    topic: middle.topicName(topic),
    requests: [partitions],
    recordsPerBatch,
    recordBytes: 1_000,
    connections: 2,
    inflightPerConnection: 5,
    count: Math.ceil(produceBytes / bytesPerRequest),
    timeoutMs,
  })
}

function small(middle: InTheMiddle, topic: Topic): Promise<LoadResult> {
  return produceLoad({
    address: middle.address,
    topic: middle.topicName(topic),
    requests: partitions.map((partition) => [partition]),
    recordsPerBatch: 1,
    recordBytes: 100,
    connections: 4,
    inflightPerConnection: 5,
    count: smallRecords,
    timeoutMs,
  })
}

function read(middle: InTheMiddle, topic: Topic, ends: ReadonlyMap<number, bigint>): Promise<LoadResult> {
  return fetchLoad({
    address: middle.address,
    topic: middle.topicName(topic),
    connections: [partitions.slice(0, 3), partitions.slice(3)],
    ends,
    recordBytes: 1_000,
    partitionMaxBytes: 1 << 20,
    timeoutMs,
  })
}

async function endsOf(bootstrap: string, topic: string): Promise<Map<number, bigint>> {
  const kafka = new Kafka({ brokers: bootstrap.split(','), logCreator: new KafkajsLog().creator })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const ends = await admin.fetchTopicOffsets(topic)
    return new Map(ends.map(({ partition, high }) => [partition, BigInt(high)]))
  } finally {
    await admin.disconnect()
  }
}
