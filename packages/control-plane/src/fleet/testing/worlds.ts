// For tests: worlds without a store, and what becomes of them when a plan is carried out.
import { type Fleet, type FleetInput, fleet } from '@braid/control-api'
import {
  type FleetSnapshot,
  type PlannedTopic,
  topicKey,
  withMoves,
  withPlacements,
} from '../../planner/index.ts'
import type { FleetDiff } from '../diff.ts'
import { canonicalFleet } from '../document.ts'
import { plannedSla, plannedTopic, snapshotAfter } from '../snapshot-after.ts'
import type { Reached, World } from '../world.ts'

export interface Where {
  /** By topicKey: the cluster of the active loglet. */
  readonly on?: Readonly<Record<string, string>>
  /** By topicKey. */
  readonly topics?: Readonly<Record<string, Partial<PlannedTopic>>>
  /** By name. */
  readonly clusters?: Readonly<Record<string, Partial<FleetSnapshot['clusters'][number]>>>
}

export const emptyWorld: World = worldOf({ version: 1 })

/** A world in which all of a document is there. Topics without a place in `on` are on their tenant's home. */
export function worldOf(document: FleetInput, { on = {}, topics = {}, clusters = {} }: Where = {}): World {
  const declared = canonicalFleet(fleet.parse(document))
  const homes = new Map(declared.tenants.map(({ name, home }) => [name, home]))
  const snapshot: FleetSnapshot = {
    clusters: declared.clusters.map(({ bootstrap: _, ...cluster }) => ({
      ...cluster,
      brokers: 3,
      state: 'active',
      otherPartitions: 0,
      ...clusters[cluster.name],
    })),
    slas: declared.slas.map(plannedSla),
    tenants: declared.tenants.map(({ name, home, standbyHome }) => ({ name, home, standbyHome })),
    topics: declared.topics.map((topic) => {
      const key = topicKey(topic)
      const home = homes.get(topic.tenant) ?? null
      const cluster = on[key] ?? topic.cluster ?? home
      const stub = cluster === home ? null : home
      return { ...plannedTopic(topic, undefined), cluster, stub, ...topics[key] }
    }),
    replicas: [],
  }
  return {
    declared,
    snapshot,
    clusterIds: new Map(declared.clusters.map(({ name }) => [name, `id-of-${name}`])),
    clusterStates: new Map(snapshot.clusters.map(({ name, state }) => [name, state])),
    chains: chainsOf(snapshot),
  }
}

/** Every cluster of a document answers, with three brokers. */
export function allReached({ clusters }: Pick<Fleet, 'clusters'>): Map<string, Reached> {
  return new Map(
    clusters.map(({ name }) => [
      name,
      { kind: 'reached', clusterId: `id-of-${name}`, brokers: 3, partitions: 0 },
    ]),
  )
}

/** The world once the plan has been carried out to its end. */
export function carriedOut(world: World, diff: FleetDiff, reached: ReadonlyMap<string, Reached>): World {
  const { changes, placements, moves } = diff
  const { cluster, sla, tenant, topic } = changes
  const after = snapshotAfter(world.snapshot, changes, reached)
  const placed = withPlacements(
    after,
    topic.create.map((each) => plannedTopic(each, undefined)),
    [...placements.values()],
  )
  const snapshot = withMoves(
    placed,
    moves.map((move) => ({
      topic: { tenant: move.tenant, name: move.topic },
      from: move.from,
      to: move.to,
      standby: { before: null, after: null },
      stub: { before: null, after: null },
      reason: move.reason,
    })),
  )
  return {
    declared: {
      version: 1,
      clusters: [...cluster.all.values()],
      slas: [...sla.all.values()],
      tenants: [...tenant.all.values()],
      topics: [...topic.all.values()],
    },
    snapshot,
    clusterIds: new Map(Array.from(cluster.all.keys(), (name) => [name, `id-of-${name}`])),
    clusterStates: new Map(snapshot.clusters.map(({ name, state }) => [name, state])),
    chains: chainsOf(snapshot),
  }
}

function chainsOf({ topics }: FleetSnapshot): World['chains'] {
  return new Map(
    topics.map((topic) => [topicKey(topic), [topic.cluster, topic.stub].filter((name) => name !== null)]),
  )
}
