import { chooseStandby, shareWith } from './choose.ts'
import type { Demand } from './demand.ts'
import { byText, type FleetSnapshot } from './fleet.ts'
import { activeBytesOut, Ledger, stubAfter } from './ledger.ts'
import { type Move, moveOf } from './move.ts'
import { askActive, brokenRule, unsuitable } from './rules/hard-rules.ts'
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
 * Few moves that even out load, and none while the spread is within the threshold. Each takes one topic from
 * the fullest cluster to the emptiest that may have it, and leaves the fuller of the two less full than
 * before: so plans made one after the other cannot move load in a circle.
 */
export function planRebalance(
  snapshot: FleetSnapshot,
  options: RebalanceOptions = rebalanceDefaults,
): RebalancePlan {
  const ledger = new Ledger(snapshot)
  const pools = poolsOf(ledger)
  const before = pools.map(({ sites }) => spreadOf(sites))
  const moves: Move[] = []
  let cutShort = false
  for (const { sites } of pools) {
    cutShort = evenOut(ledger, sites, options, moves) === 'cut short' || cutShort
  }
  return {
    options,
    pools: pools.map(({ name, sites }, i) => ({ name, before: before[i]!, after: spreadOf(sites) })),
    moves,
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
    .filter(({ sites }) => sites.some(({ cluster }) => cluster.state === 'active'))
    .sort((a, b) => byText(a.name, b.name))
}

function evenOut(
  ledger: Ledger,
  sites: readonly Site[],
  options: RebalanceOptions,
  moves: Move[],
): 'done' | 'cut short' {
  const { threshold, maxMoves } = options
  const moved = new Set<string>()
  const stuck = new Set<Site>()
  let movedSinceStuck = false
  for (;;) {
    const targets = sites.filter(({ cluster }) => cluster.state === 'active').sort(emptiestFirst)
    const emptiest = targets[0]
    if (emptiest === undefined) return 'done'
    const fullest = sites
      .filter((site) => !stuck.has(site))
      .sort(emptiestFirst)
      .at(-1)
    if (fullest === undefined || fullest.share() - emptiest.share() <= threshold) {
      // A move elsewhere may have made room for what was stuck.
      if (!movedSinceStuck || stuck.size === 0) return 'done'
      stuck.clear()
      movedSinceStuck = false
      continue
    }
    const found = bestMove(ledger, fullest, targets, threshold, moved)
    if (found === undefined) {
      stuck.add(fullest)
      continue
    }
    if (moves.length >= maxMoves) return 'cut short'
    moves.push(carryOut(ledger, found))
    moved.add(found.demand.key)
    movedSinceStuck = true
  }
}

const emptiestFirst = (a: Site, b: Site): number => a.share() - b.share() || byText(a.name, b.name)

interface Found {
  readonly demand: Demand
  readonly from: Site
  readonly to: Site
  readonly standby: Site | null
}

/** To the emptiest cluster that can have any topic of `from`: the one that evens out the two best. */
function bestMove(
  ledger: Ledger,
  from: Site,
  targets: readonly Site[],
  threshold: number,
  moved: ReadonlySet<string>,
): Found | undefined {
  const movable = [...from.active].filter(({ key, topic }) => topic.movable.ok && !moved.has(key))
  const fromShare = from.share()
  for (const to of targets) {
    if (to === from) continue
    if (fromShare - to.share() <= threshold) return undefined
    const candidates = movable
      .map((demand) => ({ demand, fuller: Math.max(shareWithout(demand, from), shareWith(demand, to)) }))
      .filter(
        ({ demand, fuller }) => fuller < fromShare && unsuitable(askActive(ledger, demand), to) === undefined,
      )
      .sort((a, b) => a.fuller - b.fuller || byText(a.demand.key, b.demand.key))
    for (const { demand } of candidates) {
      const standby = roomFor(ledger, demand, to)
      if (standby !== undefined) return { demand, from, to, standby }
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

/** The standby it would have; null when it needs none, undefined when the move breaks a rule. */
function roomFor(ledger: Ledger, demand: Demand, to: Site): Site | null | undefined {
  const at = ledger.take(demand.key)
  try {
    if (brokenRule(askActive(ledger, demand), to) !== undefined) return undefined
    if (!demand.wantsStandby) return null
    const standby = chooseStandby(ledger, demand, to, at.standby)
    // The standby of a dual topic carries load of its own: moving both parts would be two moves in one.
    return demand.dual && standby?.name !== at.standby ? undefined : standby
  } finally {
    ledger.put(demand, at)
  }
}

function carryOut(ledger: Ledger, { demand, from, to, standby }: Found): Move {
  const before = ledger.where(demand)
  const full = { from: from.share(), to: to.share(), by: dimensionInWords[from.tightest()] }
  const after = { cluster: to.name, standby: standby?.name ?? null, stub: stubAfter(demand, to.name) }
  ledger.put(demand, after)
  const reason = `${from.name} is ${percent(full.from)} full (${full.by}), ${to.name} ${percent(full.to)}; then ${percent(from.share())} and ${percent(to.share())}`
  return moveOf(demand, before, after, reason)
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
