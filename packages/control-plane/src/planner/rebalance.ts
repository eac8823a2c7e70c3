import { chooseStandby, shareWith } from './choose.ts'
import type { Demand } from './demand.ts'
import { byText, type FleetSnapshot } from './fleet.ts'
import { activeBytesOut, Ledger, stubAfter, type Whereabouts } from './ledger.ts'
import { type Move, moveOf } from './move.ts'
import { askActive, besideOn, brokenRule, unsuitable } from './rules/hard-rules.ts'
import { dimensionInWords, type Site } from './site.ts'
import { percent } from './words.ts'

export interface RebalanceOptions {
  /** At most so many moves: those that help most come first. */
  readonly maxMoves: number
  /** How much fuller one cluster may be than another, as a share of capacity: 0.2 is 20 points. */
  readonly threshold: number
}

export const rebalanceDefaults: RebalanceOptions = { maxMoves: 20, threshold: 0.2 }

/** Clusters among which load is evened out: the shared ones, or those dedicated to one tenant. */
export interface Pool {
  readonly name: string
  readonly before: Spread
  readonly after: Spread
}

export interface Spread {
  readonly fullest: { readonly cluster: string; readonly share: number }
  readonly emptiest: { readonly cluster: string; readonly share: number }
}

export interface RebalancePlan {
  readonly options: RebalanceOptions
  readonly pools: readonly Pool[]
  readonly moves: readonly Move[]
  /** There would have been more to move than `maxMoves`. */
  readonly cutShort: boolean
}

/**
 * Few moves that even out load, and none while the spread is within the threshold. Each step takes one topic
 * from the fullest cluster to the emptiest that may have it, and leaves whatever it makes fuller less full than
 * that cluster was: so steps never go in a circle. They go on until there is none left: so a plan that was not
 * cut short, once carried out, leaves nothing for the next in a fleet that breaks no rule. One that was is gone
 * on with by the next, which may take a topic further.
 */
export function planRebalance(
  snapshot: FleetSnapshot,
  options: RebalanceOptions = rebalanceDefaults,
): RebalancePlan {
  const ledger = new Ledger(snapshot)
  const pools = poolsOf(ledger)
  const before = pools.map(({ sites }) => spreadOf(sites))
  const trips = new Map<string, Trip>()
  let cutShort = false
  for (const { sites } of pools) {
    cutShort = evenOut(ledger, sites, options, trips) === 'cut short' || cutShort
  }
  return {
    options,
    pools: pools.map(({ name, sites }, i) => ({ name, before: before[i]!, after: spreadOf(sites) })),
    moves: [...trips.values()].map(moveOfTrip),
    cutShort,
  }
}

interface OpenPool {
  readonly name: string
  readonly sites: readonly Site[]
}

function poolsOf({ sites }: Ledger): OpenPool[] {
  // A cluster that is away cannot be sealed, and one that drains is emptied by its own plan.
  const open = sites.filter(
    ({ cluster: { tier, state } }) => tier !== 'read' && (state === 'active' || state === 'cordoned'),
  )
  const pools = Map.groupBy(open, ({ cluster: { tier, dedicatedTo } }) =>
    tier === 'shared' ? 'shared' : `dedicated to ${dedicatedTo}`,
  )
  return [...pools]
    .map(([name, sites]) => ({ name, sites }))
    .filter(({ sites }) => sites.length > 1 && sites.some(({ cluster }) => cluster.state === 'active'))
    .sort((a, b) => byText(a.name, b.name))
}

/** All steps of one topic in one plan: it is moved once, from where the first began to where the last ended. */
interface Trip {
  readonly first: Step
  readonly last: Step
}

const STEPS_PER_MOVE_MAX = 10

function evenOut(
  ledger: Ledger,
  sites: readonly Site[],
  { threshold, maxMoves }: RebalanceOptions,
  trips: Map<string, Trip>,
): 'done' | 'cut short' {
  const stuck = new Set<Site>()
  let steps = 0
  let steppedSinceStuck = false
  for (;;) {
    const targets = sites.filter(({ cluster }) => cluster.state === 'active').sort(emptiestFirst)
    const emptiest = targets[0]
    const fullest = sites
      .filter((site) => !stuck.has(site))
      .sort(emptiestFirst)
      .at(-1)
    if (emptiest === undefined) return 'done'
    if (fullest === undefined || fullest.share() - emptiest.share() <= threshold) {
      // A step elsewhere may have made room for what was stuck.
      if (!steppedSinceStuck || stuck.size === 0) return 'done'
      stuck.clear()
      steppedSinceStuck = false
      continue
    }
    const step = bestStep(ledger, fullest, targets, threshold)
    if (step === undefined) {
      stuck.add(fullest)
      continue
    }
    const { key } = step.demand
    const first = trips.get(key)?.first ?? step
    if ((!trips.has(key) && trips.size >= maxMoves) || ++steps > maxMoves * STEPS_PER_MOVE_MAX) {
      ledger.put(step.demand, step.before)
      return 'cut short'
    }
    if (first.before.cluster === step.after.cluster) trips.delete(key)
    else trips.set(key, { first, last: step })
    steppedSinceStuck = true
  }
}

