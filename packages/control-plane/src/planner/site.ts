// One cluster with the running sums of what it carries.
import type { Demand } from './demand.ts'
import { FAILURE_DOMAIN_LABEL, type PlannedCluster } from './fleet.ts'

/**
 * What one broker is taken to carry where its cluster states no capacity, so that clusters with and without
 * one can be filled evenly. Never a limit. 4,000 partitions per broker is the Kafka project's own advice.
 */
export const NOMINAL_PER_BROKER = {
  bytesInPerSecond: 50e6,
  bytesOutPerSecond: 150e6,
  partitions: 4_000,
} as const

export type Dimension = keyof typeof NOMINAL_PER_BROKER
export const dimensions: readonly Dimension[] = ['bytesInPerSecond', 'bytesOutPerSecond', 'partitions']
export const dimensionInWords: Readonly<Record<Dimension, string>> = {
  bytesInPerSecond: 'bytes in',
  bytesOutPerSecond: 'bytes out',
  partitions: 'partitions',
}

export interface Load {
  bytesInPerSecond: number
  bytesOutPerSecond: number
  partitions: number
}

export type Traffic = Pick<Load, 'bytesInPerSecond' | 'bytesOutPerSecond'>
export const noTraffic: Readonly<Traffic> = { bytesInPerSecond: 0, bytesOutPerSecond: 0 }

/**
 * Besides what it carries (`live`), a cluster keeps traffic **reserved** for the topics that stand by on it.
 * One failure domain is taken to fail at a time: what is reserved is the most that any one domain would send
 * here, not the sum over all of them.
 */
export class Site {
  readonly cluster: PlannedCluster
  readonly name: string
  readonly domain: string
  readonly live: Load = { bytesInPerSecond: 0, bytesOutPerSecond: 0, partitions: 0 }
  readonly reserved: Traffic = { bytesInPerSecond: 0, bytesOutPerSecond: 0 }
  /** Topics whose active loglet is here. */
  readonly active = new Set<Demand>()
  /** How many of them by tenant. */
  readonly tenants = new Map<string, number>()
  /** Capacities, and what takes the place of those that are not stated. */
  private readonly full: Readonly<Load>
  private readonly reservedByDomain = new Map<string, Traffic>()

  constructor(cluster: PlannedCluster) {
    this.cluster = cluster
    this.name = cluster.name
    this.domain = cluster.labels[FAILURE_DOMAIN_LABEL] ?? cluster.name
    this.live.partitions = cluster.otherPartitions
    const brokers = Math.max(1, cluster.brokers)
    this.full = {
      bytesInPerSecond: cluster.capacity.bytesInPerSecond ?? brokers * NOMINAL_PER_BROKER.bytesInPerSecond,
      bytesOutPerSecond: cluster.capacity.bytesOutPerSecond ?? brokers * NOMINAL_PER_BROKER.bytesOutPerSecond,
      partitions: cluster.capacity.partitions ?? brokers * NOMINAL_PER_BROKER.partitions,
    }
  }

  /** Adds to what is live; `sign` -1 takes away. */
  change(bytesIn: number, bytesOut: number, partitions: number, sign: 1 | -1): void {
    this.live.bytesInPerSecond += sign * bytesIn
    this.live.bytesOutPerSecond += sign * bytesOut
    this.live.partitions += sign * partitions
  }

  reservedFor(domain: string): Readonly<Traffic> {
    return this.reservedByDomain.get(domain) ?? noTraffic
  }

  reserve(domain: string, bytesIn: number, bytesOut: number, sign: 1 | -1): void {
    let traffic = this.reservedByDomain.get(domain)
    if (traffic === undefined) {
      traffic = { ...noTraffic }
      this.reservedByDomain.set(domain, traffic)
    }
    traffic.bytesInPerSecond += sign * bytesIn
    traffic.bytesOutPerSecond += sign * bytesOut
    if (sign === 1) {
      this.reserved.bytesInPerSecond = Math.max(this.reserved.bytesInPerSecond, traffic.bytesInPerSecond)
      this.reserved.bytesOutPerSecond = Math.max(this.reserved.bytesOutPerSecond, traffic.bytesOutPerSecond)
      return
    }
    this.reserved.bytesInPerSecond = 0
    this.reserved.bytesOutPerSecond = 0
    for (const each of this.reservedByDomain.values()) {
      this.reserved.bytesInPerSecond = Math.max(this.reserved.bytesInPerSecond, each.bytesInPerSecond)
      this.reserved.bytesOutPerSecond = Math.max(this.reserved.bytesOutPerSecond, each.bytesOutPerSecond)
    }
  }

  /** How full it is: the share of its tightest capacity, if so much were added to what is live. */
  share(bytesIn = 0, bytesOut = 0, partitions = 0): number {
    const { live, full } = this
    return Math.max(
      part(live.bytesInPerSecond + bytesIn, full.bytesInPerSecond),
      part(live.bytesOutPerSecond + bytesOut, full.bytesOutPerSecond),
      part(live.partitions + partitions, full.partitions),
    )
  }

  /** The capacity that decides `share()`, if so much were added. */
  tightest(bytesIn = 0, bytesOut = 0, partitions = 0): Dimension {
    const { live, full } = this
    const parts: Readonly<Record<Dimension, number>> = {
      bytesInPerSecond: part(live.bytesInPerSecond + bytesIn, full.bytesInPerSecond),
      bytesOutPerSecond: part(live.bytesOutPerSecond + bytesOut, full.bytesOutPerSecond),
      partitions: part(live.partitions + partitions, full.partitions),
    }
    return dimensions.reduce((tightest, each) => (parts[each] > parts[tightest] ? each : tightest))
  }
}

const part = (load: number, capacity: number): number => (load === 0 ? 0 : load / capacity)
