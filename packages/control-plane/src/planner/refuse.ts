// When no cluster may have a topic: why, for each of them and in one sentence, and what would help.
import { chooseStandby } from './choose.ts'
import type { Demand } from './demand.ts'
import type { Ledger } from './ledger.ts'
import { askActive, askStandby, type Beside, besideOn, brokenRule, rulesOf } from './rules/hard-rules.ts'
import { leftOf } from './rules/room.ts'
import type { Ask, HardRule } from './rules/rule.ts'
import { kindInWords } from './rules/suitability.ts'
import type { Dimension, Site } from './site.ts'
import { bytesPerSecond, count, list } from './words.ts'

export interface Refused {
  readonly reason: string
  readonly help: string
}

/** For a topic that is out of the ledger and that `choose` found no place for. */
export function refuse(ledger: Ledger, demand: Demand): Refused {
  const ask = askActive(ledger, demand)
  const possible = ledger.sites.filter((site) => brokenRule(ask, site) === undefined)
  const [primary] = possible
  if (primary === undefined) return refused(ledger, ask)
  const { reason, help } = refuseStandby(ledger, demand, besideOn(demand, primary))
  return {
    reason: `${list(possible.map(({ name }) => name))} could have it, but not a standby for it: ${reason}`,
    help,
  }
}

/** The same for a standby, whose primary is given. */
export const refuseStandby = (ledger: Ledger, demand: Demand, beside: Beside): Refused =>
  refused(ledger, askStandby(ledger, demand, beside))

/** Why one cluster is not possible; undefined when it is. */
export function objection(ledger: Ledger, demand: Demand, site: Site): string | undefined {
  const ask = askActive(ledger, demand)
  const rule = brokenRule(ask, site)
  if (rule !== undefined) return rule.because(ask, site)
  const beside = besideOn(demand, site)
  if (!demand.wantsStandby || chooseStandby(ledger, demand, beside) !== undefined) return undefined
  return `no standby for it: ${refuseStandby(ledger, demand, beside).reason}`
}

/** Clusters are ruled out rule by rule; the rule that ruled out the last of them is the reason. */
export function refused(ledger: Ledger, ask: Ask): Refused {
  let remaining: readonly Site[] = ledger.sites
  const kind = kindInWords(ask)
  for (const rule of rulesOf(ask.role)) {
    const passed = remaining.filter((site) => rule.holds(ask, site))
    if (passed.length === 0) {
      return {
        reason: `${rule.nobody(ask, kind)}${nearest(rule, ask, remaining)}`,
        help: rule.help(ask, kind),
      }
    }
    remaining = passed
  }
  return { reason: 'no cluster is left', help: 'plan again' }
}

const dimensionOf: Readonly<Record<string, Dimension>> = {
  partitions: 'partitions',
  'bytes-in': 'bytesInPerSecond',
  'bytes-out': 'bytesOutPerSecond',
}

/** Of those that this rule ruled out: the one with the most room, or what each of them lacks. */
function nearest(rule: HardRule, ask: Ask, sites: readonly Site[]): string {
  const dimension = dimensionOf[rule.name]
  if (dimension !== undefined) {
    const left = (site: Site): number => leftOf(ask, site, dimension)
    const [first, ...rest] = sites
    if (first === undefined) return ''
    const best = rest.reduce((nearest, site) => (left(site) > left(nearest) ? site : nearest), first)
    const room = Math.max(0, left(best))
    const words = dimension === 'partitions' ? count(room, 'partition') : bytesPerSecond(room)
    return `; nearest is ${best.name} with ${words}`
  }
  if (rule.name !== 'state' && rule.name !== 'replication-factor') return ''
  const shown = sites.slice(0, 5).map((site) => `${site.name}: ${rule.because(ask, site)}`)
  return ` (${[...shown, ...(sites.length > 5 ? [`${sites.length - 5} more`] : [])].join('; ')})`
}
