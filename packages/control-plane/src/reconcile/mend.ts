// Carries out what puts a difference right. Each of these may be done twice, or be left half done: what is left is drift
// when it is looked at next.
import type { FailoverPolicy, PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import { sealedMaxMessageBytes } from '../topics/copied-configs.ts'
import { freshPhysicalName } from '../topics/physical-name.ts'
import type { DesiredTopic } from './desired.ts'
import type { Mend } from './difference.ts'
import { whileHeld } from './hold.ts'
import { dropStandbyHome, makeStandbyHome } from './standby-home.ts'

/** False when it has to wait for something. */
export async function mend(plane: Plane, topic: DesiredTopic, what: Mend): Promise<boolean> {
  const { clusters, timings } = plane
  switch (what.kind) {
    case 'set-configs': {
      const set = async () => {
        const cluster = await clusters.open(what.physical.cluster)
        await cluster.changeConfigs([{ topic: what.physical.topic, configs: what.configs }])
        return true
      }
      // A migration that has seen that it is not compacted must not find itself wrong.
      if (!('cleanup.policy' in what.configs)) return set()
      return held(plane, topic, 'its cleanup policy', async () =>
        stillThere(plane, topic) === undefined ? false : set(),
      )
    }
    case 'seal':
      await (await clusters.open(what.physical.cluster)).seal([what.physical.topic])
      return true
    case 'add-partitions':
      await addPartitions(plane, [what.physical], what.partitions)
      return true
    case 'make-stub': {
      const { physical, partitions } = what
      const home = await clusters.open(physical.cluster)
      const configs = { 'max.message.bytes': sealedMaxMessageBytes }
      await home.createTopic({ topic: physical.topic, partitions, configs })
      await home.waitForLeaders(physical.topic, partitions, timings.leadersMaxMs)
      return true
    }
    case 'set-limit':
      return held(plane, topic, 'its limit of record sizes', () => setLimit(plane, topic, what))
    case 'grow':
      return held(plane, topic, 'partitions are added', () => grow(plane, topic, what))
    case 'make-standby':
      await makeStandby(plane, topic, what)
      return true
    case 'drop-standby':
      await dropStandby(plane, topic.route.id, what.physical)
      return true
    case 'choose-standby':
      // With all others: placement looks at the whole fleet.
      plane.dueStandbys.add(topic.route.id)
      return true
    case 'make-standby-home':
      await makeStandbyHome(plane, topic, what)
      return true
    case 'drop-standby-home':
      await dropStandbyHome(plane, topic.route)
      return true
    case 'set-failover':
      return setFailover(plane, topic, what.failover)
  }
}

/** Not while something of it is away: as what was lost then, is how its readers go on. */
async function setFailover(
  { store, board }: Plane,
  { route }: DesiredTopic,
  failover: FailoverPolicy,
): Promise<boolean> {
  return store.transaction(async () => {
    const now = board.table.topic(route.tenant, route.name)
    if (now?.id !== route.id || now.isPartlyAway) return false
    const next = now.withFailover(failover)
    await board.change({ topics: [next.toJSON()] }, () => store.setFailover(next))
    return true
  })
}

async function held(
  plane: Plane,
  { route }: DesiredTopic,
  why: string,
  work: () => Promise<boolean>,
): Promise<boolean> {
  return (await whileHeld(plane, route, why, work))?.value ?? false
}

/** The route as it is now, unless the topic was deleted or has moved on since it was looked at. */
function stillThere({ board }: Plane, { route }: DesiredTopic): TopicRoute | undefined {
  const now = board.table.topic(route.tenant, route.name)
  if (now?.id !== route.id || now.partitions !== route.partitions) return undefined
  return now.physicalTopic(now.active) === route.physicalTopic(route.active) ? now : undefined
}

/** All physical topics of the chain, the active one last; when clients hear of the partitions, they are all there. */
async function grow(
  plane: Plane,
  topic: DesiredTopic,
  { partitions, physicals }: Extract<Mend, { kind: 'grow' }>,
): Promise<boolean> {
  const { store, board } = plane
  if (stillThere(plane, topic) === undefined) return false
  const active = physicals[topic.route.active]!
  const isActive = (physical: PhysicalTopic) =>
    physical.cluster === active.cluster && physical.topic === active.topic
  await addPartitions(
    plane,
    physicals.filter((physical) => !isActive(physical)),
    partitions,
  )
  await addPartitions(plane, [active], partitions)
  return store.transaction(async () => {
    const route = stillThere(plane, topic)?.withPartitions(partitions)
    if (route === undefined) return false
    await board.change({ topics: [route.toJSON()] }, () => store.reconcile.setShape(route))
    return true
  })
}

/** Those that have them already are left alone. */
async function addPartitions(
  { clusters, timings }: Plane,
  physicals: readonly PhysicalTopic[],
  partitions: number,
): Promise<void> {
  const byCluster = new Map<string, Set<string>>()
  for (const { cluster, topic } of physicals) {
    const topics = byCluster.get(cluster)
    if (topics === undefined) byCluster.set(cluster, new Set([topic]))
    else topics.add(topic)
  }
  await Promise.all(
    Array.from(byCluster, async ([name, topics]) => {
      const cluster = await clusters.open(name)
      const found = await cluster.describeTopics([...topics])
      const fewer = [...topics].filter((topic) => (found.get(topic)?.partitions ?? 0) < partitions)
      const gone = fewer.find((topic) => !found.has(topic))
      if (gone !== undefined)
        throw new Refusal('TOPIC_NOT_ON_CLUSTER', `physical topic ${gone} is not on ${name} any more`)
      if (fewer.length === 0) return
      await cluster.createPartitions(fewer.map((topic) => ({ topic, partitions })))
      for (const topic of fewer) await cluster.waitForLeaders(topic, partitions, timings.leadersMaxMs)
    }),
  )
}

/**
 * Never is the route's limit above the broker's: access points take a refusal of a batch that the route allows for a
 * seal.
 */
async function setLimit(
  plane: Plane,
  topic: DesiredTopic,
  { physical, maxMessageBytes }: Extract<Mend, { kind: 'set-limit' }>,
): Promise<boolean> {
  const { store, board, clusters } = plane
  const before = stillThere(plane, topic)
  if (before === undefined) return false
  const cluster = await clusters.open(physical.cluster)
  const onBroker = () =>
    cluster.changeConfigs([
      { topic: physical.topic, configs: { 'max.message.bytes': String(maxMessageBytes) } },
    ])
  const inRoute = () =>
    store.transaction(async () => {
      const route = stillThere(plane, topic)?.withMaxMessageBytes(maxMessageBytes)
      if (route === undefined) return false
      await board.change({ topics: [route.toJSON()] }, () => store.reconcile.setShape(route))
      return true
    })
  if (maxMessageBytes === before.maxMessageBytes) {
    await onBroker()
    return true
  }
  if (maxMessageBytes > before.maxMessageBytes) {
    await onBroker()
    return inRoute()
  }
  if (!(await inRoute())) return false
  await onBroker()
  return true
}

async function makeStandby(
  plane: Plane,
  topic: DesiredTopic,
  { cluster: name, again }: Extract<Mend, { kind: 'make-standby' }>,
): Promise<void> {
  const { clusters, leftovers, store, timings, random } = plane
  const { route, configs } = topic
  const cluster = await clusters.open(name)
  const make = async (physical: string) => {
    const { partitions, maxMessageBytes } = route
    const made = { ...configs, 'max.message.bytes': String(maxMessageBytes) }
    const spec = await store.topicSpecs.get(route.id)
    await cluster.createTopic({
      topic: physical,
      partitions,
      ...(spec !== undefined && { replicationFactor: spec.replicas }),
      configs: made,
    })
    await cluster.waitForLeaders(physical, partitions, timings.leadersMaxMs)
  }
  if (again !== undefined) return make(again.topic)
  const physical = { cluster: name, topic: freshPhysicalName(route.name, random) }
  const keep = async () => {
    const spec = await store.topicSpecs.get(route.id)
    if (spec === undefined || spec.standby !== name) return false
    if ((await store.reconcile.standby(route.id)) !== undefined) return false
    await store.reconcile.putStandby(route.id, physical)
    return true
  }
  await leftovers.makeAndKeep(physical, () => make(physical.topic), keep)
}

/** Also of topics that are deleted. One that a failover has gone on at meanwhile is no standby any more. */
export async function dropStandby(
  { store, leftovers, now }: Pick<Plane, 'store' | 'leftovers' | 'now'>,
  topicId: string,
  { cluster, topic }: PhysicalTopic,
): Promise<void> {
  const dropped = await store.transaction(async () => {
    const made = await store.reconcile.standby(topicId)
    if (made?.cluster !== cluster || made.topic !== topic) return false
    await store.reconcile.removeStandby(topicId)
    await store.addLeftover(cluster, topic, now())
    return true
  })
  if (dropped) await leftovers.discard([{ cluster, topic }])
}
