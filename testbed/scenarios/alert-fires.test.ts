import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { startMonitorOf } from '../components/monitor.ts'
import { type Alert, startPrometheus } from '../components/prometheus.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { ruleFiles } from '../monitoring/queries.ts'
import { bringBack, killCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// A real Prometheus reads a control plane, a proxy and a monitor, with the rules that users are given. A cluster is killed
// under load: the alerts that tell a person of it fire, and end when it is back.

let home: KafkaCluster
let lost: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const [a, b] = sharedClusters()
  home = a!
  lost = b!
  braid = await startBraid([home, lost], { proxyMetrics: true })
})
afterAll(() => braid?.stop())

test('a cluster is killed: the alerts for it fire, and no others that are critical; it is back, and they end', async () => {
  const load = await TopicUnderLoad.start(braid, {
    topic: 'alarmed',
    on: 'b',
    partitions: 3,
    recordsPerSecond: 100,
    failover: { policy: 'strict' },
  })
  onTestFinished(() => load.stop())
  const proxyMetrics = braid.proxies.map(({ metrics }) => metrics!)
  const monitor = await startMonitorOf(braid, {
    proxyMetrics,
    timings: { lagEveryMs: 1_000, auditEveryMs: 1_000, auditWindowMs: 10_000 },
  })
  onTestFinished(() => monitor.close())
  const prometheus = await startPrometheus({
    jobs: {
      'braid-control-plane': [new URL(braid.controlPlane.url).host],
      'braid-proxy': proxyMetrics,
      'braid-monitor': [monitor.address],
    },
    ruleFiles: ruleFiles(),
    everyMs: 1_000,
  })
  onTestFinished(() => prometheus.stop())

  const eventually = { timeout: 60_000, interval: 250 }
  const values = async (expr: string) => (await prometheus.query(expr)).map(({ value }) => value)
  await expect.poll(() => values('up'), eventually).toEqual([1, 1, 1])
  await expect.poll(() => values('sort(braid_canary_up)'), eventually).toEqual([1, 1])
  await expect.poll(() => values('min(braid_listener_up)'), eventually).toEqual([1])
  await expect
    .poll(() => values('count(braid:group_lag_records:max{group="alarmed-readers"})'), eventually)
    .toEqual([1])
  await expect
    .poll(() => values('braid:acknowledged_records:rate1m{topic="alarmed"} > bool 0'), eventually)
    .toEqual([1])
  // What the proxy acknowledged is in the logs, and the other way round.
  await expect
    .poll(() => values('braid_audit_acknowledged_records{topic="alarmed"} > bool 0'), eventually)
    .toEqual([1])
  for (const never of ['loss_records', 'surplus_records', 'unjudged'])
    await expect.poll(() => values(`braid_audit_${never}{topic="alarmed"}`), eventually).toEqual([0])
  await expect.poll(async () => (await firing()).filter(isCritical), eventually).toEqual([])

  await killCluster(lost)
  onTestFinished(() => bringBack(lost))
  await expect.poll(firing, eventually).toContainEqual({
    name: 'BraidClusterDown',
    state: 'firing',
    labels: { cluster: 'b', severity: 'critical' },
  })
  await untilGivenUp(braid.client, 'b')
  await expect.poll(firing, eventually).toContainEqual({
    name: 'BraidFailoverHappened',
    state: 'firing',
    labels: { by: 'automatic', severity: 'critical' },
  })
  const names = new Set((await firing()).filter(isCritical).map(({ name }) => name))
  names.delete('BraidSloBurnsFast') // what it allows to fail in an hour is gone by then, or not
  expect([...names].toSorted()).toEqual(['BraidClusterDown', 'BraidFailoverHappened'])
  // The monitor says so, too, with its evidence.
  const events = await braid.client.monitors.events()
  expect(events).toContainEqual(
    expect.objectContaining({
      monitor: 'monitor-1',
      kind: 'CANARY_FAILING',
      cluster: 'b',
      severity: 'error',
    }),
  )
  await load.worksOn(100)

  await bringBack(lost)
  await expect
    .poll(async () => (await firing()).map(({ name }) => name), eventually)
    .not.toContain('BraidClusterDown')

  async function firing(): Promise<Alert[]> {
    return (await prometheus.alerts()).filter(({ state }) => state === 'firing')
  }
})

const isCritical = ({ labels }: Alert): boolean => labels.severity === 'critical'
