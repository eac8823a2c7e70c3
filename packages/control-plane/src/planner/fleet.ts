// What the planner looks at. Plain data: whoever has the store and the measurements makes one, tests write it by hand.

export type ClusterTier = 'shared' | 'dedicated' | 'read'
export type ClusterState = 'active' | 'cordoned' | 'draining' | 'unavailable'

/** The label that names what fails together: a rack, a zone, a site. Without it a cluster fails alone. */
export const FAILURE_DOMAIN_LABEL = 'failure-domain'

export interface PlannedCluster {
  readonly name: string
  readonly tier: ClusterTier
  /** The tenant that a `dedicated` cluster serves (a `read` cluster may have one, too); null elsewhere. */
  readonly dedicatedTo: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly brokers: number
  readonly capacity: ClusterCapacity
  readonly state: ClusterState
  /**
   * Partitions there that stand in no other field of the snapshot: those of topics that are not Braid's, and
   * of sealed loglets that retention has not emptied yet. In the unit of `capacity.partitions`.
   */
  readonly otherPartitions: number
}

/** What a cluster takes; null is no limit. */
export interface ClusterCapacity {
  /** What producers may send, before replication. */
  readonly bytesInPerSecond: number | null
  /** What leaves the brokers: to readers and, in replication, to each other. */
  readonly bytesOutPerSecond: number | null
  /** Partitions, each counted once and not once per replica: as a cluster's registered limit counts them. */
  readonly partitions: number | null
}

export interface SlaClass {
  readonly name: string
  readonly availability: { readonly failover: 'none' | 'strict' | 'available' }
  readonly durability: {
    readonly replicationFactor: number
    readonly minInSyncReplicas: number
    /** A copy on the standby at all times: needs a standby whatever `failover` says. */
    readonly dual: boolean
  }
  readonly latency: {
    /** Only on clusters dedicated to the tenant. */
    readonly dedicated: boolean
    /** The cluster has all of them; so has the standby, which clients may come to depend on. */
    readonly labels: Readonly<Record<string, string>>
  }
  /** A policy for topic configs; placement does not look at it. */
  readonly maxRetentionMs: number | null
}

export interface PlannedTenant {
  readonly name: string
  /** Coordinates its groups and transactions; has a home topic (a stub, where need be) for each of its topics. */
  readonly home: string
  readonly standbyHome: string | null
}

export interface TopicTraffic {
  readonly bytesInPerSecond: number
  /** Groups that read everything once. */
  readonly readers: number
}

export interface PlannedTopic {
  readonly tenant: string
  readonly name: string
  readonly partitions: number
  /** Name of its class; null for none: any shared cluster, no standby. */
  readonly sla: string | null
  /** Null: that of the class; without a class as many as the cluster has brokers, at most 3. */
  readonly replicationFactor: number | null
  /** What its owner asked room for. */
  readonly expected: TopicTraffic
  /** What it does; null when nothing is known yet. */
  readonly measured: TopicTraffic | null
  /** Where its active loglet is; null while it has none. */
  readonly cluster: string | null
  readonly pinnedTo: string | null
  /** The cluster with its standby topic; null while it has none, and while the topic has no cluster. */
  readonly standby: string | null
  /** The cluster with its stub; null while its home topic is its active loglet, and where one is missing. */
  readonly stub: string | null
  readonly transactional: boolean
  /** Whether a migration may move it now: not compacted, not being moved, ... */
  readonly movable: { readonly ok: true } | { readonly ok: false; readonly reason: string }
}

/** A read replica of a topic: a flow from the topic to the cluster, and the readers that are sent there. */
export interface PlannedReplica {
  readonly tenant: string
  readonly topic: string
  readonly cluster: string
  readonly readers: number
}

export interface FleetSnapshot {
  readonly clusters: readonly PlannedCluster[]
  readonly slas: readonly SlaClass[]
  readonly tenants: readonly PlannedTenant[]
  readonly topics: readonly PlannedTopic[]
  readonly replicas: readonly PlannedReplica[]
}

export type TopicName = Pick<PlannedTopic, 'tenant' | 'name'>

/** One string per topic of the fleet: for maps, and for the order in which topics are looked at. */
export const topicKey = ({ tenant, name }: TopicName): string => `${tenant}/${name}`

/** Code units, not a locale: the same order on every machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
