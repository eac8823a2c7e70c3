// Every rule that no plan may break. Planning, checking and the property tests all read this one table.
import type { Demand } from '../demand.ts'
import { type Ledger, stubAfter } from '../ledger.ts'
import type { Site } from '../site.ts'
import * as room from './room.ts'
import type { Ask, HardRule, Role } from './rule.ts'
import * as suitability from './suitability.ts'

/** In the order in which clusters are ruled out: those that stay longest are the nearest to possible. */
export const hardRules: readonly HardRule[] = [
  suitability.known,
  suitability.tier,
  suitability.labels,
  suitability.pin,
  suitability.transactionalAtHome,
  suitability.replicationFactor,
  suitability.minInSync,
  suitability.failureDomain,
  suitability.state,
  room.stub,
  room.partitions,
  room.bytesIn,
  room.bytesOut,
]

const byRole: Readonly<Record<Role, readonly HardRule[]>> = {
  active: hardRules.filter(({ roles }) => roles.includes('active')),
  standby: hardRules.filter(({ roles }) => roles.includes('standby')),
  replica: hardRules.filter(({ roles }) => roles.includes('replica')),
}

/** The first rule that this would break; undefined when it may. */
export function brokenRule(ask: Ask, site: Site): HardRule | undefined {
  for (const rule of byRole[ask.role]) if (!rule.holds(ask, site)) return rule
  return undefined
}

/** Of the rules about what the cluster is, which no move of another topic changes. */
export function unsuitable(ask: Ask, site: Site): HardRule | undefined {
  for (const rule of byRole[ask.role]) if (!rule.room && !rule.holds(ask, site)) return rule
  return undefined
}

export const rulesOf = (role: Role): readonly HardRule[] => byRole[role]

export const askActive = (ledger: Ledger, demand: Demand, incumbent: string | null = null): Ask => ({
  role: 'active',
  demand,
  incumbent,
  primary: null,
  home: ledger.site(demand.home) ?? null,
  stub: null,
  readers: demand.readers,
})

export const askStandby = (
  ledger: Ledger,
  demand: Demand,
  { primary, stub, incumbent = null }: Beside & { readonly incumbent?: string | null },
): Ask => ({
  role: 'standby',
  demand,
  incumbent,
  primary,
  home: ledger.site(demand.home) ?? null,
  stub,
  readers: demand.readers,
})

/** Where the other parts of a topic are, once its standby is there, too. */
export interface Beside {
  readonly primary: Site | null
  readonly stub: string | null
}

export const besideOn = (demand: Demand, primary: Site): Beside => ({
  primary,
  stub: stubAfter(demand, primary.name),
})

export const askReplica = (demand: Demand, readers: number, incumbent: string | null = null): Ask => ({
  role: 'replica',
  demand,
  incumbent,
  primary: null,
  home: null,
  stub: null,
  readers,
})
