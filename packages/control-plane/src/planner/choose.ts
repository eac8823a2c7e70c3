// The soft rules: of the clusters that may have a topic, which should? Even load first, then what belongs
// together, then the name, so that the answer is always the same.
import type { Demand } from './demand.ts'
import {
  activeBytesOut,
  copyBytesIn,
  copyBytesOut,
  type Ledger,
  reservedBytesIn,
  reservedBytesOut,
} from './ledger.ts'
import { askActive, askStandby, type Beside, besideOn, brokenRule } from './rules/hard-rules.ts'
import type { Site } from './site.ts'

/**
 * How much fuller than the emptiest a cluster may become, as a share, for being the tenant's home or having
 * more of its topics. Less would scatter tenants for nothing, more would leave clusters idle.
 */
export const TOGETHER_SHARE = 0.1

export interface Choice {
  readonly site: Site
  /** Null when the class asks for none. */
  readonly standby: Site | null
  /** How full the cluster becomes. */
  readonly share: number
  readonly because: 'only' | 'home' | 'together' | 'even'
  /** Clusters that could have had it, this one included. */
  readonly possible: number
}

/** Of a topic that is out of the ledger: the best cluster for it, with a standby where it wants one. */
export function choose(
  ledger: Ledger,
  demand: Demand,
  options: { standbyNow?: string | null } = {},
): Choice | undefined {
  const ask = askActive(ledger, demand)
  const candidates: Candidate[] = []
  for (const site of ledger.sites) {
    if (brokenRule(ask, site) === undefined) candidates.push({ site, share: shareWith(demand, site) })
  }
  const possible = candidates.length
  for (;;) {
    const best = bestOf(candidates, demand)
    if (best === undefined) return undefined
    const standby = demand.wantsStandby
      ? chooseStandby(ledger, demand, besideOn(demand, best.site), { current: options.standbyNow ?? null })
      : null
    if (standby !== undefined) {
      return {
        ...best,
        standby,
        possible,
        because: possible === 1 ? 'only' : reasonFor(best, candidates, demand),
      }
    }
    candidates.splice(candidates.indexOf(best), 1)
  }
}

/**
 * A standby for a topic that is out of the ledger and would be on `primary`. The one it has is kept when it
 * may be; else the one that has the most room left once every domain's worst case is counted.
 */
export function chooseStandby(
  ledger: Ledger,
  demand: Demand,
  beside: Beside,
  { current = null, avoid = null }: { current?: string | null; avoid?: string | null } = {},
): Site | undefined {
  const kept = ledger.site(current)
  if (kept !== undefined) {
    const keeping = askStandby(ledger, demand, { ...beside, incumbent: current })
    if (brokenRule(keeping, kept) === undefined) return kept
  }
  const ask = askStandby(ledger, demand, beside)
  const candidates: Candidate[] = []
  for (const site of ledger.sites) {
    if (site.name !== avoid && brokenRule(ask, site) === undefined) {
      candidates.push({ site, share: shareWithStandby(demand, site, beside.primary) })
    }
  }
  const limit = lowest(candidates) + TOGETHER_SHARE
  let best: Candidate | undefined
  for (const candidate of candidates) {
    if (candidate.share > limit) continue
    // On the standby home, groups and records are together again after a failover.
    if (candidate.site.name === demand.standbyHome) return candidate.site
    if (best === undefined || candidate.share < best.share) best = candidate
  }
  return best?.site
}

interface Candidate {
  readonly site: Site
  readonly share: number
}

function bestOf(candidates: readonly Candidate[], demand: Demand): Candidate | undefined {
  const limit = lowest(candidates) + TOGETHER_SHARE
  const { tenant } = demand.topic
  let best: Candidate | undefined
  let bestTopics = 0
  // Candidates come by name, so that on a tie the first name stays.
  for (const candidate of candidates) {
    if (candidate.share > limit) continue
    const { site, share } = candidate
    if (site.name === demand.home) return candidate
    const topics = site.tenants.get(tenant) ?? 0
    if (best === undefined || topics > bestTopics || (topics === bestTopics && share < best.share)) {
      best = candidate
      bestTopics = topics
    }
  }
  return best
}

function reasonFor(
  best: Candidate,
  candidates: readonly Candidate[],
  { home, topic }: Demand,
): Choice['because'] {
  if (best.site.name === home) return 'home'
  if (best.share === lowest(candidates)) return 'even'
  return best.site.tenants.has(topic.tenant) ? 'together' : 'even'
}

function lowest(candidates: readonly Candidate[]): number {
  let share = Number.POSITIVE_INFINITY
  for (const candidate of candidates) if (candidate.share < share) share = candidate.share
  return share
}

/** How full a cluster would be with the topic's active loglet. */
export const shareWith = (demand: Demand, site: Site): number =>
  site.share(demand.bytesInPerSecond, activeBytesOut(demand, site), demand.topic.partitions)

/** How full it would be if the domain that sends it most failed. */
function shareWithStandby(demand: Demand, site: Site, primary: Site | null): number {
  const { reserved } = site
  const here = site.reservedFor(primary?.domain ?? '')
  return site.share(
    copyBytesIn(demand) +
      Math.max(reserved.bytesInPerSecond, here.bytesInPerSecond + reservedBytesIn(demand)),
    copyBytesOut(demand, site) +
      Math.max(reserved.bytesOutPerSecond, here.bytesOutPerSecond + reservedBytesOut(demand, site)),
    demand.topic.partitions,
  )
}