function moveOfTrip({ first, last }: Trip): Move {
  const { from } = first
  const { to } = last
  const reason = `${from.name} is ${percent(from.before)} full (${from.by}), ${to.name} ${percent(to.before)}; then ${percent(from.after)} and ${percent(to.after)}`
  return moveOf(first.demand, first.before, last.after, reason)
}

const emptiestFirst = (a: Site, b: Site): number => a.share() - b.share() || byText(a.name, b.name)

interface Step {
  readonly demand: Demand
  readonly before: Whereabouts
  readonly after: Whereabouts & { readonly cluster: string }
  readonly from: {
    readonly name: string
    readonly before: number
    readonly after: number
    readonly by: string
  }
  readonly to: { readonly name: string; readonly before: number; readonly after: number }
}

/**
 * To the emptiest cluster that can have any topic of `from`: the one that evens out the two best. In the ledger
 * it has moved when this returns.
 */
function bestStep(ledger: Ledger, from: Site, targets: readonly Site[], threshold: number): Step | undefined {
  const movable = [...from.active].filter(({ topic }) => topic.movable.ok)
  const fromShare = from.share()
  for (const to of targets) {
    if (to === from) continue
    if (fromShare - to.share() <= threshold) return undefined
    const candidates = movable
      .map((demand) => ({
        demand,
        fuller: Math.max(shareWithout(demand, from), shareWith(demand, to)),
      }))
      .filter(({ fuller }) => fuller < fromShare)
      .filter(({ demand }) => unsuitable(askActive(ledger, demand), to) === undefined)
      .sort((a, b) => a.fuller - b.fuller || byText(a.demand.key, b.demand.key))
    for (const { demand } of candidates) {
      const found = tryStep(ledger, demand, from, to)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** How full the cluster would be without it. At home, its home topic stays behind with all its partitions. */
const shareWithout = (demand: Demand, site: Site): number =>
  site.share(
    -demand.bytesInPerSecond,
    -activeBytesOut(demand, site),
    demand.home === site.name ? 0 : -demand.topic.partitions,
  )

/** Undefined, and everything as before, when the move breaks a rule or only shifts the fullness elsewhere. */
function tryStep(ledger: Ledger, demand: Demand, from: Site, to: Site): Step | undefined {
  const before = ledger.take(demand.key)
  const allowed = brokenRule(askActive(ledger, demand), to) === undefined
  const standby =
    !allowed || !demand.wantsStandby
      ? null
      : chooseStandby(ledger, demand, besideOn(demand, to), { current: before.standby })
  ledger.put(demand, before)
  if (!allowed || standby === undefined) return undefined

  const stub = stubAfter(demand, to.name)
  const touched = new Set([to, standby, ledger.site(stub)].filter((site) => site != null))
  const sharesBefore = new Map([...touched].map((site) => [site, site.share()]))
  const was = { from: from.share(), to: to.share(), by: dimensionInWords[from.tightest()] }
  const after = { cluster: to.name, standby: standby?.name ?? null, stub }
  // From here it is a topic of that place: the next plan will see no other, and must find what this one finds.
  ledger.put({ ...demand, topic: { ...demand.topic, ...after } }, after)
  // Everything that became fuller must stay below what the source was, or plans could go on for ever.
  const fuller = [...touched].some(
    (site) => site.share() >= was.from && site.share() > sharesBefore.get(site)!,
  )
  if (fuller || from.share() >= was.from) {
    ledger.put(demand, before)
    return undefined
  }
  return {
    demand,
    before,
    after,
    from: { name: from.name, before: was.from, after: from.share(), by: was.by },
    to: { name: to.name, before: was.to, after: to.share() },
  }
}

function spreadOf(sites: readonly Site[]): Spread {
  const sorted = [...sites].sort(emptiestFirst)
  const emptiest = sorted.find(({ cluster }) => cluster.state === 'active') ?? sorted[0]!
  const fullest = sorted.at(-1)!
  return {
    fullest: { cluster: fullest.name, share: fullest.share() },
    emptiest: { cluster: emptiest.name, share: emptiest.share() },
  }
}
