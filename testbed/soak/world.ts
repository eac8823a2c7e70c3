import { setTimeout as sleep } from 'node:timers/promises'
import type { ControlPlaneClient } from '@braid/control-api'
import type { KafkaCluster } from '../clusters/cluster.ts'
import type { JsonLine } from '../components/line-process.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { ClusterLinks } from '../faults/cluster-links.ts'
import { Link } from '../faults/link.ts'
import { monotonicMs } from '../history/event.ts'
import type { HomeLoss } from '../history/group-judge.ts'
import { bringBack, returnCluster } from '../workloads/cluster-loss.ts'
import { type FailoverPolicy, wouldGoOn } from '../workloads/failover-topic.ts'
import { whyNotMirrored } from '../workloads/mirrored-commits.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'
import type { Timeline } from './timeline.ts'

const PROXIES = 2
const RECORDS_PER_SECOND = 300
const POLICIES: readonly FailoverPolicy[] = ['strict', 'available']
/** A commit travels to the standby home within so long. */
const FORGOTTEN_MAX_MS = 2_000
const SETTLED_MAX_MS = 90_000
/**
 * A home that returns takes mirrored commits of a group once the members that it remembers are out: this long after it is
 * back.
 */
const SESSION_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 100
/** What settling waits for longer than this is worth a line. */
const SAID_AFTER_MS = 2_000

/** Without its numbers, which may change while it is waited for. */
const kindOf = (what: string) => what.replace(/:.*/, '')

/** How a control plane sees clusters, and what it does about it, in its own words. */
function seenOfClusters({ event, level, time, ...fields }: JsonLine): string | undefined {
  if (typeof event !== 'string' || !/^(cluster|failover|return)\./.test(event)) return undefined
  return `${event} ${JSON.stringify(fields)}`
}

/** Everything that a soak breaks, and what it needs to make it whole again. */
export class SoakWorld {
  readonly clusters: readonly KafkaCluster[]
  readonly braid: RunningBraid
  readonly loads: readonly TopicUnderLoad[]
  readonly homeLosses: HomeLoss[] = []
  readonly timeline: Timeline
  /** Of the control plane first, then of each proxy. */
  readonly clusterLinks: readonly ClusterLinks[]
  /** Between each proxy and the control plane. */
  readonly planeLinks: readonly Link[]

  static async start(clusters: readonly KafkaCluster[], timeline: Timeline): Promise<SoakWorld> {
    const clusterLinks = await Promise.all(
      Array.from({ length: PROXIES + 1 }, () => ClusterLinks.open(clusters)),
    )
    const planeLinks: Link[] = []
    const loads: TopicUnderLoad[] = []
    let braid: RunningBraid | undefined
    try {
      braid = await startBraid(clusters, {
        proxies: PROXIES,
        proxiesLast: true,
        onControlPlaneLine: (line) => {
          const seen = seenOfClusters(line)
          if (seen !== undefined) timeline.say(`    ${seen}`)
        },
        // What it mends by itself is waited for between incidents.
        timings: { reconcileEveryMs: 2_000 },
        detours: {
          controlPlane: clusterLinks[0]!.detours,
          proxy: async (index, [url]) => {
            const { host } = new URL(url!)
            const link = await Link.open({ to: host })
            planeLinks.push(link)
            return { ...clusterLinks[index + 1]!.detours, [host]: link.address }
          },
        },
      })
      const [home, standbyHome] = clusters
      await braid.client.tenants.put({ name: 'default', home: home!.name, standbyHome: standbyHome!.name })
      // One incident follows the other in seconds here.
      await braid.client.failovers.configure({ quietMs: 0 })
      for (const policy of POLICIES) {
        const topic = `soak-${policy}`
        timeline.say(`starting ${topic}`)
        loads.push(
          await TopicUnderLoad.start(braid, {
            topic,
            on: clusters[loads.length % clusters.length]!.name,
            partitions: 4,
            recordsPerSecond: RECORDS_PER_SECOND,
            failover: { policy },
            // Whole answers only, though addresses stay: see clients-main.ts.
            clients: [{ name: topic, through: {}, sessionTimeoutMs: SESSION_TIMEOUT_MS }],
          }),
        )
      }
    } catch (error) {
      await Promise.all(loads.map((load) => load.stop()))
      await braid?.stop()
      await Promise.all([...clusterLinks, ...planeLinks].map((link) => link.close()))
      throw error
    }
    return new SoakWorld(clusters, braid, loads, clusterLinks, planeLinks, timeline)
  }

