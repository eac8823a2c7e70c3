// Where commits are mirrored to: made, filled once with what groups had committed before, and dropped again.
import { ConnectionError, type GroupOffset } from '@braid/kafka-connection'
import type { TopicRoute } from '@braid/routing-model'
import type { GroupCommits, KafkaCluster } from '../clusters/kafka-cluster.ts'
import type { Plane } from '../plane.ts'
import { count } from '../planner/words.ts'
import { indexOfLoglet } from '../sagas/loglet-index.ts'
import { makeStub } from '../topics/make-topic.ts'
import { freshPhysicalName } from '../topics/physical-name.ts'
import type { DesiredTopic } from './desired.ts'
import type { Mend } from './difference.ts'

/** While groups commit, what was read is old when it is written: it is compared so often. */
const roundsMax = 5
const namedMax = 5

export async function makeStandbyHome(
  plane: Plane,
  { route }: DesiredTopic,
  { cluster: name, again }: Extract<Mend, { kind: 'make-standby-home' }>,
): Promise<void> {
  const { clusters, leftovers, store, board, timings, random } = plane
  const cluster = await clusters.open(name)
  const make = (physical: string) =>
    makeStub(cluster, { name: route.name, physical, partitions: route.partitions }, timings.leadersMaxMs)
  if (again !== undefined) {
    await make(again.topic)
    // It is empty: what groups have committed is copied once more.
    return store.reconcile.putStandbyHome(route.id, again)
  }
  const physical = { cluster: name, topic: freshPhysicalName(route.name, random) }
  const keep = async () => {
    const isThere = board.table.topic(route.tenant, route.name)?.id === route.id
    if (!isThere || board.table.tenants.get(route.tenant)?.standbyHome !== name) return false
    if ((await store.reconcile.standbyHome(route.id)) !== undefined) return false
    await store.reconcile.putStandbyHome(route.id, physical)
    return true
  }
  await leftovers.makeAndKeep(physical, () => make(physical.topic), keep)
}

/** Out of the route first. One that is a part of the chain lives on as that. */
export async function dropStandbyHome(plane: Plane, { tenant, name, id }: TopicRoute): Promise<void> {
  const { store, board, leftovers, now } = plane
  const left = await store.transaction(async () => {
    const made = await store.reconcile.standbyHome(id)
    const route = board.table.topic(tenant, name)
    await store.reconcile.removeStandbyHome(id)
    if (route?.id === id && route.standbyHomeTopic !== undefined) {
      const next = route.withHomeTopics(route.homeTopic, undefined)
      await board.change({ topics: [next.toJSON()] }, () => store.setHomeTopics(next))
    }
    if (made === undefined || !board.table.clusters.has(made.cluster)) return undefined
    if (route?.id === id && isPartOf(plane, route, made)) return undefined
    await store.addLeftover(made.cluster, made.topic, now())
    return made
  })
  if (left !== undefined) await leftovers.discard([left])
}

function isPartOf(
  { board }: Plane,
  route: TopicRoute,
  physical: { readonly cluster: string; readonly topic: string },
): boolean {
  const isHome =
    route.homeTopic === physical.topic && board.table.tenants.get(route.tenant)?.home === physical.cluster
  return isHome || indexOfLoglet(route, physical) >= 0
}

/**
 * First access points begin to mirror, then what was committed before is copied, where it is further than what is
 * there. All topics of one tenant's home in one pass over its groups.
 */
export async function fillStandbyHomes(plane: Plane, topics: readonly DesiredTopic[]): Promise<void> {
  const ways = Map.groupBy(topics, ({ home, standbyHome }) => JSON.stringify([home, standbyHome]))
  for (const some of ways.values()) {
    const published = await publish(plane, some)
    const [first] = published
    if (first === undefined) continue
    const [home, standby] = await Promise.all([
      plane.clusters.open(first.home),
      plane.clusters.open(first.standbyHome!),
    ])
    const names = new Map(published.map(({ route, standbyHomeMade: made }) => [route.homeTopic, made!.topic]))
    const groups = await copyCommits(home, standby, names)
    await plane.store.transaction(async () => {
      for (const { route, standbyHomeMade: made } of published)
        await plane.store.reconcile.setStandbyHomeFilled(route.id, made!)
    })
    plane.log('info', 'commits.mirrored', {
      from: first.home,
      to: first.standbyHome,
      topics: published.length,
      groups,
    })
  }
}

/** Those that are still as they were looked at. */
async function publish(plane: Plane, topics: readonly DesiredTopic[]): Promise<DesiredTopic[]> {
  const { store, board } = plane
  return store.transaction(async () => {
    const published: DesiredTopic[] = []
    const changed: TopicRoute[] = []
    for (const topic of topics) {
      const { route, home, standbyHome, standbyHomeMade: made } = topic
      const tenant = board.table.tenants.get(route.tenant)
      const now = board.table.topic(route.tenant, route.name)
      const kept = await store.reconcile.standbyHome(route.id)
      const isSame = now?.id === route.id && now.homeTopic === route.homeTopic && kept?.topic === made?.topic
      if (!isSame || tenant?.home !== home || tenant.standbyHome !== standbyHome) continue
      published.push(topic)
      if (now.standbyHomeTopic !== made!.topic) changed.push(now.withHomeTopics(now.homeTopic, made!.topic))
    }
    if (changed.length > 0) {
      await board.change({ topics: changed.map((route) => route.toJSON()) }, async () => {
        for (const route of changed) await store.setHomeTopics(route)
      })
    }
    return published
  })
}

/**
 * `names`: by home topic, where its commits go. How many groups had something to copy. One that is refused keeps no other
 * from being copied.
 *
 * @throws Error that names groups which are refused, after the others: who has members there commits there itself
 */
async function copyCommits(
  home: KafkaCluster,
  standby: KafkaCluster,
  names: ReadonlyMap<string, string>,
): Promise<number> {
  const copied = new Set<string>()
  const refused = new Map<string, string>()
  for (let round = 0; round < roundsMax; round++) {
    const there = furthestOf(await standby.groupCommitsOfTopics(new Set(names.values())))
    let behind = 0
    for (const { groupId, offsets } of await home.groupCommitsOfTopics(new Set(names.keys()))) {
      const missing = offsets
        .map((offset): GroupOffset => ({ ...offset, topic: names.get(offset.topic)! }))
        .filter((offset) => offset.offset > (there.get(keyOf(groupId, offset)) ?? -1n))
      if (missing.length === 0 || refused.has(groupId)) continue
      behind++
      copied.add(groupId)
      try {
        await standby.commit({ groupId, offsets: missing })
      } catch (error) {
        if (!(error instanceof ConnectionError && error.code === 'BROKER_ERROR')) throw error
        refused.set(groupId, error.message)
      }
    }
    if (behind === 0) break
  }
  if (refused.size === 0) return copied.size
  const named = [...refused.keys()].slice(0, namedMax).join(', ')
  throw new Error(
    `${standby.name} refused the commits of ${count(refused.size, 'group')} (${named}), as it does while they have members there: ${refused.values().next().value}`,
  )
}

function furthestOf(commits: readonly GroupCommits[]): ReadonlyMap<string, bigint> {
  const furthest = new Map<string, bigint>()
  for (const { groupId, offsets } of commits) {
    for (const offset of offsets) {
      const key = keyOf(groupId, offset)
      if (offset.offset > (furthest.get(key) ?? -1n)) furthest.set(key, offset.offset)
    }
  }
  return furthest
}

const keyOf = (groupId: string, { topic, partition }: GroupOffset): string =>
  JSON.stringify([groupId, topic, partition])
