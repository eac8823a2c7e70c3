import { chooseStandby } from './choose.ts'
import type { Demand } from './demand.ts'
import type { FleetSnapshot, TopicName } from './fleet.ts'
import { Ledger } from './ledger.ts'
import { type Impossible, type Mended, untilSettled } from './mend.ts'
import { refuseStandby } from './refuse.ts'
import { askStandby, brokenRule } from './rules/hard-rules.ts'

export interface StandbyChange {
  readonly topic: TopicName
  readonly kind: 'missing' | 'wrong' | 'unneeded'
  readonly from: string | null
  readonly to: string | null
  readonly reason: string
}

export interface StandbyPlan {
  readonly changes: readonly StandbyChange[]
  readonly impossible: readonly Impossible[]
}

/**
 * Standbys that are missing, that break a rule, or that no class asks for any more. A standby on a cluster
 * that is cordoned or draining is left where it is: draining it is a plan of its own. One on a cluster that was given
 * up is no standby, until that has returned.
 */
export function planStandbys(snapshot: FleetSnapshot): StandbyPlan {
  const ledger = new Ledger(snapshot)
  return untilSettled([...ledger.topics()], (demand) => planStandby(ledger, demand))
}

/** Brings the standby of one topic in order, in the ledger, too. `avoid` may not be it, even if it is it now. */
export function planStandby(
  ledger: Ledger,
  demand: Demand,
  options: { avoid?: string } = {},
): Mended<StandbyChange> {
  const at = ledger.where(demand)
  const primary = ledger.site(at.cluster)
  if (primary === undefined || demand.problem !== null) return { kind: 'right' }
  const topic = { tenant: demand.topic.tenant, name: demand.topic.name }
  const from = at.standby
  if (!demand.wantsStandby) {
    if (from === null) return { kind: 'right' }
    ledger.put(demand, { ...at, standby: null })
    const reason =
      demand.topic.sla === null
        ? 'a topic without a class has none'
        : `class ${demand.topic.sla} asks for none`
    return { kind: 'change', change: { topic, kind: 'unneeded', from, to: null, reason } }
  }
  ledger.take(demand.key)
  const beside = { primary, stub: at.stub }
  const ask = askStandby(ledger, demand, { ...beside, incumbent: from })
  const site = ledger.site(from)
  const broken = site === undefined ? undefined : brokenRule(ask, site)
  const avoided = from !== null && from === options.avoid
  if (site !== undefined && broken === undefined && !avoided) {
    ledger.put(demand, at)
    return { kind: 'right' }
  }
  const what =
    from === null
      ? `class ${demand.topic.sla} asks for one`
      : site === undefined
        ? `${from} is not registered`
        : broken !== undefined
          ? `${from}: ${broken.because(ask, site)}`
          : null
  const next = chooseStandby(ledger, demand, beside, { avoid: options.avoid ?? null })
  ledger.put(demand, next === undefined ? at : { ...at, standby: next.name })
  if (next === undefined) {
    const { reason, help } = refuseStandby(ledger, demand, beside)
    return {
      kind: 'impossible',
      impossible: { topic, reason: `${what === null ? '' : `${what}; `}${reason}; ${help}` },
    }
  }
  const whyNext = `${next.name} is in failure domain ${next.domain}, not ${primary.domain}, and has room`
  const reason = what === null ? whyNext : `${what}; ${whyNext}`
  return {
    kind: 'change',
    change: { topic, kind: from === null ? 'missing' : 'wrong', from, to: next.name, reason },
  }
}
