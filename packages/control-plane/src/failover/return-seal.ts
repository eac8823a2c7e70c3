import type { Stop } from '../sagas/saga.ts'
import { readFinalCuts } from '../sagas/seal.ts'
import type { FailoverTopicRow } from '../store/failover-queries.ts'
import type { LogletPosition } from './lost-loglets.ts'
import { goneReason, logletOf, type ReturnContext, returnOf } from './returning.ts'

/** In one request to the cluster, and one pass over its leaders. */
const topicsMax = 200

type Sealing = LogletPosition & { readonly row: FailoverTopicRow }

/** SEAL: what was lost takes no more records. What came in until now is in its range. */
export async function sealReturning(context: ReturnContext, stop: Stop): Promise<void> {
  const { plane, id } = context
  const { failovers } = plane.store
  const { cluster } = await returnOf(context)
  const left = (await failovers.topics(id)).filter(({ ends }) => ends === null)
  for (let at = 0; at < left.length; at += topicsMax) {
    stop.throwIfAborted()
    const loglets = left.slice(at, at + topicsMax).flatMap((row): Sealing[] => {
      const loglet = logletOf(plane, row)
      return loglet === undefined ? [] : [{ ...loglet, row }]
    })
    await sealSome(context, cluster, loglets, stop)
  }
}

async function sealSome(
  { plane, id }: ReturnContext,
  cluster: string,
  loglets: readonly Sealing[],
  stop: Stop,
): Promise<void> {
  if (loglets.length === 0) return
  const { store, timings, log } = plane
  const source = await plane.clusters.open(cluster)
  const found = await source.describeTopics(loglets.map(({ row }) => row.from.topic))
  const isThere = ({ row, route }: Sealing) =>
    (found.get(row.from.topic)?.partitions ?? 0) >= route.partitions
  for (const { row } of loglets.filter((loglet) => !isThere(loglet))) {
    await store.failovers.setReason(id, row.number, goneReason(row.from))
    log('error', 'return.topic-gone', {
      failover: id,
      topic: row.topic,
      physicalTopic: row.from.topic,
      cluster: row.from.cluster,
    })
  }
  const there = loglets.filter(isThere)
  if (there.length === 0) return
  const startedAt = performance.now()
  await source.seal(there.map(({ row }) => row.from.topic))
  const { cuts } = await readFinalCuts(
    source,
    there.map(({ row, route }) => ({
      id: String(row.number),
      name: row.topic,
      physical: row.from.topic,
      partitions: route.partitions,
    })),
    { deadline: startedAt + timings.sealMaxMs, pause: () => plane.sleep(timings.sealPollMs, stop) },
  )
  await store.transaction(async () => {
    for (const { row } of there) await store.failovers.setEnds(id, row.number, cuts.get(String(row.number))!)
  })
}
