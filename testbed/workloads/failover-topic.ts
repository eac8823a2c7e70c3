import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlPlaneClient } from '@braid/control-api'

export type FailoverPolicy = 'strict' | 'available'

export interface FailoverTopicOptions {
  readonly topic: string
  readonly partitions: number
  /** Pinned there. */
  readonly on: string
  readonly policy: FailoverPolicy
  /** Where it goes on; placement decides when absent. */
  readonly standby?: string | undefined
  readonly configs?: Readonly<Record<string, string>>
}

const standbyMaxMs = 30_000

/** A topic of a class that fails over; resolves when its standby is ready to take it. */
export async function createFailoverTopic(
  client: ControlPlaneClient,
  options: FailoverTopicOptions,
): Promise<void> {
  const { topic, partitions, on, policy, standby, configs } = options
  const pair = standby === undefined ? undefined : `pair-${[on, standby].sort().join('-')}`
  if (pair !== undefined) {
    for (const name of [on, standby!]) {
      const { labels } = await client.clusters.get(name)
      if (labels[pair] === undefined)
        await client.clusters.update(name, { labels: { ...labels, [pair]: 'yes' } })
    }
  }
  const sla = pair === undefined ? policy : `${policy}-${pair}`
  await client.slas.put({
    name: sla,
    availability: { failover: policy },
    durability: { replicationFactor: 1 },
    latency: { labels: pair === undefined ? {} : { [pair]: 'yes' } },
  })
  await client.topics.create({ name: topic, partitions, cluster: on, sla, ...(configs && { configs }) })
  await standbyReady(client, topic)
}

/** Until the topic could be switched this moment; resolves with where to. */
export async function standbyReady(client: ControlPlaneClient, topic: string): Promise<string> {
  const deadline = performance.now() + standbyMaxMs
  for (;;) {
    const { to, why } = await wouldGoOn(client, topic)
    if (to !== undefined) return to
    if (performance.now() > deadline) {
      throw new Error(`topic ${topic} has no standby that is ready after ${standbyMaxMs} ms: ${why}`)
    }
    await sleep(100)
  }
}

/**
 * Where the topic would go on if its cluster was lost this moment, or why it would wait: asked of the control plane,
 * which plans it and does nothing.
 */
export async function wouldGoOn(
  client: ControlPlaneClient,
  topic: string,
): Promise<{ to: string; why?: undefined } | { to?: undefined; why: string }> {
  const { standby, cluster } = await client.topics.get(topic)
  if (standby === null) return { why: 'it has no standby' }
  const { plan } = await client.failovers.start(cluster, { force: true }, { dryRun: true })
  const found = plan.topics.find((candidate) => candidate.topic === topic)
  if (found === undefined) return { why: `the failover of ${cluster} would not touch it` }
  return found.to === null ? { why: found.reason } : { to: found.to.cluster }
}

/** Commits of all groups are mirrored there; resolves when a failover that is forced would move the home there. */
export async function giveStandbyHome(
  client: ControlPlaneClient,
  home: string,
  standbyHome: string,
): Promise<void> {
  await client.tenants.put({ name: 'default', home, standbyHome })
  const deadline = performance.now() + standbyMaxMs
  for (;;) {
    const { plan } = await client.failovers.start(home, { force: true }, { dryRun: true })
    const found = plan.homes.find(({ from }) => from === home)
    if (found?.to === standbyHome) return
    if (performance.now() > deadline)
      throw new Error(`${home} has no standby home that is ready after ${standbyMaxMs} ms: ${found?.reason}`)
    await sleep(100)
  }
}
