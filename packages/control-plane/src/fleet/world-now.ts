// The world as the store has it.

import { chainsOf, fleetSnapshot } from '../placement/fleet-snapshot.ts'
import type { Plane } from '../plane.ts'
import type { ClusterRow } from '../store/rows.ts'
import type { TopicSpecRow } from '../store/topic-queries.ts'
import { canonicalFleet } from './document.ts'
import type { ClusterDocument, TopicDocument, World } from './world.ts'

const allMax = 1_000_000

/** In one transaction, or in the one that we are in. */
export function worldNow(plane: Plane): Promise<World> {
  const { store } = plane
  return store.transaction(async () => {
    const clusters = await store.clusters()
    return {
      declared: canonicalFleet({
        version: 1,
        clusters: clusters.map(clusterDocument),
        slas: await store.slas.list(allMax),
        tenants: await store.tenantSpecs.list(allMax),
        topics: (await store.topicSpecs.all()).map(topicDocument),
      }),
      snapshot: await fleetSnapshot(plane),
      clusterIds: new Map(clusters.map(({ name, clusterId }) => [name, clusterId])),
      clusterStates: new Map(clusters.map(({ name, state }) => [name, state])),
      chains: chainsOf(plane),
    }
  })
}

function clusterDocument(row: ClusterRow): ClusterDocument {
  const { name, bootstrap, security, tier, dedicatedTo, labels, bytesInMax, bytesOutMax, partitionsMax } = row
  return {
    name,
    bootstrap: [...bootstrap],
    security: security as ClusterDocument['security'],
    tier,
    dedicatedTo,
    labels: { ...labels },
    capacity: { bytesInPerSecond: bytesInMax, bytesOutPerSecond: bytesOutMax, partitions: partitionsMax },
  }
}

function topicDocument(row: TopicSpecRow): TopicDocument {
  const { tenant, name, partitions, sla, pinnedTo, replicationFactor, configs, expected, owner, contact } =
    row
  return {
    tenant,
    name,
    partitions,
    sla,
    cluster: pinnedTo,
    replicationFactor,
    configs: { ...configs },
    expected: { ...expected },
    owner,
    contact,
  }
}
