import { type FleetSnapshot, type TopicName, topicKey } from './fleet.ts'
import { Ledger } from './ledger.ts'
import { askActive, askReplica, askStandby, rulesOf } from './rules/hard-rules.ts'
import type { Ask, Role } from './rules/rule.ts'
import type { Site } from './site.ts'

export interface BrokenRule {
  readonly rule: string
  readonly topic: TopicName
  readonly role: Role
  readonly cluster: string
  readonly reason: string
}

/**
 * Every hard rule that the fleet breaks as it is, and where: a label that was taken away, a topic that outgrew
 * its cluster, a standby in the same failure domain. A cluster that is over its capacity is named once for
 * each topic on it. What is where already needs no active cluster to stay.
 */
export function brokenRules(snapshot: FleetSnapshot): BrokenRule[] {
  const ledger = new Ledger(snapshot)
  const ofTopics = [...ledger.topics()].flatMap((demand) => {
    const at = ledger.take(demand.key)
    const active = ledger.site(at.cluster)
    const standby = demand.wantsStandby ? ledger.site(at.standby) : undefined
    const broken = [
      ...(active === undefined ? [] : brokenBy(askActive(ledger, demand, active.name), active)),
      ...(standby === undefined
        ? []
        : brokenBy(
            askStandby(ledger, demand, { primary: active ?? null, stub: at.stub, incumbent: standby.name }),
            standby,
          )),
    ]
    ledger.put(demand, at)
    return broken
  })
  return [...ofTopics, ...brokenReplicas(snapshot, ledger)]
}

function brokenReplicas(snapshot: FleetSnapshot, ledger: Ledger): BrokenRule[] {
  const demands = new Map([...ledger.topics()].map((demand) => [demand.key, demand]))
  return snapshot.replicas.flatMap(({ tenant, topic, cluster, readers }) => {
    const demand = demands.get(topicKey({ tenant, name: topic }))
    const site = ledger.site(cluster)
    if (demand === undefined || site === undefined) return []
    ledger.changeReplica(demand, site, readers, -1)
    const broken = brokenBy(askReplica(demand, readers, cluster), site)
    ledger.changeReplica(demand, site, readers, 1)
    return broken
  })
}

const brokenBy = (ask: Ask, site: Site): BrokenRule[] =>
  rulesOf(ask.role)
    .filter((rule) => !rule.holds(ask, site))
    .map((rule) => ({
      rule: rule.name,
      topic: { tenant: ask.demand.topic.tenant, name: ask.demand.topic.name },
      role: ask.role,
      cluster: site.name,
      reason: rule.because(ask, site),
    }))
