import type { Demand } from './demand.ts'
import type { FleetSnapshot, TopicName } from './fleet.ts'
import { hasHomeTopic, Ledger } from './ledger.ts'
import type { Impossible, Mended } from './mend.ts'
import { untilSettled } from './mend.ts'
import { askActive } from './rules/hard-rules.ts'
import { stub as stubRule } from './rules/room.ts'

export interface StubChange {
  readonly topic: TopicName
  readonly kind: 'missing' | 'elsewhere'
  /** Where it is, when it is not at home: commits made there do not count. */
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
  return untilSettled([...ledger.topics()], (demand) => planStub(ledger, demand))
}

function planStub(ledger: Ledger, demand: Demand): Mended<StubChange> {
  const { topic, home } = demand
  const site = ledger.site(topic.cluster)
  if (site === undefined || home === null || hasHomeTopic(demand)) return { kind: 'right' }
  const name = { tenant: topic.tenant, name: topic.name }
  // Asked with the topic in the sums: none of its parts makes room for another.
  const ask = askActive(ledger, demand)
  if (!stubRule.holds(ask, site)) {
    const reason = `${stubRule.because(ask, site)}; ${stubRule.help(ask, '')}`
    return { kind: 'impossible', impossible: { topic: name, reason } }
  }
  ledger.put(demand, { ...ledger.where(demand), stub: home })
  const from = topic.stub
  const earlier = from === null ? '' : `; the stub on ${from} is of an earlier home`
  const reason = `its records are on ${topic.cluster}, its groups on ${home}, the home of tenant ${topic.tenant}${earlier}`
  const kind = from === null ? 'missing' : 'elsewhere'
  return {
    kind: 'change',
    change: { topic: name, kind, from, to: home, partitions: topic.partitions, reason },
  }
}
