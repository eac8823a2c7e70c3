// FENCE: nobody writes to the cluster any more for topics that fail over. Whoever can be told is told, and says so with
// its next renewal; for the others their lease runs out.
import type { Plane } from '../plane.ts'
import type { Stop } from '../sagas/saga.ts'
import { clusterRoute } from '../store/store.ts'
import { type FailoverContext, failoverIn, hasSealedOn, looksFor, questionOf } from './failover-context.ts'
import { groupPositions } from './group-positions.ts'

export async function fence(context: FailoverContext, stop: Stop): Promise<void> {
  const { plane } = context
  const { cluster } = await failoverIn(context)
  const version = await setFenced(plane, cluster, true)
  // Also those that are active elsewhere: what they have there from before a move is skipped meanwhile.
  const losing = Array.from(plane.board.table.allTopics()).filter(
    (route) => route.cluster(route.active) === cluster || hasSealedOn(route, cluster),
  )
  const available = losing.filter(({ failover }) => failover === 'available')
  const [awaited, positions] = await Promise.all([
    plane.leases.awaitVersion(version, { settled: false }, stop),
    groupPositions(plane, cluster, available),
    (async () => {
      context.looks ??= await looksFor(plane, await questionOf(plane, cluster, { force: true }))
    })(),
  ])
  context.fenced = { awaited, positions }
}

/** Only before SWITCH. */
export async function unfence(context: FailoverContext): Promise<void> {
  const { cluster } = await failoverIn(context)
  await setFenced(context.plane, cluster, false)
}

/** The route version since which it is so; a later one when it was before. */
async function setFenced(
  { store, board }: Pick<Plane, 'store' | 'board'>,
  name: string,
  fenced: boolean,
): Promise<number> {
  return store.transaction(async () => {
    const before = await store.cluster(name)
    if (before === undefined || before.fenced === fenced) return board.table.version
    const after = { ...before, fenced }
    return board.change({ clusters: [clusterRoute(after)] }, () => store.updateCluster(after))
  })
}
