// A lost loglet is given up for good, with the records that only it has. A person's decision: it names its price first.
import type { Abandoned } from '@braid/control-api'
import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import { logicalEndsOf } from './lost-loglets.ts'

/** Called in the transaction that does it. */
export type AbandonRecorder = (abandoned: Abandoned) => Promise<void>

/** What it would cost. Refuses what is not lost, and while its cluster returns. */
export async function priceOf(plane: Plane, route: TopicRoute, index: number): Promise<Abandoned> {
  const { store } = plane
  if (index >= route.depth) {
    throw new Refusal(
      'UNKNOWN_LOGLET',
      `topic ${route.name} has no loglet ${index}: it has ${route.depth}, numbered from 0`,
    )
  }
  const place = { cluster: route.cluster(index), topic: route.physicalTopic(index) }
  const { cluster, topic } = place
  if (route.away(index) === undefined) {
    throw new Refusal(
      'LOGLET_NOT_LOST',
      `loglet ${index} of topic ${route.name}, ${topic} on ${cluster}, is not lost: only what was lost with its cluster can be abandoned`,
    )
  }
  const underway = await store.failovers.underwayOf(cluster)
  if (underway !== undefined) {
    throw new Refusal(
      'FAILOVER_IN_PROGRESS',
      `the ${underway.kind} of ${cluster} is under way (${underway.step}): wait for it, it may bring the records back`,
    )
  }
  const records = await recordsKnown(plane, route, index)
  return { cluster, topic, ...records, done: false }
}

/** Offsets from where it begins to the end that was known: retention may have taken some of them. */
async function recordsKnown(
  { store }: Plane,
  route: TopicRoute,
  index: number,
): Promise<Pick<Abandoned, 'recordsKnown' | 'price'>> {
  const place = { cluster: route.cluster(index), topic: route.physicalTopic(index) }
  const readers =
    route.away(index)!.readers === 'wait'
      ? 'Consumers that wait for it go on behind it'
      : 'Consumers have gone on without it already'
  const sum = (ends: readonly bigint[]) =>
    Number(
      ends.reduce((all, end, partition) => {
        const base = route.base(index, partition)
        return all + (end > base ? end - base : 0n)
      }, 0n),
    )
  const ends = logicalEndsOf({ route, index })
  if (ends !== undefined) {
    const records = sum(ends)
    return {
      recordsKnown: records,
      price: `up to ${records} records, all that it held when it was sealed, less what retention has taken. ${readers}`,
    }
  }
  const known = await store.failovers.ofLoglet(route.id, place)
  if (known === undefined || known.knownEnds === null) {
    return {
      recordsKnown: null,
      price: `an unknown number of records: nobody knew where it ended when ${place.cluster} was given up. ${readers}`,
    }
  }
  const records = sum(known.knownEnds)
  const since =
    known.knownAt === null ? 'before it was given up' : `from ${new Date(known.knownAt).toISOString()}`
  return {
    recordsKnown: records,
    price: `up to ${records} records that were known to be there, less what retention has taken; and whatever was written ${since} until its cluster was lost, which nobody knows. ${readers}`,
  }
}

/** Out of the chain, and its physical topic is deleted when its cluster is there again. */
export async function abandon(
  plane: Plane,
  find: () => TopicRoute,
  index: number,
  confirmed: boolean,
  record: AbandonRecorder,
): Promise<Abandoned> {
  const { store, board, now, log } = plane
  return store.transaction(async () => {
    const route = find()
    const price = await priceOf(plane, route, index)
    const place = { cluster: price.cluster, topic: price.topic }
    if (!confirmed) {
      throw new Refusal(
        'NOT_CONFIRMED',
        `abandoning loglet ${index} of topic ${route.name}, ${place.topic} on ${place.cluster}, costs ${price.price}. Confirm it to go on`,
      )
    }
    const left = route.abandoned(index)
    const abandoned = { ...price, done: true }
    await board.change({ topics: [left.toJSON()] }, async () => {
      await store.setLoglets(left)
      if (!(await holdsCommits(plane, left, place)))
        await store.addLeftover(place.cluster, place.topic, now())
      await record(abandoned)
    })
    store.afterCommit(() =>
      log('warn', 'loglet.abandoned', {
        tenant: route.tenant,
        topic: route.name,
        loglet: index,
        cluster: place.cluster,
        physicalTopic: place.topic,
        recordsKnown: price.recordsKnown,
      }),
    )
    return abandoned
  })
}

/** With it the commits of groups would go. */
async function holdsCommits(
  { store, board }: Plane,
  route: TopicRoute,
  place: PhysicalTopic,
): Promise<boolean> {
  const home = board.table.tenants.get(route.tenant)?.home
  if (place.cluster === home && place.topic === route.homeTopic) return true
  const mirror = await store.reconcile.standbyHome(route.id)
  return mirror?.cluster === place.cluster && mirror.topic === place.topic
}
