// The fleet as it will be once a plan has been carried out. Snapshots are never changed, only replaced.
import type { DrainPlan } from './drain.ts'
import { type FleetSnapshot, type PlannedTopic, topicKey } from './fleet.ts'
import type { Move } from './move.ts'
import type { Placement } from './placement.ts'
import type { ReplicaProposals } from './read-replicas.ts'
import type { StandbyChange } from './standbys.ts'
import type { StubChange } from './stubs.ts'

/** `topics` are those that were asked about; those that the snapshot lacks are added. */
export function withPlacements(
  snapshot: FleetSnapshot,
  topics: readonly PlannedTopic[],
  placements: readonly Placement[],
): FleetSnapshot {
  const asked = new Map(topics.map((topic) => [topicKey(topic), topic]))
  const known = new Set(snapshot.topics.map(topicKey))
  const all = {
    ...snapshot,
    topics: [...snapshot.topics, ...topics.filter((topic) => !known.has(topicKey(topic)))],
  }
  const placed = placements.filter((placement) => placement.kind === 'placed')
  return change(all, placed, (topic, { cluster, standby, stub }) => ({
    ...(asked.get(topicKey(topic)) ?? topic),
    cluster,
    standby,
    stub,
  }))
}

export const withMoves = (snapshot: FleetSnapshot, moves: readonly Move[]): FleetSnapshot =>
  change(snapshot, moves, (topic, { to, standby, stub }) => ({
    ...topic,
    cluster: to,
    standby: standby.after,
    stub: stub.after,
  }))

export const withStandbys = (snapshot: FleetSnapshot, changes: readonly StandbyChange[]): FleetSnapshot =>
  change(snapshot, changes, (topic, { to }) => ({ ...topic, standby: to }))

export const withStubs = (snapshot: FleetSnapshot, changes: readonly StubChange[]): FleetSnapshot =>
  change(snapshot, changes, (topic, { to }) => ({ ...topic, stub: to }))

export const withDrain = (snapshot: FleetSnapshot, { cluster, moves, standbys }: DrainPlan): FleetSnapshot =>
  withStandbys(
    withMoves(
      {
        ...snapshot,
        clusters: snapshot.clusters.map((each) =>
          each.name === cluster && each.state !== 'unavailable' ? { ...each, state: 'draining' } : each,
        ),
      },
      moves,
    ),
    standbys,
  )

export const withReplicas = (snapshot: FleetSnapshot, { flows }: ReplicaProposals): FleetSnapshot => ({
  ...snapshot,
  replicas: [
    ...snapshot.replicas,
    ...flows.flatMap(({ to, topics }) =>
      topics.map(({ topic, readers }) => ({ tenant: topic.tenant, topic: topic.name, cluster: to, readers })),
    ),
  ],
})

function change<T extends { topic: Parameters<typeof topicKey>[0] }>(
  snapshot: FleetSnapshot,
  changes: readonly T[],
  next: (topic: PlannedTopic, change: T) => PlannedTopic,
): FleetSnapshot {
  const byKey = new Map(changes.map((each) => [topicKey(each.topic), each]))
  return {
    ...snapshot,
    topics: snapshot.topics.map((topic) => {
      const found = byKey.get(topicKey(topic))
      return found === undefined ? topic : next(topic, found)
    }),
  }
}
