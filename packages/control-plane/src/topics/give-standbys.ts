import type { TopicRoute } from '@braid/routing-model'
import { fleetSnapshot } from '../placement/fleet-snapshot.ts'
import type { Plane } from '../plane.ts'
import { planStandbys, type StandbyChange } from '../planner/index.ts'
import { setStandby } from './set-standby.ts'

/** Standbys as placement chooses them, of those topics that are wanted and find one. */
export async function giveStandbys(
  plane: Plane,
  isWanted: (change: StandbyChange, route: TopicRoute) => boolean,
): Promise<void> {
  const { store, board, facts, timings } = plane
  const there = [...board.table.clusters.values()].filter(({ fenced }) => !fenced)
  await facts.refresh(
    there.map(({ name }) => name),
    { timeoutMs: timings.standbyCheckMaxMs },
  )
  await store.transaction(async () => {
    for (const change of planStandbys(await fleetSnapshot(plane)).changes) {
      const { topic, to } = change
      const route = board.table.topic(topic.tenant, topic.name)
      if (route === undefined || to === null || !isWanted(change, route)) continue
      await setStandby(plane, route.id, to)
    }
  })
}
