import { type Choice, choose, shareWith } from './choose.ts'
import { type Demand, fanOutInWords, replicationFactorOn } from './demand.ts'
import type { FleetSnapshot, PlannedTopic, TopicName } from './fleet.ts'
import { activeBytesOut, Ledger, stubAfter } from './ledger.ts'
import { objection, refuse } from './refuse.ts'
import { askActive } from './rules/hard-rules.ts'
import { leftOf } from './rules/room.ts'
import { kindInWords } from './rules/suitability.ts'
import { dimensionInWords } from './site.ts'
import { bytesPerSecond, count, percent } from './words.ts'

export type Placement =
  | {
      readonly kind: 'placed'
      readonly topic: TopicName
      readonly cluster: string
      readonly standby: string | null
      /** The cluster that has, or needs, its stub. */
      readonly stub: string | null
      readonly reasons: readonly string[]
    }
  | { readonly kind: 'refused'; readonly topic: TopicName; readonly reason: string; readonly help: string }

export interface Consideration {
  readonly cluster: string
  readonly verdict: 'chosen' | 'possible' | 'refused'
  readonly reason: string
}

export type ExplainedPlacement = Placement & {
  /** Every cluster, by name, and what was thought of it. */
  readonly considered: readonly Consideration[]
}

/**
 * Where one topic should be. A topic that the snapshot has already is looked at as if it were new: where it is
 * does not count, neither for nor against it. Nothing else moves.
 */
export function placeTopic(snapshot: FleetSnapshot, topic: PlannedTopic): ExplainedPlacement {
  const ledger = new Ledger(snapshot)
  const demand = ledger.demandOf(topic)
  ledger.take(demand.key)
  const choice = choose(ledger, demand)
  return { ...placement(ledger, demand, choice), considered: consider(ledger, demand, choice) }
}

/**
 * Where topics should be, one answer for each in the order asked, and for no other. The largest are placed
 * first, each seeing those before it, so the answers do not depend on the order of the question.
 */
export function planTopics(snapshot: FleetSnapshot, topics: readonly PlannedTopic[]): Placement[] {
  const ledger = new Ledger(snapshot)
  const demands = topics.map(ledger.demandOf)
  const answers = new Map<string, Placement>()
  for (const demand of demands.toSorted(largestFirst)) {
    const undo = ledger.takeOut(demand.key)
    const choice = choose(ledger, demand)
    answers.set(demand.key, placement(ledger, demand, choice))
    if (choice === undefined) {
      undo()
      continue
    }
    const { site, standby } = choice
    ledger.put(demand, {
      cluster: site.name,
      standby: standby?.name ?? null,
      stub: stubAfter(demand, site.name),
    })
  }
  return demands.map(({ key }) => answers.get(key)!)
}

/** All topics of the fleet that have no cluster yet. */
export const planFleetPlacement = (snapshot: FleetSnapshot): Placement[] =>
  planTopics(
    snapshot,
    snapshot.topics.filter(({ cluster }) => cluster === null),
  )

/** Large topics fit in few places, small ones fit around them. Then by name, as nothing may be left to chance. */
export function largestFirst(a: Demand, b: Demand): number {
  const weight = (demand: Demand) => demand.bytesInPerSecond * (demand.readers + 1)
  return (
    weight(b) - weight(a) ||
    b.topic.partitions - a.topic.partitions ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  )
}

function placement(ledger: Ledger, demand: Demand, choice: Choice | undefined): Placement {
  const { tenant, name } = demand.topic
  const topic = { tenant, name }
  if (choice === undefined) return { kind: 'refused', topic, ...refuse(ledger, demand) }
  const { site, standby } = choice
  const stub = stubAfter(demand, site.name)
  return {
    kind: 'placed',
    topic,
    cluster: site.name,
    standby: standby?.name ?? null,
    stub,
    reasons: reasons(ledger, demand, choice, stub),
  }
}

function reasons(ledger: Ledger, demand: Demand, choice: Choice, stub: string | null): string[] {
  const { site, standby } = choice
  const ask = askActive(ledger, demand)
  const left = leftOf(ask, site, 'bytesOutPerSecond')
  const room = left === Number.POSITIVE_INFINITY ? 'it has no limit' : `it has ${bytesPerSecond(left)} left`
  return [
    `${site.name}: ${whyThis(demand, choice)}`,
    `bytes out: ${fanOutInWords(demand, replicationFactorOn(demand, site.cluster.brokers))}, ${room}`,
    ...(standby === null
      ? []
      : [
          `standby ${standby.name}: in failure domain ${standby.domain}, not ${site.domain}, with room for a failover`,
        ]),
    ...(stub === null || stub === site.name
      ? []
      : [`stub on ${stub}, the home of tenant ${demand.topic.tenant}`]),
  ]
}

/** The soft rule that decided; for moves, too. */
export function whyThis(demand: Demand, { site, because, share, possible }: Choice): string {
  const { tenant } = demand.topic
  const by = site.tightest(demand.bytesInPerSecond, activeBytesOut(demand, site), demand.topic.partitions)
  const full = `${percent(share)} full with it (${dimensionInWords[by]})`
  switch (because) {
    case 'only':
      if (demand.topic.pinnedTo === site.name) return `the topic is pinned to it, ${full}`
      return `the only ${kindInWords({ ...noAsk, demand })} that can have it, ${full}`
    case 'home':
      return `the home of tenant ${tenant}, ${full}`
    case 'together':
      return `has ${count(site.tenants.get(tenant) ?? 0, 'topic')} of tenant ${tenant}, ${full}`
    case 'even':
      return `the emptiest of ${possible} that can have it, ${full}`
  }
}

const noAsk = { role: 'active', incumbent: null, primary: null, home: null, stub: null, readers: 0 } as const

function consider(ledger: Ledger, demand: Demand, choice: Choice | undefined): Consideration[] {
  return ledger.sites.map((site) => {
    const cluster = site.name
    if (choice !== undefined && site === choice.site) {
      return { cluster, verdict: 'chosen', reason: whyThis(demand, choice) }
    }
    const reason = objection(ledger, demand, site)
    if (reason !== undefined) return { cluster, verdict: 'refused', reason }
    return { cluster, verdict: 'possible', reason: `${percent(shareWith(demand, site))} full with it` }
  })
}
