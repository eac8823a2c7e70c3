import { type clusterRegistration, type clusterUpdate, defaultTenant } from '@braid/control-api'
import { ConnectionError, isMisconfiguration } from '@braid/kafka-connection'
import { CLUSTER_NUMBER_MAX, type RouteTable } from '@braid/routing-model'
import type { z } from 'zod'
import { reasonOf } from '../log.ts'
import { Refusal, unknownCluster, unknownTenant } from '../refusal.ts'
import type { RouteBoard } from '../routes/route-board.ts'
import type { ClusterRow } from '../store/rows.ts'
import { clusterRoute, type Store } from '../store/store.ts'
import type { ClusterFacts, KafkaCluster } from './kafka-cluster.ts'
import type { ClusterEnd } from './real-cluster.ts'

export type Registration = z.output<typeof clusterRegistration>
export type Update = z.output<typeof clusterUpdate>
/** Called in the transaction that makes the change; undefined: it is not there, or no more. */
export type Recorder = (after: ClusterRow | undefined, before: ClusterRow | undefined) => Promise<void>

const unrecorded: Recorder = async () => {}

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
    if (home !== undefined) return home
    if (this.board.table.clusters.size > 0 || tenant !== defaultTenant) throw unknownTenant(tenant)
    throw new Refusal(
      'NO_CLUSTER',
      'no cluster is registered yet: register one first, it becomes the home of the default tenant',
    )
  }

  /** Our connections to it, made when first asked for. They open sockets only when they are used. */
  open(name: string): Promise<KafkaCluster> {
    const known = this.connections.get(name)
    if (known !== undefined) return known
    const opened = this.get(name).then((row) =>
      this.openCluster({ ...row, security: row.security ?? undefined }),
    )
    this.connections.set(name, opened)
    opened.catch(() => this.connections.delete(name))
    return opened
  }

  /** One that is not registered, or not at these addresses. Whoever asks for it closes it. */
  openAt(end: ClusterEnd): KafkaCluster {
    return this.openCluster(end)
  }

  /** At the addresses that the store has now. What is under way on the old connections fails. */
  async reconnect(name: string): Promise<void> {
    const old = this.connections.get(name)
    this.connections.delete(name)
    await (await old?.catch(() => undefined))?.close()
  }

  /** Facts of a cluster, once it is sure that it is there, and the one that was registered. */
  async reach(name: string): Promise<ClusterFacts> {
    const row = await this.get(name)
    return this.checkSame(await this.open(name), row)
  }

  async register(registration: Registration, record: Recorder = unrecorded): Promise<ClusterRow> {
    const { name } = registration
    if (this.registering.has(name)) {
      throw new Refusal('CLUSTER_EXISTS', `cluster ${name} is being registered at this moment`)
    }
    this.registering.add(name)
    try {
      await this.refuseKnown(name)
      return await this.registerNew(registration, record)
    } finally {
      this.registering.delete(name)
    }
  }

  private async registerNew(registration: Registration, record: Recorder): Promise<ClusterRow> {
    const { name, bootstrap } = registration
    const cluster = this.openCluster({ ...registration, security: registration.security ?? undefined })
    try {
      const { clusterId } = await factsOf(cluster, bootstrap)
      await cluster.checkSupported()
      const row = await this.add(registration, clusterId, record)
      this.connections.set(name, Promise.resolve(cluster))
      return row
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** New addresses are believed only when the same cluster answers there. */
  async update(name: string, update: Update, record: Recorder = unrecorded): Promise<ClusterRow> {
    const { bootstrap, security } = update
    const known = await this.get(name)
    const reconnects = bootstrap !== undefined || security !== undefined
    const next = { bootstrap: bootstrap ?? known.bootstrap, security: security ?? null }
    if (security === undefined) next.security = known.security
    const fresh = reconnects
      ? this.openCluster({ name, bootstrap: next.bootstrap, security: next.security ?? undefined })
      : undefined
    try {
      if (fresh !== undefined) await this.checkSame(fresh, { ...known, ...next })
      const row = await this.store.transaction(async () => {
        const before = await this.get(name)
        const after = updated(before, update)
        this.refuseUnfit(after)
        const write = async () => {
          await this.store.updateCluster(after)
          await record(after, before)
        }
        if (reconnects) await this.board.change({ clusters: [clusterRoute(after)] }, write)
        else await write()
        return after
      })
      if (fresh !== undefined) {
        const old = this.connections.get(name)
        this.connections.set(name, Promise.resolve(fresh))
        // What is under way on it fails, and is tried again on the new one.
        await (await old?.catch(() => undefined))?.close()
      }
      return row
    } catch (error) {
      await fresh?.close()
      throw error
    }
  }

  /** To `active` or `cordoned`, from either. */
  async setCordoned(name: string, cordoned: boolean, record: Recorder = unrecorded): Promise<ClusterRow> {
    return this.store.transaction(async () => {
      const before = await this.get(name)
      if (before.state === 'draining' || before.state === 'unavailable') {
        throw new Refusal(
          'CLUSTER_BUSY',
          before.state === 'draining'
            ? `${name} is being drained: cancel that operation first`
            : `${name} is unavailable: it takes no topics until it is back`,
        )
      }
      const after: ClusterRow = { ...before, state: cordoned ? 'cordoned' : 'active' }
      await this.store.updateCluster(after)
      await record(after, before)
      return after
    })
  }

  async remove(name: string, record: Recorder = unrecorded): Promise<void> {
    await this.store.transaction(() => this.removeUnused(name, record))
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
  private async removeUnused(name: string, record: Recorder): Promise<void> {
    const known = await this.get(name)
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
    const homeOf = await this.store.tenantSpecs.homeOf(name)
    const standbyHomeOf = await this.store.tenantSpecs.standbyHomeOf(name)
    const [naming] = await this.store.topicSpecs.naming(name)
    const last = this.board.table.clusters.size === 1
    // The default tenant came with its first cluster, and goes with its last one.
    const goesToo = homeOf.every((tenant) => tenant === defaultTenant)
    const tenant = homeOf[0] ?? standbyHomeOf[0]
    if (tenant !== undefined && !(last && goesToo && this.board.table.topicCount === 0)) {
      throw new Refusal(
        'CLUSTER_IN_USE',
        homeOf.length > 0
          ? `${name} is the home of tenant ${tenant}: its consumer groups live there`
          : `${name} is the standby home of tenant ${tenant}: give that another one first`,
      )
    }
    if (naming !== undefined) {
      throw new Refusal(
        'CLUSTER_IN_USE',
        `topic ${naming.name} of tenant ${naming.tenant} is pinned to ${name}, or has it as standby: change that first`,
      )
    }
    await this.board.change(
      { removedClusters: [name], ...(homeOf.length > 0 && { removedTenants: homeOf }) },
      async () => {
        for (const tenant of homeOf) await this.store.tenantSpecs.remove(tenant)
        await this.store.removeCluster(name)
        await record(undefined, known)
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

  private add(registration: Registration, clusterId: string, record: Recorder): Promise<ClusterRow> {
    return this.store.transaction(async () => {
      await this.refuseKnown(registration.name)
      const same = await this.store.clusterWithId(clusterId)
      if (same !== undefined) {
        throw new Refusal(
          'CLUSTER_ALREADY_REGISTERED',
          `the cluster at ${registration.bootstrap.join(', ')} is registered as ${same.name} (cluster id ${clusterId}): use that name`,
        )
      }
      const number = await this.store.nextClusterNumber()
      if (number > CLUSTER_NUMBER_MAX) {
        throw new Refusal(
          'LIMIT_REACHED',
          `${CLUSTER_NUMBER_MAX} clusters were registered, more than there are numbers for`,
        )
      }
      const { capacity, ...fresh } = registration
      const row: ClusterRow = {
        ...fresh,
        ...limitsOf(capacity),
        number,
        clusterId,
        state: 'active',
        fenced: false,
        registeredAt: this.now(),
      }
      // The first cluster is home to whoever names no tenant.
      const tenants =
        row.tier === 'shared' && this.board.table.tenants.size === 0
          ? [{ name: defaultTenant, home: row.name }]
          : []
      await this.board.change(
        { clusters: [clusterRoute(row)], ...(tenants.length > 0 && { tenants }) },
        async () => {
          await this.store.addCluster(row)
          for (const tenant of tenants) await this.store.addTenant(tenant.name, tenant.home)
          await record(row, undefined)
        },
      )
      return row
    })
  }

  private async checkSame(cluster: KafkaCluster, known: ClusterRow): Promise<ClusterFacts> {
    const { name, bootstrap, clusterId } = known
    const facts = await factsOf(cluster, bootstrap)
    if (facts.clusterId === clusterId) return facts
    throw new Refusal(
      'CLUSTER_CHANGED',
      `${name}: the cluster at ${bootstrap.join(', ')} is ${facts.clusterId}, registered was ${clusterId}: it was formatted anew or its address belongs to another; register that under a name of its own`,
    )
  }

  /** Throws when what lives on it could not be placed there as it is to be. */
  private refuseUnfit({ name, tier, dedicatedTo }: ClusterRow): void {
    if ((tier === 'dedicated') !== (dedicatedTo !== null)) {
      throw new Refusal(
        'BAD_REQUEST',
        `${name}: a dedicated cluster, and no other, says which tenant it is dedicated to`,
        { fields: [{ path: 'dedicatedTo', message: 'goes with tier dedicated, and with no other' }] },
      )
    }
    const misplaced =
      tier === 'shared' ? 0 : logletsOn(this.board.table, name, (tenant) => tenant !== dedicatedTo)
    if (misplaced > 0) {
      throw new Refusal(
        'CLUSTER_IN_USE',
        `${misplaced} loglets live on ${name} that would not be placed there if it were ${tier}: move their topics away first`,
      )
    }
  }
}

type Limits = Pick<ClusterRow, 'bytesInMax' | 'bytesOutMax' | 'partitionsMax'>

function limitsOf(capacity: Registration['capacity']): Limits {
  return {
    bytesInMax: capacity.bytesInPerSecond,
    bytesOutMax: capacity.bytesOutPerSecond,
    partitionsMax: capacity.partitions,
  }
}

/** What is absent stays. */
function updated(row: ClusterRow, { capacity, ...update }: Update): ClusterRow {
  const given = Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined))
  return { ...row, ...given, ...(capacity !== undefined && limitsOf(capacity)) }
}

/** Loglets of topics that live on a cluster, and stubs, whose loss would lose commits. */
export function logletsOn(
  table: RouteTable,
  cluster: string,
  ofTenant: (tenant: string) => boolean = () => true,
): number {
  let count = 0
  for (const tenant of table.tenants.values()) {
    if (!ofTenant(tenant.name)) continue
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
