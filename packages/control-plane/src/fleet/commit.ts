// COMMIT: everything that the file declares is in force at once, or nothing of it.
import { CLUSTER_NUMBER_MAX } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import type { ClusterRow } from '../store/rows.ts'
import { clusterRoute } from '../store/store.ts'
import type { TopicWishes } from '../store/topic-queries.ts'
import { mirrorSoon, tenantRoute, withoutMirror } from '../tenants/standby-home.ts'
import { protectSoon } from '../topics/set-standby.ts'
import { type ApplyContext, type Prepared, workIn } from './context.ts'
import { refuseStale } from './prepare.ts'
import type { ApplyWork } from './work.ts'
import type { ClusterDocument, TopicDocument } from './world.ts'

/** In the transaction of the saga's journal. */
export async function commitApply(context: ApplyContext): Promise<void> {
  const { prepared, services } = context
  const { plane } = services
  const work = await workIn(context)
  if (prepared === undefined) throw new Error('COMMIT without what PREPARE made')
  await refuseStale(context, work)
  const fresh = await newClusters(plane, work, prepared)
  const changed = await changedClusters(plane, work)
  const routes = [...fresh, ...changed].map(clusterRoute)
  const { table } = plane.board
  const tenants = [
    ...work.tenants.create.map(tenantRoute),
    ...work.tenants.update
      .map(tenantRoute)
      .filter(({ name, standbyHome }) => table.tenants.get(name)?.standbyHome !== standbyHome),
  ]
  const unmirrored = tenants.flatMap((tenant) => withoutMirror(table, tenant))
  const topics = [...prepared.topics.map(({ route }) => route), ...unmirrored].map((route) => route.toJSON())
  const write = async () => {
    for (const row of fresh) await plane.store.addCluster(row)
    for (const row of changed) await plane.store.updateCluster(row)
    for (const sla of [...work.slas.create, ...work.slas.update]) await plane.store.slas.put(sla)
    for (const tenant of [...work.tenants.create, ...work.tenants.update]) {
      await plane.store.tenantSpecs.put(tenant)
    }
    for (const route of unmirrored) await plane.store.setHomeTopics(route)
    await addTopics(plane, prepared)
    await updateTopics(plane, work)
  }
  if (routes.length + tenants.length + topics.length === 0) await write()
  else await plane.board.change({ clusters: routes, tenants, topics }, write)
  for (const { name, standbyHome } of tenants) if (standbyHome !== undefined) mirrorSoon(plane, name)
}

async function newClusters(plane: Plane, work: ApplyWork, { clusterIds }: Prepared): Promise<ClusterRow[]> {
  const rows: ClusterRow[] = []
  for (const document of work.clusters.create) {
    const clusterId = clusterIds.get(document.name)
    if (clusterId === undefined) throw new Error(`cluster ${document.name} was not asked who it is`)
    const same =
      (await plane.store.clusterWithId(clusterId)) ?? rows.find((row) => row.clusterId === clusterId)
    if (same !== undefined) {
      throw new Refusal(
        'CLUSTER_ALREADY_REGISTERED',
        `the cluster at ${document.bootstrap.join(', ')} is registered as ${same.name} (cluster id ${clusterId}): use that name`,
      )
    }
    const number = await plane.store.nextClusterNumber()
    if (number > CLUSTER_NUMBER_MAX) {
      throw new Refusal(
        'LIMIT_REACHED',
        `${CLUSTER_NUMBER_MAX} clusters were registered, more than there are numbers for`,
      )
    }
    rows.push({
      ...rowOf(document),
      number,
      clusterId,
      state: 'active',
      fenced: false,
      registeredAt: plane.now(),
    })
  }
  return rows
}

async function changedClusters(plane: Plane, { clusters }: ApplyWork): Promise<ClusterRow[]> {
  return Promise.all(
    clusters.update.map(async (document) => ({
      ...(await plane.clusters.get(document.name)),
      ...rowOf(document),
    })),
  )
}

function rowOf({ name, bootstrap, security, tier, dedicatedTo, labels, capacity }: ClusterDocument) {
  return {
    name,
    bootstrap,
    security: security as ClusterRow['security'],
    tier,
    dedicatedTo,
    labels,
    bytesInMax: capacity.bytesInPerSecond,
    bytesOutMax: capacity.bytesOutPerSecond,
    partitionsMax: capacity.partitions,
  }
}

async function addTopics(plane: Plane, { topics }: Prepared): Promise<void> {
  const { store, now } = plane
  for (const { topic, route, replicas } of topics) {
    await store.addTopic(route, now())
    await store.topicSpecs.setWishes(route.id, wishesOf(topic.document))
    const { standby, reasons } = topic
    await store.topicSpecs.setPlaced(route.id, { replicas, standby, placementReasons: reasons })
    protectSoon(plane, route, standby)
  }
}

async function updateTopics({ store, board }: Plane, { topics }: ApplyWork): Promise<void> {
  for (const document of topics.update) {
    const route = board.table.topic(document.tenant, document.name)
    // The world is the one that was planned for, so it is there.
    if (route !== undefined) await store.topicSpecs.setWishes(route.id, wishesOf(document))
  }
}

function wishesOf({
  cluster,
  partitions,
  sla,
  replicationFactor,
  configs,
  expected,
  owner,
  contact,
}: TopicDocument): TopicWishes {
  return { partitions, sla, pinnedTo: cluster, replicationFactor, configs, expected, owner, contact }
}
