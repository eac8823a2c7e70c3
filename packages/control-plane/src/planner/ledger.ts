// The fleet while a plan is made: every topic put where it is, taken out, put elsewhere, with each cluster's
// sums kept up to date. So a plan over 10,000 topics costs topics x clusters, and never topics x topics.
import { type Demand, demandsOf, fanOut, readersHere, replicationFactorOn } from './demand.ts'
import { byText, type FleetSnapshot, type PlannedTopic, topicKey } from './fleet.ts'
import { Site } from './site.ts'

/** Where the parts of a topic are. */
export interface Whereabouts {
  readonly cluster: string | null
  readonly standby: string | null
  readonly stub: string | null
}

export class Ledger {
  /** By name. */
  readonly sites: readonly Site[]
  readonly demandOf: (topic: PlannedTopic) => Demand
  private readonly byName: ReadonlyMap<string, Site>
  private readonly demands = new Map<string, Demand>()
  private readonly whereabouts = new Map<string, Whereabouts>()

  constructor(snapshot: FleetSnapshot) {
    this.sites = snapshot.clusters
      .map((cluster) => new Site(cluster))
      .toSorted((a, b) => byText(a.name, b.name))
    this.byName = new Map(this.sites.map((site) => [site.name, site]))
    this.demandOf = demandsOf(snapshot)
    // In the order of names, whatever the order of the snapshot: plans must not depend on it.
    for (const demand of snapshot.topics.map(this.demandOf).sort((a, b) => byText(a.key, b.key))) {
      this.put(demand, demand.topic)
    }
    for (const replica of snapshot.replicas) {
      const demand = this.demands.get(topicKey({ tenant: replica.tenant, name: replica.topic }))
      const site = this.byName.get(replica.cluster)
      if (demand !== undefined && site !== undefined) this.changeReplica(demand, site, replica.readers, 1)
    }
  }

  site(name: string | null): Site | undefined {
    return name === null ? undefined : this.byName.get(name)
  }

  /** All topics, by tenant and name. */
  topics(): IterableIterator<Demand> {
    return this.demands.values()
  }

  where(demand: Demand): Whereabouts {
    return this.whereabouts.get(demand.key) ?? nowhere
  }

  put(demand: Demand, { cluster, standby, stub }: Whereabouts): void {
    this.take(demand.key)
    this.demands.set(demand.key, demand)
    this.whereabouts.set(demand.key, { cluster, standby, stub })
    this.change(demand, { cluster, standby, stub }, 1)
  }

  /** Takes a topic out of the sums. It stays known, at the place it had in the order. */
  take(key: string): Whereabouts {
    const demand = this.demands.get(key)
    const at = this.whereabouts.get(key)
    if (demand === undefined || at === undefined) return nowhere
    this.whereabouts.delete(key)
    this.change(demand, at, -1)
    return at
  }

  /** Takes out what is known of a topic, if anything is. The answer puts it back as it was. */
  takeOut(key: string): () => void {
    const demand = this.demands.get(key)
    if (demand === undefined) return () => {}
    const at = this.take(key)
    return () => this.put(demand, at)
  }

  /** A replica is where it is, wherever its topic goes. `sign` -1 takes it away. */
  changeReplica(demand: Demand, site: Site, readers: number, sign: 1 | -1): void {
    const { bytesInPerSecond: bytes, topic } = demand
    const bytesOut = fanOut(bytes, Math.ceil(readers), replicaFactorOn(demand, site))
    site.change(bytes, bytesOut, topic.partitions, sign)
  }

  private change(demand: Demand, { cluster, standby, stub }: Whereabouts, sign: 1 | -1): void {
    const { bytesInPerSecond: bytes, topic } = demand
    const active = this.site(cluster)
    if (active !== undefined) {
      active.change(bytes, activeBytesOut(demand, active), topic.partitions, sign)
      active.tenants.set(topic.tenant, (active.tenants.get(topic.tenant) ?? 0) + sign)
      if (sign === 1) active.active.add(demand)
      else active.active.delete(demand)
    }
    const other = this.site(standby)
    if (other !== undefined) {
      other.change(copyBytesIn(demand), copyBytesOut(demand, other), topic.partitions, sign)
      const domain = active?.domain ?? ''
      other.reserve(domain, reservedBytesIn(demand), reservedBytesOut(demand, other), sign)
    }
    this.site(stub)?.change(0, 0, topic.partitions, sign)
  }
}

const nowhere: Whereabouts = { cluster: null, standby: null, stub: null }

export const activeBytesOut = (demand: Demand, site: Site): number =>
  fanOut(demand.bytesInPerSecond, readersHere(demand), replicationFactorOn(demand, site.cluster.brokers))

/** What a dual topic's copy brings to the standby all the time. */
export const copyBytesIn = (demand: Demand): number => (demand.dual ? demand.bytesInPerSecond : 0)
export const copyBytesOut = (demand: Demand, site: Site): number =>
  demand.dual ? fanOut(demand.bytesInPerSecond, 0, replicationFactorOn(demand, site.cluster.brokers)) : 0

/** What a failover would add to that. */
export const reservedBytesIn = (demand: Demand): number => (demand.dual ? 0 : demand.bytesInPerSecond)
export const reservedBytesOut = (demand: Demand, site: Site): number =>
  activeBytesOut(demand, site) - copyBytesOut(demand, site)

/** A replica is a copy: it makes do with the brokers that its cluster has. */
export const replicaFactorOn = (demand: Demand, site: Site): number =>
  Math.min(replicationFactorOn(demand, site.cluster.brokers), Math.max(1, site.cluster.brokers))

/**
 * Where the stub of a topic is once its active loglet is on `cluster`. A home topic left behind becomes the
 * stub; a stub that stands elsewhere is for the plan of stubs to replace.
 */
export function stubAfter(demand: Demand, cluster: string): string | null {
  const { topic, home } = demand
  if (home === null || cluster === home) return topic.stub
  return hasHomeTopic(demand) ? home : (topic.stub ?? home)
}

/** There is a home topic at home already, so a stub there costs no more room than is taken. */
export const hasHomeTopic = ({ topic, home }: Demand): boolean =>
  home !== null && (topic.stub === home || topic.cluster === home)
