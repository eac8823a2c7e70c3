import { type ClusterRegistration, clusterRegistration, defaultTenant } from '@braid/control-api'
import { ConnectionError, isMisconfiguration } from '@braid/kafka-connection'
import { CLUSTER_NUMBER_MAX, type RouteTable } from '@braid/routing-model'
import { reasonOf } from '../log.ts'
import { Refusal, unknownCluster } from '../refusal.ts'
import type { RouteBoard } from '../routes/route-board.ts'
import type { ClusterRow } from '../store/rows.ts'
import type { Store } from '../store/store.ts'
import type { ClusterFacts, KafkaCluster } from './kafka-cluster.ts'
import type { ClusterEnd } from './real-cluster.ts'

export type OpenCluster = (end: ClusterEnd) => KafkaCluster

/** The registered clusters, and our connections to them. */
export class Clusters {
  private readonly store: Store
  private readonly board: RouteBoard
  private readonly openCluster: OpenCluster
  private readonly now: () => number
  private readonly connections = new Map<string, Promise<KafkaCluster>>()
  private readonly registering = new Set<string>()

  constructor(parts: { store: Store; board: RouteBoard; openCluster: OpenCluster; now: () => number }) {
    this.store = parts.store
    this.board = parts.board
    this.openCluster = parts.openCluster
    this.now = parts.now
  }

  list(): Promise<ClusterRow[]> {
    return this.store.clusters()
  }

  async get(name: string): Promise<ClusterRow> {
    const row = await this.store.cluster(name)
    if (row === undefined) throw unknownCluster(name, this.board.table.clusters.keys())
    return row
  }

  /** The cluster that coordinates the groups of the tenant. */
  home(tenant: string): string {
    const home = this.board.table.tenants.get(tenant)?.home
    if (home === undefined) {
      throw new Refusal(
        'NO_CLUSTER',
        'no cluster is registered yet: register one first, it becomes the home of all groups',
      )
    }
    return home
  }

  /** Our connections to it, made when first asked for. They open sockets only when they are used. */
  open(name: string): Promise<KafkaCluster> {
    const known = this.connections.get(name)
    if (known !== undefined) return known
    const opened = this.get(name).then((row) => this.openCluster(row))
    this.connections.set(name, opened)
    opened.catch(() => this.connections.delete(name))
    return opened
  }

  /** Facts of a cluster, once it is sure that it is there, and the one that was registered. */
  async reach(name: string): Promise<ClusterFacts> {
    const row = await this.get(name)
    const facts = await factsOf(await this.open(name), row.bootstrap)
    if (facts.clusterId !== row.clusterId) {
      throw new Refusal(
        'CLUSTER_CHANGED',
        `${name}: the cluster at ${row.bootstrap.join(', ')} is ${facts.clusterId}, registered was ${row.clusterId}: it was formatted anew or its address belongs to another; register that under a name of its own`,
      )
    }
    return facts
  }

  async register(registration: ClusterRegistration): Promise<ClusterRow> {
    const { name, bootstrap, partitionsMax = null } = clusterRegistration.parse(registration)
    if (this.registering.has(name)) {
      throw new Refusal('CLUSTER_EXISTS', `cluster ${name} is being registered at this moment`)
    }
    this.registering.add(name)
    try {
      await this.refuseKnown(name)
      return await this.registerNew({ name, bootstrap, partitionsMax })
    } finally {
      this.registering.delete(name)
    }
  }

