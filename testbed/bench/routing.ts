import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type RouteDelta, RouteTable } from '@braid/routing-model'
import { type Benchmark, rounded, table } from './benchmark.ts'
import { movedTopic } from './moved-topic.ts'

const topicCount = 10_000
const partitionsPerTopic = 100
const moves = 2
const lookups = 2_000_000

/** What an access point keeps in memory, and asks on every request. */
export const routingBenchmark: Benchmark = {
  name: 'routing',
  what: `a route table of ${((topicCount * partitionsPerTopic) / 1e6).toFixed(0)} million partitions, each moved twice`,
  async run(say) {
    const before = memoryBytes()
    const routes = RouteTable.empty()
    const buildMs = takeIn(routes)
    const bytes = memoryBytes() - before
    const partitions = topicCount * partitionsPerTopic
    say(`${routes.topicCount} topics in ${buildMs.toFixed(0)} ms`)
    const lookupNs = measureLookups(routes)
    const snapshotBytes = JSON.stringify(routes.toJSON()).length
    const results = {
      partitions,
      logletsPerPartition: moves + 1,
      memoryBytes: bytes,
      bytesPerPartition: rounded(bytes / partitions, 1),
      lookupNs: rounded(lookupNs, 0),
      snapshotBytes,
      buildMs: rounded(buildMs, 0),
    }
    return {
      table: table([
        ['', ''],
        ['memory', `${(bytes / 2 ** 20).toFixed(0)} MiB`],
        ['per partition', `${results.bytesPerPartition} bytes`],
        ['lookup (topic, then loglet of an offset)', `${results.lookupNs} ns`],
        ['snapshot', `${(snapshotBytes / 2 ** 20).toFixed(0)} MiB`],
        ['taking it in', `${results.buildMs} ms`],
      ]).slice(1),
      json: { routing: results },
    }
  },
}

/** In a function of its own, so that the delta is no longer reachable when memory is measured. */
function takeIn(routes: RouteTable): number {
  const delta = allTopics()
  const startedMs = performance.now()
  routes.apply(delta)
  return performance.now() - startedMs
}

function allTopics(): RouteDelta {
  const topics = Array.from({ length: topicCount }, (_, index) => {
    // Cuts as they are: no two partitions end alike.
    const cut = (partition: number) => partition * 7
    return movedTopic({ index, partitions: partitionsPerTopic, moves, cut }).toJSON()
  })
  return {
    from: 0,
    to: 1,
    clusters: ['a', 'b'].map((name, index) => ({ name, number: index + 1, bootstrap: ['127.0.0.1:9092'] })),
    tenants: [{ name: 'default', home: 'a' }],
    topics,
  }
}

function measureLookups(routes: RouteTable): number {
  // Names and offsets are made beforehand, in an order that no cache likes.
  const names = Array.from({ length: 65_536 }, (_, index) => `topic-${(index * 7_919) % topicCount}`)
  const offsets = Array.from({ length: 1_024 }, (_, index) => BigInt((index * 48_271) % 3_500_000))
  let found = 0
  const round = () => {
    for (let index = 0; index < lookups; index++) {
      const route = routes.topic('default', names[index & 65_535]!)!
      found += route.locate(index % partitionsPerTopic, offsets[index & 1_023]!)
    }
  }
  round()
  const startedMs = performance.now()
  round()
  const ns = ((performance.now() - startedMs) * 1e6) / lookups
  if (found === 0) throw new Error('every offset lies in the first loglet: the lookups measured nothing')
  return ns
}

function memoryBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
