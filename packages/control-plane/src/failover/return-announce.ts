import type { TopicRoute } from '@braid/routing-model'
import { indexOfLoglet } from '../sagas/loglet-index.ts'
import type { Nap, Stop } from '../sagas/saga.ts'
import { endsWithin } from './lost-loglets.ts'
import { logletOf, type ReturnContext, returnOf } from './returning.ts'

/** ANNOUNCE: where it ends is known to all, and it can be asked. Readers still do as while it was lost. */
export async function announceReturn(context: ReturnContext): Promise<void> {
  const { plane, id } = context
  const { store, board, now } = plane
  await store.transaction(async () => {
    const { createdAt, routeVersion } = await returnOf(context)
    const changed = new Map<string, TopicRoute>()
    for (const row of await store.failovers.topics(id)) {
      const loglet = logletOf(plane, row)
      if (row.ends === null || loglet === undefined) continue
      // Another loglet of the topic may return with this one.
      const route = changed.get(row.topicId) ?? loglet.route
      const index = indexOfLoglet(route, row.from)
      if (route.away(index)?.state !== 'lost') continue
      changed.set(row.topicId, route.returning(index, endsWithin({ route, index }, row.ends)))
    }
    const announced = async (version: number) => {
      const at = now()
      await store.failovers.setSwitched(id, { switchMs: at - createdAt, at, routeVersion: version })
    }
    if (changed.size === 0) {
      if (routeVersion === null) await announced(board.table.version)
      return
    }
    await board.change({ topics: [...changed.values()].map((route) => route.toJSON()) }, async (version) => {
      for (const route of changed.values()) await store.setLoglets(route)
      await announced(version)
    })
  })
}

/**
 * AWAIT: until nobody writes any more what was not compared with what returns. Of a process that is heard of no more
 * nobody says that what it sent has arrived: that is given a while.
 */
export async function awaitReturn(context: ReturnContext, stop: Stop, nap: Nap): Promise<void> {
  const { plane, id } = context
  const { routeVersion, cluster } = await returnOf(context)
  const { waitedMs, waitedFor, ranOut } = await plane.leases.awaitVersion(
    routeVersion!,
    { settled: true },
    stop,
  )
  plane.log('info', 'return.known-to-all', {
    failover: id,
    cluster,
    waitedMs,
    waitedFor: waitedFor.length,
    ranOut: [...ranOut],
  })
  if (ranOut.length > 0) await nap(plane.timings.strandedMaxMs)
}