  private async registerNew(
    fresh: Pick<ClusterRow, 'name' | 'bootstrap' | 'partitionsMax'>,
  ): Promise<ClusterRow> {
    const { name, bootstrap } = fresh
    const cluster = this.openCluster(fresh)
    try {
      const { clusterId } = await factsOf(cluster, bootstrap)
      await cluster.checkSupported()
      const row = await this.add({ ...fresh, clusterId })
      this.connections.set(name, Promise.resolve(cluster))
      return row
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  async remove(name: string): Promise<void> {
    await this.store.transaction(() => this.removeUnused(name))
    const cluster = this.connections.get(name)
    this.connections.delete(name)
    await (await cluster)?.close()
  }

  async close(): Promise<void> {
    const open = [...this.connections.values()]
    this.connections.clear()
    await Promise.allSettled(open.map(async (cluster) => (await cluster).close()))
  }

  /** Checked and written in one transaction. */
  private async removeUnused(name: string): Promise<void> {
    await this.get(name)
    const loglets = logletsOn(this.board.table, name)
    if (loglets > 0) {
      throw new Refusal(
        'CLUSTER_IN_USE',
        `${loglets} loglets live on ${name}: move their topics away and let their retention pass, or delete them`,
      )
    }
    const [migration] = await this.store.migrations.underwayOn(name)
    if (migration !== undefined) {
      throw new Refusal(
        'CLUSTER_IN_USE',
        `topic ${migration.topic} is being moved between ${migration.from.cluster} and ${migration.to.cluster}: wait for it, or cancel it`,
      )
    }
    const homeOf = [...this.board.table.tenants.values()].filter((tenant) => tenant.home === name)
    const last = this.board.table.clusters.size === 1
    if (homeOf.length > 0 && !(last && this.board.table.topicCount === 0)) {
      throw new Refusal(
        'CLUSTER_IN_USE',
        `${name} is the home of tenant ${homeOf[0]!.name}: its consumer groups live there`,
      )
    }
    const removedTenants = homeOf.map((tenant) => tenant.name)
    await this.board.change(
      { removedClusters: [name], ...(removedTenants.length > 0 && { removedTenants }) },
      async () => {
        for (const tenant of removedTenants) await this.store.removeTenant(tenant)
        await this.store.removeCluster(name)
      },
    )
  }

  private async refuseKnown(name: string): Promise<void> {
    const known = await this.store.cluster(name)
    if (known === undefined) return
    throw new Refusal(
      'CLUSTER_EXISTS',
      `cluster ${name} is registered, at ${known.bootstrap.join(', ')}: choose another name`,
    )
  }

  private add(
    fresh: Pick<ClusterRow, 'name' | 'bootstrap' | 'clusterId' | 'partitionsMax'>,
  ): Promise<ClusterRow> {
    return this.store.transaction(async () => {
      const { clusterId } = fresh
      const same = await this.store.clusterWithId(clusterId)
      if (same !== undefined) {
        throw new Refusal(
          'CLUSTER_ALREADY_REGISTERED',
          `the cluster at ${fresh.bootstrap.join(', ')} is registered as ${same.name} (cluster id ${clusterId}): use that name`,
        )
      }
      const number = await this.store.nextClusterNumber()
      if (number > CLUSTER_NUMBER_MAX) {
        throw new Refusal(
          'LIMIT_REACHED',
          `${CLUSTER_NUMBER_MAX} clusters were registered, more than there are numbers for`,
        )
      }
      const row: ClusterRow = { ...fresh, number, registeredAt: this.now() }
      const { name, bootstrap } = row
      // The first cluster is home to the one tenant of this release.
      const tenants = this.board.table.tenants.has(defaultTenant) ? [] : [{ name: defaultTenant, home: name }]
      await this.board.change(
        { clusters: [{ name, number, bootstrap }], ...(tenants.length > 0 && { tenants }) },
        async () => {
          await this.store.addCluster(row)
          for (const tenant of tenants) await this.store.addTenant(tenant.name, tenant.home)
        },
      )
      return row
    })
  }
}

/** Loglets of topics that live on a cluster, and stubs, whose loss would lose commits. */
export function logletsOn(table: RouteTable, cluster: string): number {
  let count = 0
  for (const tenant of table.tenants.values()) {
    for (const topic of table.topics(tenant.name)) {
      let homeTopicCounted = tenant.home !== cluster
      for (let i = 0; i < topic.depth; i++) {
        if (topic.cluster(i) !== cluster) continue
        count++
        if (topic.physicalTopic(i) === topic.homeTopic) homeTopicCounted = true
      }
      if (!homeTopicCounted) count++
    }
  }
  return count
}

async function factsOf(cluster: KafkaCluster, bootstrap: readonly string[]): Promise<ClusterFacts> {
  try {
    return await cluster.facts()
  } catch (error) {
    if (error instanceof Refusal) throw error
    const refused = accessRefusal(error, `${cluster.name} cannot be used`)
    if (refused !== undefined) throw refused
    throw new Refusal(
      'CLUSTER_UNREACHABLE',
      `${cluster.name} does not answer at ${bootstrap.join(', ')}: ${reasonOf(error)}. Is it running, and reachable from the control plane?`,
      { cause: error },
    )
  }
}

/** When the cluster is there, and does not let us in or does not grant us a right. */
function accessRefusal(error: unknown, what: string): Refusal | undefined {
  if (isMisconfiguration(error))
    return new Refusal('CLUSTER_ACCESS_REFUSED', `${what}: ${error.message}`, { cause: error })
  if (error instanceof ConnectionError && error.code === 'NOT_AUTHORIZED')
    return new Refusal('CLUSTER_RIGHT_MISSING', `${what}: ${error.message}`, { cause: error })
  return undefined
}

/** What a call to a cluster failed with, as a Refusal. */
export function clusterRefusal(error: unknown, what: string): Refusal {
  if (error instanceof Refusal) return error
  const refused = accessRefusal(error, what)
  if (refused !== undefined) return refused
  const away =
    error instanceof ConnectionError && ['CONNECT_FAILED', 'CLOSED', 'TIMED_OUT'].includes(error.code)
  if (away) return new Refusal('CLUSTER_UNREACHABLE', `${what}: ${error.message}`, { cause: error })
  if (error instanceof ConnectionError) {
    return new Refusal('TOPIC_CONFIG_REFUSED', `${what}: ${error.message}`, { cause: error })
  }
  return new Refusal('INTERNAL', `${what}: ${reasonOf(error)}`, { cause: error })
}
