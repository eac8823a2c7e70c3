/**
 * Three real Kafka clusters, a control plane, two proxies; a topic moves a to b to c to a while KafkaJS producers
 * write 2,000 records/s and a group of two reads; then a is killed, given up by itself, started and taken back; then
 * the verdict.
 *
 *     npm run demo
 *     npm run -s demo -- --json        ends with one JSON line; progress goes to stderr
 *
 * Exit status 1 when the verdict is not clean, 2 when there is none, 130 when it was interrupted.
 */
import { parseArgs } from 'node:util'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { startBraid } from '../components/running.ts'
import { summarizePauses } from '../history/pauses.ts'
import { verdictLine } from '../history/verdict.ts'
import { runMovingTopic } from '../workloads/moving-topic.ts'
import { Ending, unlessEnded } from './ending.ts'
import { progressView } from './progress.ts'

// KafkaJS 2.2.4 computes negative timeouts, which Node 24 warns of.
process.removeAllListeners('warning')

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const view = progressView(values.json ? process.stderr : process.stdout)
const ending = new Ending()
try {
  process.exitCode = await demo()
} catch (error) {
  view.end()
  if (ending.signal.aborted) {
    view.say('interrupted: removing clusters, proxies and clients')
    process.exitCode = 130
  } else {
    console.error(error)
    process.exitCode = 2
  }
} finally {
  await ending.end()
}
// Nothing of ours is left; a client library's idle timer must not keep the process.
process.exit()

async function demo(): Promise<number> {
  view.say('starting three Kafka clusters: a and b on 4.3.1, c on 3.9.2')
  const starting = startClusters([
    { name: 'a', version: '4.3.1' },
    { name: 'b', version: '4.3.1' },
    { name: 'c', version: '3.9.2' },
  ])
  ending.add(async () => {
    const started = await starting.catch((): KafkaCluster[] => [])
    await Promise.all(started.map((cluster) => cluster.stop()))
  })
  const clusters = await unlessEnded(ending.signal, starting)
  for (const { name, version, provider, bootstrap } of clusters) {
    view.say(`cluster ${name}: Kafka ${version} (${provider}) at ${bootstrap}`)
  }

  const [a, b, c] = clusters as [KafkaCluster, KafkaCluster, KafkaCluster]
  // The first one coordinates the groups.
  const joining = startBraid([c, a, b], { proxies: 2 })
  ending.add(async () => {
    await joining.then(
      (braid) => braid.stop(),
      () => {},
    )
  })
  const braid = await unlessEnded(ending.signal, joining)
  view.say(
    `control plane at ${braid.controlPlane.url}, proxies at ${braid.bootstrap.join(' and ')}; groups are at home on ${c.name}`,
  )

  const { verdict, pauses, outage } = await runMovingTopic({
    controlPlane: braid.controlPlane.client,
    route: { bootstrap: braid.bootstrap },
    bootstrap: braid.bootstrap,
    folder: braid.folder,
    topic: 'orders',
    partitions: 12,
    path: ['a', 'b', 'c', 'a'],
    recordsPerSecond: 2_000,
    warmUpMs: 8_000,
    betweenMovesMs: 8_000,
    thenLose: a,
    signal: ending.signal,
    onState: (state) => view.show(state),
  })
  view.end()
  if (outage === undefined) throw new Error(`the history does not show that ${a.name} was lost`)
  for (const evidence of verdict.evidence) view.say(evidence)
  if (values.json) {
    const { p50, p99, max } = summarizePauses(pauses.map(({ pauseMs }) => pauseMs))
    const { acknowledged, lost, duplicated, reordered, errors } = verdict
    const summary = {
      verdict: verdict.verdict,
      acknowledged,
      lost,
      duplicated,
      reordered,
      errors,
      moves: pauses.map((pause) => ({
        ...pause,
        sealMs: tenths(pause.sealMs),
        pauseMs: tenths(pause.pauseMs),
      })),
      clusterLost: { cluster: a.name, everyProducerMs: tenths(outage.everyProducerMs) },
      pauseMs: { p50: tenths(p50), p99: tenths(p99), max: tenths(max) },
      provider: clusters[0]!.provider,
      kafkaVersions: clusters.map(({ version }) => version),
    }
    process.stdout.write(`${JSON.stringify(summary)}\n`)
  } else {
    const loss = `${a.name} killed: every producer on after ${outage.everyProducerMs.toFixed(0)} ms`
    process.stdout.write(`${verdictLine(verdict, pauses)} · ${loss}\n`)
  }
  return verdict.verdict === 'clean' ? 0 : 1
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
