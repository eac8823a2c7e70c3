import { setTimeout as sleep } from 'node:timers/promises'
import { ControlPlaneError } from '@braid/control-api'
import type { Choose } from '../faults/choice.ts'
import { monotonicMs } from '../history/event.ts'
import { bringBack, killCluster, pauseCluster } from '../workloads/cluster-loss.ts'
import type { SoakWorld } from './world.ts'

/** A fault, and the mending of it. All its choices are made first, so the same seed makes the same ones. */
export interface Incident {
  /** With what was chosen, for the time line. */
  readonly name: string
  run(world: SoakWorld): Promise<void>
}

type Kind = (choose: Choose, clusters: readonly string[]) => Incident

/** How long a cluster is away: often too short for a failover, or just about. */
const awayMs = (choose: Choose) => choose.number(200, choose.one([1_500, 4_000, 12_000]))

const lost =
  (how: 'killed' | 'paused' | 'cut off'): Kind =>
  (choose, clusters) => {
    const [cluster, forMs] = [choose.one(clusters), awayMs(choose)]
    const meanwhile = choose.one(meanwhiles)(choose, clusters)
    const afterMs = choose.number(0, forMs)
    return {
      name: `${cluster} ${how} for ${forMs} ms, and after ${afterMs} ms ${meanwhile.name}`,
      async run(world) {
        const { name } = clusterOf(world, cluster)
        const from = monotonicMs()
        if (how === 'killed') await killCluster(clusterOf(world, cluster))
        if (how === 'paused') await pauseCluster(clusterOf(world, cluster))
        if (how === 'cut off') for (const links of world.clusterLinks) links.cut(name)
        await world.noteIfHome(cluster, from)
        const mended = sleep(forMs).then(async () => {
          if (how === 'cut off') for (const links of world.clusterLinks) links.mend(name)
          else await bringBack(clusterOf(world, cluster))
        })
        await Promise.all([mended, sleep(afterMs).then(() => meanwhile.run(world))])
      },
    }
  }

const linkFlaps: Kind = (choose, clusters) => {
  const [cluster, times, who] = [choose.one(clusters), choose.number(1, 3), choose.number(0, 3)]
  const waitsMs = Array.from({ length: 2 * times }, () => choose.number(300, 2_500))
  const how = choose.one(['silent', 'reset'] as const)
  const seenBy = ['the control plane', 'proxy-1', 'proxy-2', 'nobody'][who]
  return {
    name: `the links to ${cluster} ${how === 'silent' ? 'silent' : 'reset'} ${times} times${who < 3 ? ` for ${seenBy}` : ''}`,
    async run(world) {
      const links = who < 3 ? [world.clusterLinks[who]!] : world.clusterLinks
      for (const [index, waitMs] of waitsMs.entries()) {
        for (const link of links) {
          if (index % 2 === 0) link.cut(cluster, how)
          else link.mend(cluster)
        }
        if (index % 2 === 0) await world.noteIfHome(cluster, monotonicMs())
        await sleep(waitMs)
      }
      for (const link of links) link.mend(cluster)
    },
  }
}

const proxyKilled: Kind = (choose) => {
  const [who, forMs] = [choose.number(0, 1), choose.number(0, 4_000)]
  return {
    name: `proxy-${who + 1} killed for ${forMs} ms`,
    async run({ braid }) {
      const proxy = braid.proxies[who]!
      await proxy.process.kill()
      await sleep(forMs)
      await braid.startProxyAgain(proxy)
    },
  }
}

const proxyPaused: Kind = (choose) => {
  const [who, forMs] = [choose.number(0, 1), choose.number(200, 6_000)]
  return {
    name: `proxy-${who + 1} paused for ${forMs} ms`,
    async run({ braid }) {
      const { process } = braid.proxies[who]!
      await process.pause()
      await sleep(forMs)
      process.resume()
    },
  }
}

const proxyCutOff: Kind = (choose) => {
  const [who, forMs] = [choose.number(0, 1), choose.number(200, 8_000)]
  return {
    name: `proxy-${who + 1} cut off from the control plane for ${forMs} ms`,
    async run({ planeLinks }) {
      planeLinks[who]!.cut()
      await sleep(forMs)
      planeLinks[who]!.mend()
    },
  }
}

const controlPlaneKilled: Kind = (choose) => {
  const forMs = choose.number(0, 4_000)
  return {
    name: `the control plane killed for ${forMs} ms`,
    async run({ braid }) {
      await braid.controlPlane.process.kill()
      await sleep(forMs)
      await braid.startControlPlaneAgain()
    },
  }
}

const topicMoved: Kind = (choose, clusters) => {
  const [which, to] = [choose.number(0, 1), choose.one(clusters)]
  return {
    name: `${['soak-strict', 'soak-available'][which]} moved to ${to}`,
    async run({ loads, timeline }) {
      await unlessPrevented(timeline.say.bind(timeline), loads[which]!.move(to))
    },
  }
}

const failoverByHand: Kind = (choose, clusters) => {
  const [cluster, force] = [choose.one(clusters), choose.one([true, true, false])]
  return {
    name: `${cluster} given up by hand${force ? ', though it answers' : ''}`,
    async run(world) {
      const { client, timeline } = world
      const from = monotonicMs()
      const given = (async () => {
        const { failover } = await client.failovers.start(cluster, { force, reason: 'the soak' })
        await client.failovers.wait(failover!.id, { timeoutMs: 30_000 })
      })()
      await unlessPrevented(timeline.say.bind(timeline), given)
      await world.noteIfHome(cluster, from)
    },
  }
}

const nothing: Kind = () => ({ name: 'nothing else', run: async () => {} })

/** What may happen while a cluster is away. */
const meanwhiles: readonly Kind[] = [
  nothing,
  nothing,
  proxyKilled,
  proxyPaused,
  proxyCutOff,
  controlPlaneKilled,
  topicMoved,
]

const kinds: readonly Kind[] = [
  lost('killed'),
  lost('killed'),
  lost('paused'),
  lost('cut off'),
  linkFlaps,
  proxyKilled,
  proxyPaused,
  proxyCutOff,
  controlPlaneKilled,
  topicMoved,
  topicMoved,
  failoverByHand,
]

export function incidentBy(choose: Choose, clusters: readonly string[]): Incident {
  return choose.one(kinds)(choose, clusters)
}

/** What a move or a failover may be refused with under these faults. All is as it was then. */
const PREVENTED = new Set([
  'UNAVAILABLE',
  'SHUTTING_DOWN',
  'MIGRATION_IN_PROGRESS',
  'MIGRATION_CANCELLED',
  'MIGRATION_UNDONE',
  'ALREADY_THERE',
  'CLUSTER_UNREACHABLE',
  'CLUSTER_GIVEN_UP',
  'CLUSTER_ANSWERS',
  'CLUSTER_BUSY',
  'SEAL_FAILED',
  'TIMED_OUT',
  'TOPIC_CHANGING',
  'STANDBY_DOWN',
  'NOTHING_TO_FAIL_OVER',
  'FAILOVER_IN_PROGRESS',
  'FAILOVER_LIMIT',
  'FAILOVER_CANCELLED',
])

async function unlessPrevented(say: (what: string) => void, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || !PREVENTED.has(error.code)) throw error
    say(`  refused with ${error.code}: ${error.detail}`)
  }
}

function clusterOf(world: SoakWorld, name: string) {
  const cluster = world.clusters.find((candidate) => candidate.name === name)
  if (cluster === undefined) throw new Error(`there is no cluster ${name}`)
  return cluster
}