  private constructor(
    clusters: readonly KafkaCluster[],
    braid: RunningBraid,
    loads: readonly TopicUnderLoad[],
    clusterLinks: readonly ClusterLinks[],
    planeLinks: readonly Link[],
    timeline: Timeline,
  ) {
    this.clusters = clusters
    this.braid = braid
    this.loads = loads
    this.clusterLinks = clusterLinks
    this.planeLinks = planeLinks
    this.timeline = timeline
  }

  get client(): ControlPlaneClient {
    return this.braid.client
  }

  /** From now on until it is called back, the home may die any time with what it acknowledged last. */
  async noteIfHome(cluster: string, from: number): Promise<void> {
    const tenant = await this.client.tenants.get('default').catch(() => undefined)
    // Nobody knows, when no control plane answers.
    if (tenant !== undefined && tenant.home !== cluster) return
    this.homeLosses.push({ from, to: monotonicMs(), forgottenMaxMs: FORGOTTEN_MAX_MS })
  }

  /**
   * No failover, return or move is under way, and nothing is given up; what is, is taken back. Topics have standbys and
   * commits are mirrored: the next loss is one that can be borne.
   */
  async settle(moveBack: boolean): Promise<void> {
    const deadline = performance.now() + SETTLED_MAX_MS
    let [what, since] = ['nothing is known of it', performance.now()]
    for (;;) {
      const before = what
      try {
        what = await this.#unsettled(moveBack)
      } catch (error) {
        what = (error as Error).message
      }
      const now = performance.now()
      if (kindOf(what) !== kindOf(before)) {
        if (now - since > SAID_AFTER_MS)
          this.timeline.say(`  ${((now - since) / 1_000).toFixed(1)} s: ${before}`)
        since = now
      }
      if (what === '') return
      if (performance.now() > deadline)
        throw new Error(`not settled ${SETTLED_MAX_MS} ms after everything was whole: ${what}`)
      await sleep(LOOK_EVERY_MS)
    }
  }

  /** What is still going on; '' when nothing is. */
  async #unsettled(moveBack: boolean): Promise<string> {
    const { clusters, underway } = await this.client.failovers.status()
    if (underway.length > 0)
      return underway.map(({ kind, cluster, step }) => `${kind} of ${cluster} in ${step}`).join(', ')
    for (const { cluster, state } of clusters) {
      if (state !== 'given-up') continue
      this.timeline.say(`  ${cluster} is taken back${moveBack ? ', its topics move back' : ''}`)
      const started = performance.now()
      const done = await returnCluster(this.client, cluster, { timeoutMs: SETTLED_MAX_MS, moveBack })
      this.timeline.say(
        `  ${cluster} has returned: ${done.state} in ${(performance.now() - started).toFixed(0)} ms`,
      )
      return `${cluster} has just returned`
    }
    const down = clusters.filter(({ state }) => state !== 'up')
    if (down.length > 0) return down.map(({ cluster, state }) => `${cluster} is ${state}`).join(', ')
    for (const { topic } of this.loads) {
      const { migration } = await this.client.topics.get(topic)
      if (migration !== null) return `${topic} is moving`
      const { why } = await wouldGoOn(this.client, topic)
      if (why !== undefined) return `${topic} would not go on elsewhere: ${why}`
    }
    for (const load of this.loads) {
      const why = await whyNotMirrored(this.braid, this.clusters, load)
      if (why !== undefined) return why
    }
    return ''
  }

  /** Everything that a fault may have broken runs, and every link is whole. */
  async mend(): Promise<void> {
    for (const { name } of this.clusters) for (const links of this.clusterLinks) links.mend(name)
    for (const link of this.planeLinks) link.mend()
    await Promise.all(this.clusters.map(bringBack))
    for (const { process } of this.braid.proxies) if (process.running) process.resume()
    if (!this.braid.controlPlane.process.running) await this.braid.startControlPlaneAgain()
    for (const proxy of [...this.braid.proxies])
      if (!proxy.process.running) await this.braid.startProxyAgain(proxy)
  }

  async stop(): Promise<void> {
    await Promise.all(this.loads.map((load) => load.stop()))
    await this.braid.stop()
    await Promise.all([...this.clusterLinks, ...this.planeLinks].map((link) => link.close()))
  }
}
