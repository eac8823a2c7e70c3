import { reasonOf } from '../log.ts'
import type { Stop } from '../sagas/saga.ts'
import type { FailoverTopicRow } from '../store/failover-queries.ts'
import { type ReturnContext, returnOf } from './returning.ts'

/** Of one migration; see Migrations. */
const topicsMax = 200
const partitionsMax = 500

/**
 * Those that the failover took from the cluster move there again, as by hand: live, and each group by itself. That it
 * was not begun, and why, stands in the record of the return.
 */
export async function moveBack(context: ReturnContext, stop: Stop): Promise<void> {
  const { plane, migrations, id } = context
  const { store, board, log } = plane
  const { cluster } = await returnOf(context)
  const failover = await store.failovers.lastSwitched(cluster)
  if (failover === undefined) return
  const rows = (await store.failovers.topics(failover.id)).filter(({ to }) => to !== null)
  const left: { row: FailoverTopicRow; from: string; partitions: number }[] = []
  for (const row of rows) {
    const route = board.table.topic(row.tenant, row.topic)
    if (route?.id !== row.topicId || route.cluster(route.active) === cluster) continue
    const underway = await store.migrations.underway(route.id)
    // A run before began it, or somebody else.
    if (underway?.to.cluster === cluster) continue
    left.push({ row, from: route.cluster(route.active), partitions: route.partitions })
  }
  let own: ReadonlyMap<string, FailoverTopicRow> | undefined
  const noteNotMoved = async (row: FailoverTopicRow, why: string) => {
    own ??= new Map((await store.failovers.topics(id)).map((one) => [keyOf(one), one]))
    const noted = own.get(keyOf(row))
    if (noted !== undefined)
      await store.failovers.setReason(id, noted.number, `${noted.reason}; it was not moved back: ${why}`)
  }
  for (const group of groupsOf(left)) {
    stop.throwIfAborted()
    const [{ row: first }] = group
    const topics = group.map(({ row }) => row.topic)
    try {
      await migrations.start({ tenant: first.tenant, topics, to: cluster })
    } catch (error) {
      if (plane.closing.aborted) throw error
      // One that cannot move must not hold up the others of its group.
      for (const { row } of group) {
        const failure =
          group.length === 1
            ? error
            : await migrations
                .start({ tenant: row.tenant, topics: [row.topic], to: cluster })
                .then(() => undefined)
                .catch((failed: unknown) => failed)
        if (failure === undefined) continue
        log('warn', 'return.not-moved-back', { failover: id, topic: row.topic, reason: reasonOf(failure) })
        await noteNotMoved(row, reasonOf(failure))
      }
    }
  }
}

const keyOf = ({ topicId, from }: FailoverTopicRow): string => JSON.stringify([topicId, from.topic])

type Moving = { readonly row: FailoverTopicRow; readonly from: string; readonly partitions: number }

/** Of one tenant, from one cluster, and no more than clients can wait for. */
function groupsOf(all: readonly Moving[]): [Moving, ...Moving[]][] {
  const groups: [Moving, ...Moving[]][] = []
  const open = new Map<string, { group: [Moving, ...Moving[]]; partitions: number }>()
  for (const one of all) {
    const key = JSON.stringify([one.row.tenant, one.from])
    const known = open.get(key)
    if (
      known !== undefined &&
      known.group.length < topicsMax &&
      known.partitions + one.partitions <= partitionsMax
    ) {
      known.group.push(one)
      known.partitions += one.partitions
      continue
    }
    const group: [Moving, ...Moving[]] = [one]
    groups.push(group)
    open.set(key, { group, partitions: one.partitions })
  }
  return groups
}
