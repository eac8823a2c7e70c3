import type { FleetSnapshot, TopicName } from './fleet.ts'
import { hasHomeTopic, Ledger } from './ledger.ts'
import { askActive } from './rules/hard-rules.ts'
import { stub as stubRule } from './rules/room.ts'
import type { Impossible } from './standbys.ts'

export interface StubChange {
  readonly topic: TopicName
  readonly kind: 'missing' | 'elsewhere'
  /** Where it is, when it is not at home: commits made there do not count. Nothing is deleted by this plan. */
  readonly from: string | null
  readonly to: string
  readonly partitions: number
  readonly reason: string
}

export interface StubPlan {
  readonly changes: readonly StubChange[]
  readonly impossible: readonly Impossible[]
}

/** Topics whose groups cannot commit, because their tenant's home has no topic of their name. */
export function planStubs(snapshot: FleetSnapshot): StubPlan {
  const ledger = new Ledger(snapshot)
  const changes: StubChange[] = []
  const impossible: Impossible[] = []
  for (const demand of [...ledger.topics()]) {
    const { topic, home } = demand
    const site = ledger.site(topic.cluster)
    if (site === undefined || home === null || hasHomeTopic(demand)) continue
    const name = { tenant: topic.tenant, name: topic.name }
    const at = ledger.take(demand.key)
    const ask = askActive(ledger, demand, topic.cluster)
    if (!stubRule.holds(ask, site)) {
      ledger.put(demand, at)
      impossible.push({ topic: name, reason: `${stubRule.because(ask, site)}; ${stubRule.help(ask, '')}` })
      continue
    }
    ledger.put(demand, { ...at, stub: home })
    const from = topic.stub
    changes.push({
      topic: name,
      kind: from === null ? 'missing' : 'elsewhere',
      from,
      to: home,
      partitions: topic.partitions,
      reason: `its records are on ${topic.cluster}, its groups on ${home}, the home of tenant ${topic.tenant}${from === null ? '' : `; the stub on ${from} is of an earlier home`}`,
    })
  }
  return { changes, impossible }
}
