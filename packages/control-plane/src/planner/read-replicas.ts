import { choose } from './choose.ts'
import { type Demand, replicationFactorOn } from './demand.ts'
import { byText, type FleetSnapshot, type TopicName } from './fleet.ts'
import { Ledger, replicaFactorOn, stubAfter, type Whereabouts } from './ledger.ts'
import type { Impossible } from './mend.ts'
import { largestFirst } from './placement.ts'
import { refused } from './refuse.ts'
import { askActive, askReplica, brokenRule } from './rules/hard-rules.ts'
import { leftOf } from './rules/room.ts'
import { kindInWords } from './rules/suitability.ts'
import type { Site } from './site.ts'
import { bytesPerSecond } from './words.ts'

/** A standing copy to a cluster of tier read, and who would read there. */
export interface ProposedFlow {
  /** Where the topics are, or would be: what a flow reads. */
  readonly from: string
  readonly to: string
  readonly topics: readonly { readonly topic: TopicName; readonly readers: number; readonly reason: string }[]
  readonly bytesInPerSecond: number
}

export interface ReplicaProposals {
  readonly flows: readonly ProposedFlow[]
  /** Topics that need replicas, and no read cluster has the room. */
  readonly impossible: readonly Impossible[]
}

/**
 * Where a topic's readers, times its bytes in, are more than any write cluster that may have it has left: as
 * many of them as need be go to replicas on read clusters. Each replica costs its source one reader more. A
 * topic that would fit elsewhere as it is, is not proposed for: that is a move's work.
 */
export function proposeReadReplicas(snapshot: FleetSnapshot): ReplicaProposals {
  const ledger = new Ledger(snapshot)
  const flows = new Map<
    string,
    { from: string; to: string; topics: ProposedFlow['topics'][number][]; bytes: number }
  >()
  const impossible: Impossible[] = []
  for (const demand of [...ledger.topics()].sort(largestFirst)) {
    const topic = { tenant: demand.topic.tenant, name: demand.topic.name }
    const proposal = propose(ledger, demand)
    if (proposal === undefined) continue
    if ('reason' in proposal) {
      impossible.push({ topic, reason: proposal.reason })
      continue
    }
    for (const { site, readers } of proposal.replicas) {
      const key = `${proposal.from} ${site.name}`
      const flow = flows.get(key) ?? { from: proposal.from, to: site.name, topics: [], bytes: 0 }
      flow.topics.push({ topic, readers, reason: proposal.why })
      flow.bytes += demand.bytesInPerSecond
      flows.set(key, flow)
    }
  }
  return {
    flows: [...flows.values()]
      .sort((a, b) => byText(a.from, b.from) || byText(a.to, b.to))
      .map(({ from, to, topics, bytes }) => ({ from, to, topics, bytesInPerSecond: bytes })),
    impossible,
  }
}

interface Proposal {
  readonly from: string
  readonly replicas: readonly { readonly site: Site; readonly readers: number }[]
  readonly why: string
}

