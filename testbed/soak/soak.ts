import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { chooseBy } from '../faults/choice.ts'
import { checkHistory } from '../history/checker.ts'
import { type Verdict, verdictCounts, verdictOfAll } from '../history/verdict.ts'
import { type Incident, incidentBy } from './incidents.ts'
import type { Timeline } from './timeline.ts'
import { SoakWorld } from './world.ts'

export interface SoakOptions {
  readonly clusters: readonly KafkaCluster[]
  readonly forMs: number
  readonly seed: number
  readonly timeline: Timeline
  readonly signal: AbortSignal
}

export interface SoakResult {
  readonly verdict: Verdict
  readonly line: string
}

const NEXT_INCIDENT_MS = [500, 3_000] as const
const INCIDENT_MAX_MS = 240_000

/**
 * What group members may say while proxies and the home die: that a connection broke, or a coordinator. They start
 * over by themselves. Of a record nothing of the kind is allowed.
 */
const ALLOWED =
  /^(Connection (error|timeout)|Request .* timed out|Failed to (connect|find)|Closed connection|The coordinator|The group|This is not the correct coordinator|Broker not connected|This server is not the leader|The replica is not available|The rebalance|There is no leader|The (consumer )?group is rebalancing)/

/** The incidents of a seed, one after the other. */
export function incidentsOf(seed: number, clusters: readonly string[]): (index: number) => Incident {
  return (index) => incidentBy(chooseBy(seed + index * 7_919), clusters)
}

/** Random faults on real clusters under load, for a time; then everything is made whole, and judged. */
export async function soak({ clusters, forMs, seed, timeline, signal }: SoakOptions): Promise<SoakResult> {
  const world = await SoakWorld.start(clusters, timeline)
  try {
    await world.settle(false)
    const until = performance.now() + forMs
    const names = clusters.map(({ name }) => name)
    const incident = incidentsOf(seed, names)
    let incidents = 0
    let failure: string | undefined
    while (performance.now() < until && failure === undefined) {
      signal.throwIfAborted()
      const { name, run } = incident(incidents)
      const { number } = chooseBy(seed + 1 + incidents)
      timeline.say(`${++incidents}. ${name}`)
      try {
        await within(INCIDENT_MAX_MS, async () => {
          await run(world)
          await world.settle(number(0, 3) === 0)
          await Promise.all(world.loads.map((load) => load.worksOn()))
        })
      } catch (error) {
        failure = `incident ${incidents} (${name}): ${(error as Error).message}`
        timeline.say(failure)
      }
      await sleep(number(...NEXT_INCIDENT_MS), undefined, { signal })
    }
    await world.mend()
    // What is read back now must not be taken away by a machine that is too busy to answer.
    await world.client.failovers.configure({ automatic: false })
    if (failure === undefined) await world.settle(false)
    const failovers = await world.client.failovers.list({ limit: 1_000 })
    timeline.say('judging')
    const judged = await judgeAll(world).catch((error: unknown) => {
      // What already went wrong is what somebody has to look at.
      if (failure === undefined) throw error
      timeline.say(`  it could not be judged: ${(error as Error).message}`)
      return undefined
    })
    const verdict: Verdict =
      failure === undefined
        ? judged!
        : {
            ...(judged ?? checkHistory([], [], { topic: 'nothing could be judged' })),
            verdict: 'broken',
            evidence: [failure, ...(judged?.evidence ?? [])],
          }
    const count = (kind: string) =>
      failovers.filter((failover) => failover.kind === kind && failover.state === 'done').length
    const line = [
      verdictCounts(verdict),
      `incidents ${incidents}`,
      `failovers ${count('failover')}`,
      `returns ${count('return')}`,
      `seed ${seed}`,
    ].join(' · ')
    return { verdict, line }
  } finally {
    await world.stop()
  }
}

async function judgeAll({ loads, homeLosses }: SoakWorld): Promise<Verdict> {
  const verdicts: Verdict[] = []
  for (const load of loads) verdicts.push(await load.judge({ homeLosses, allowed: ALLOWED }))
  return verdictOfAll(verdicts)
}

async function within(limitMs: number, work: () => Promise<void>): Promise<void> {
  const limit = AbortSignal.timeout(limitMs)
  await Promise.race([
    work(),
    new Promise<never>((_, reject) => {
      limit.addEventListener('abort', () => reject(new Error(`it has not ended within ${limitMs} ms`)), {
        once: true,
      })
    }),
  ])
}
