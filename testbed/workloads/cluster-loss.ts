import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlPlaneClient, Failover } from '@braid/control-api'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { type HistoryEvent, monotonicMs } from '../history/event.ts'
import { type Outage, outageOf } from '../history/outage.ts'

/** Times of a history between which all brokers of a cluster went silent. */
export interface ClusterLoss {
  readonly cluster: string
  readonly from: number
  readonly to: number
}

/** SIGKILL to every broker at once. */
export function killCluster(cluster: KafkaCluster): Promise<ClusterLoss> {
  return lose(cluster, ({ brokers }) => brokers.map((broker) => broker.kill()))
}

/** SIGSTOP to every broker: connections stay open and nothing is answered. */
export function pauseCluster(cluster: KafkaCluster): Promise<ClusterLoss> {
  return lose(cluster, ({ brokers }) => brokers.map((broker) => broker.pause()))
}

/** Every broker up with its data, whatever was done to it; resolves when all answer. */
export async function bringBack(cluster: KafkaCluster): Promise<void> {
  await Promise.all(cluster.brokers.map((broker) => broker.start()))
}

async function lose(
  cluster: KafkaCluster,
  how: (cluster: KafkaCluster) => Promise<void>[],
): Promise<ClusterLoss> {
  const from = monotonicMs()
  await Promise.all(how(cluster))
  return { cluster: cluster.name, from, to: monotonicMs() }
}

/** A silence that begins so long after a loss is another one's. */
const outageBeginsMs = 500

/** How long producers of a topic had no answer because of it. */
export function outageOfLoss(events: readonly HistoryEvent[], topic: string, loss: ClusterLoss): Outage {
  const outage = outageOf(events, topic, loss.from, loss.to - loss.from + outageBeginsMs)
  if (outage === undefined) throw new Error(`nothing was acknowledged around the loss of ${loss.cluster}`)
  return outage
}

export interface GivenUp {
  readonly failover: Failover
  /** When the switch was seen: a time of the history. */
  readonly seenAt: number
}

const lookEveryMs = 50
/** Bounds of a wait, not claims: how long each takes is what the benchmark of failovers measures. */
const givenUpMaxMs = 60_000
const returnMaxMs = 120_000
/** Brokers answer, and who looks at them has not seen that. */
const notSeenYet: ReadonlySet<unknown> = new Set(['CLUSTER_STILL_FAILING', 'CLUSTER_UNREACHABLE'])

/** Waits until the cluster is given up, by whoever decides it, and clients write elsewhere. */
export async function untilGivenUp(
  client: ControlPlaneClient,
  cluster: string,
  { after = [] }: { after?: readonly Failover[] } = {},
): Promise<GivenUp> {
  const known = new Set(after.map(({ id }) => id))
  const deadline = performance.now() + givenUpMaxMs
  for (;;) {
    const failover = (await failoversOf(client, cluster)).find(({ id }) => !known.has(id))
    if (failover !== undefined) {
      const leftMs = Math.max(1, deadline - performance.now())
      const done = await client.failovers.wait(failover.id, { timeoutMs: leftMs })
      return { failover: done, seenAt: monotonicMs() }
    }
    if (performance.now() > deadline) {
      const { clusters } = await client.failovers.status()
      throw new Error(
        `${cluster} was not given up within ${givenUpMaxMs} ms: ${JSON.stringify(clusters.find((health) => health.cluster === cluster))}`,
      )
    }
    await sleep(lookEveryMs)
  }
}

/** Takes a cluster back, which is up again, and waits until all that it had is where it stays. */
export async function returnCluster(
  client: ControlPlaneClient,
  cluster: string,
  { timeoutMs = returnMaxMs, moveBack = false }: { timeoutMs?: number; moveBack?: boolean } = {},
): Promise<Failover> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    try {
      const { failover } = await client.failovers.return(cluster, { moveBack })
      if (failover === null)
        throw new Error(`the return of ${cluster} was answered as if it were not asked for`)
      const done = await client.failovers.wait(failover.id, {
        timeoutMs: Math.max(1, deadline - performance.now()),
      })
      await untilCopied(client, done.id, deadline)
      return done
    } catch (error) {
      if (!notSeenYet.has((error as { code?: unknown }).code) || performance.now() > deadline) throw error
      await sleep(lookEveryMs)
    }
  }
}

/** What readers had skipped is copied on behind the return; resolves when all of it is. */
export async function untilCopied(client: ControlPlaneClient, id: string, deadline: number): Promise<void> {
  for (;;) {
    const topics = await client.failovers.topics(id)
    const left = topics.filter(({ recovered }) => recovered !== null && recovered.copied < recovered.toCopy)
    if (left.length === 0) return
    if (performance.now() > deadline)
      throw new Error(
        `not copied on in time: ${left.map(({ topic, recovered }) => `${topic}: ${recovered!.copied} of ${recovered!.toCopy}`).join(', ')}`,
      )
    await sleep(lookEveryMs)
  }
}

/** Failovers of a cluster, not returns; the latest first. */
export async function failoversOf(client: ControlPlaneClient, cluster: string): Promise<Failover[]> {
  const all = await client.failovers.list({ limit: 100 })
  return all.filter((failover) => failover.kind === 'failover' && failover.cluster === cluster)
}