function propose(ledger: Ledger, demand: Demand): Proposal | { reason: string } | undefined {
  const { topic } = demand
  if (demand.bytesInPerSecond === 0 || demand.problem !== null) return undefined
  if (topic.cluster !== null && ledger.site(topic.cluster) === undefined) return undefined
  const at = ledger.take(demand.key)
  const putBack = (next: Demand = demand, where: Whereabouts = at) => ledger.put(next, where)
  const ask = askActive(ledger, demand, topic.cluster)
  const current = ledger.site(topic.cluster)
  const fits = (site: Site) => brokenRule(ask, site) === undefined
  const choice = current === undefined ? choose(ledger, demand) : undefined
  if (choice !== undefined) {
    // Not placed yet, and it can be: the room that it will take is not for others.
    const stub = stubAfter(demand, choice.site.name)
    putBack(demand, { cluster: choice.site.name, standby: choice.standby?.name ?? null, stub })
    return undefined
  }
  if ((current !== undefined && fits(current)) || ledger.sites.some(fits)) {
    putBack()
    return undefined
  }
  const why = refused(ledger, ask).reason
  // As if all readers were elsewhere: who can have the topic at all, and feed one flow?
  const bare = withReplicas(demand, demand.readers - demand.readersElsewhere, 1)
  const source =
    current !== undefined && brokenRule({ ...ask, demand: bare }, current) === undefined
      ? current
      : choose(ledger, bare, { standbyNow: at.standby })?.site
  if (source === undefined) {
    putBack()
    return undefined
  }
  const mayRead = readersThatFit(ledger, demand, source)
  // From here with the topic in the sums: none of its parts makes room for its replica.
  putBack()
  const split = splitReaders(ledger, demand, mayRead)
  if (split === undefined) {
    const readAsk = askReplica(demand, demand.readers)
    const { reason } = refused(ledger, readAsk)
    const enough = `register a ${kindInWords(readAsk)} with ${bytesPerSecond(demand.bytesInPerSecond * demand.readers)} of bytes out`
    return { reason: `${why}; ${reason}; ${enough}` }
  }
  const moved = split.reduce((sum, { readers }) => sum + readers, 0)
  for (const { site, readers } of split) ledger.changeReplica(demand, site, readers, 1)
  // Only proposed: a topic stays where it is, and one that is nowhere keeps room where it could go.
  const from = current ?? source
  const stub = at.stub ?? stubAfter(demand, source.name)
  putBack(
    withReplicas(demand, moved, split.length),
    current === undefined ? { ...at, cluster: source.name, stub } : at,
  )
  return { from: from.name, replicas: split, why }
}

/** The same topic with so many more of its readers sent to so many more replicas. */
const withReplicas = (demand: Demand, readers: number, flows: number): Demand => ({
  ...demand,
  readersElsewhere: demand.readersElsewhere + readers,
  flows: demand.flows + flows,
})

/** How many readers, flows among them, the source could feed if it had the topic. May be negative. */
function readersThatFit(ledger: Ledger, demand: Demand, source: Site): number {
  const left = leftOf(askActive(ledger, demand, source.name), source, 'bytesOutPerSecond')
  const followers = replicationFactorOn(demand, source.cluster.brokers) - 1
  return Math.floor(left / demand.bytesInPerSecond) - followers - demand.flows - demand.copies
}

/** As few replicas as can take the readers that the source cannot feed. */
function splitReaders(ledger: Ledger, demand: Demand, mayRead: number): Proposal['replicas'] | undefined {
  const here = demand.readers - demand.readersElsewhere
  const has = new Set([demand.topic.cluster, demand.topic.standby, ...demand.replicaClusters])
  const offers = ledger.sites
    .filter(({ name }) => !has.has(name))
    .filter((site) => brokenRule(askReplica(demand, 1), site) === undefined)
    .map((site) => ({ site, readers: readersAt(demand, site) }))
    .sort(
      (a, b) => b.readers - a.readers || a.site.share() - b.site.share() || byText(a.site.name, b.site.name),
    )
  for (let replicas = 1; replicas <= Math.min(offers.length, mayRead); replicas++) {
    const toMove = here - (mayRead - replicas)
    if (toMove > here) return undefined
    const [alone] = offers
      .filter(({ readers }) => readers >= toMove)
      .sort((a, b) => a.site.share() - b.site.share() || byText(a.site.name, b.site.name))
    if (replicas === 1 && alone !== undefined) return [{ site: alone.site, readers: toMove }]
    const chosen = offers.slice(0, replicas)
    if (chosen.reduce((sum, { readers }) => sum + readers, 0) < toMove) continue
    let rest = toMove
    return chosen.map(({ site, readers }) => {
      const taken = Math.min(readers, rest)
      rest -= taken
      return { site, readers: taken }
    })
  }
  return undefined
}

/** How many readers a read cluster has the bytes out for. */
function readersAt(demand: Demand, site: Site): number {
  const left = leftOf(askReplica(demand, 1), site, 'bytesOutPerSecond')
  if (left === Number.POSITIVE_INFINITY) return demand.readers
  return Math.max(0, Math.floor(left / demand.bytesInPerSecond) - (replicaFactorOn(demand, site) - 1))
}
