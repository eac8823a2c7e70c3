import { setTimeout as sleep } from 'node:timers/promises'
import type { Failover } from '@braid/control-api'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { verdictCounts } from '../history/verdict.ts'
import {
  bringBack,
  type ClusterLoss,
  killCluster,
  returnCluster,
  untilGivenUp,
} from '../workloads/cluster-loss.ts'
import { standbyReady } from '../workloads/failover-topic.ts'
import { decidedAt } from '../workloads/loss-report.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'
import { type Benchmark, rounded, table } from './benchmark.ts'

const runsByDefault = 10
const recordsPerSecond = 2_000
/** Between runs; the load is steady again by then. */
const betweenRunsMs = 3_000

interface Run {
  readonly loss: ClusterLoss
  readonly failover: Failover
  /** When the failure detector decided, in the history's time. */
  readonly decidedAt: number
}

/** How long producers wait when their whole cluster is killed, detection included, no client restarted. */
export const failoverBenchmark: Benchmark = {
  name: 'failover',
  what: `a cluster is killed under ${recordsPerSecond} records/s and given up automatically, ${runsByDefault} times (--runs N)`,
  async run(say, signal, { runs: wanted = runsByDefault } = {}) {
    // The first one is home, and is not touched: the topic goes to and fro between the others.
    const clusters = await startClusters([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    try {
      const braid = await startBraid(clusters, { proxies: 2 })
      try {
        // Each run is an incident of its own; in production it would not be the next minute's.
        await braid.client.failovers.configure({ quietMs: 0 })
        return await measure(braid, clusters, wanted, say, signal)
      } finally {
        await braid.stop()
      }
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.stop()))
    }
  },
}

async function measure(
  braid: RunningBraid,
  clusters: readonly KafkaCluster[],
  wanted: number,
  say: (line: string) => void,
  signal: AbortSignal,
) {
  const { client } = braid
  const load = await TopicUnderLoad.start(braid, {
    topic: 'bench-failover',
    on: 'b',
    partitions: 12,
    recordsPerSecond,
    failover: { policy: 'strict', standby: 'c' },
    clients: [{ name: 'bench-failover-clients', producers: { producers: 8 } }],
  })
  try {
    const done: Run[] = []
    for (let run = 1; run <= wanted; run++) {
      signal.throwIfAborted()
      await sleep(betweenRunsMs, undefined, { signal })
      const at = (await client.topics.get(load.topic)).cluster
      const lost = clusters.find(({ name }) => name === at)!
      const before = done.map(({ failover }) => failover)
      const loss = await killCluster(lost)
      const { failover } = await untilGivenUp(client, at, { after: before })
      await load.worksOn(1_000)
      await bringBack(lost)
      await returnCluster(client, at)
      await standbyReady(client, load.topic)
      done.push({ loss, failover, decidedAt: decidedAt(failover) })
      say(
        `run ${run}: ${at} killed, ${failover.decisionToSwitchMs?.toFixed(0)} ms from the decision to the switch`,
      )
    }
    const verdict = await load.judge()
    for (const line of verdict.evidence) say(line)
    const rows = done.map(({ loss, failover, decidedAt }) => {
      const outage = load.outage(loss)
      return {
        cluster: loss.cluster,
        firstMs: outage.firstMs,
        everyMs: outage.everyProducerMs,
        switchMs: failover.decisionToSwitchMs ?? Number.NaN,
        afterDecisionMs: outage.from + outage.everyProducerMs - decidedAt,
      }
    })
    const everyMs = rows.map((row) => row.everyMs)
    const failover = {
      runs: rows.length,
      meanMs: rounded(mean(everyMs), 0),
      maxMs: rounded(Math.max(...everyMs), 0),
      afterDecisionMs: rounded(mean(rows.map((row) => row.afterDecisionMs)), 0),
      firstProducerMeanMs: rounded(mean(rows.map((row) => row.firstMs)), 0),
      verdict: verdict.verdict,
    }
    return {
      table: [
        ...table([
          ['killed', 'first producer ms', 'every producer ms', 'decision to switch ms', 'after decision ms'],
          ...rows.map((row) => [
            row.cluster,
            ...[row.firstMs, row.everyMs, row.switchMs, row.afterDecisionMs].map((ms) => ms.toFixed(0)),
          ]),
        ]),
        '',
        `every producer again after ${failover.meanMs} ms on average, ${failover.maxMs} ms at most, over ${failover.runs} runs`,
        verdictCounts(verdict),
      ],
      json: { failover },
    }
  } finally {
    await load.stop()
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
