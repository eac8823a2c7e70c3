// Obstacles: what a file asks for that cannot be had, each with what to do about it.
import { type FleetSnapshot, type PlannedTopic, planStandbys, topicKey } from '../planner/index.ts'
import { count, list } from '../planner/words.ts'
import { Refusal } from '../refusal.ts'
import { classConfigs } from '../topics/class-configs.ts'
import type { FleetChanges } from './changes.ts'
import type { Obstacle } from './references.ts'
import type { ClusterDocument, Reached, SlaDocument, TopicDocument, World } from './world.ts'

export function clusterObstacles(
  world: World,
  changes: FleetChanges,
  reached: ReadonlyMap<string, Reached>,
): Obstacle[] {
  const obstacles: Obstacle[] = []
  const nameById = new Map(Array.from(world.clusterIds, ([name, id]) => [id, name]))
  const atNewAddresses = changes.cluster.update
    .filter(({ before, after }) => connectionOf(before) !== connectionOf(after))
    .map(({ after }) => after)
  for (const { name, bootstrap } of [...changes.cluster.create, ...atNewAddresses]) {
    const what = `cluster ${name}`
    const answer = reached.get(name)
    const addresses = bootstrap.join(', ')
    if (answer?.kind !== 'reached') {
      const reason = answer?.reason ?? 'it was not asked'
      obstacles.push({ what, reason: `no cluster answers at ${addresses}: ${reason}` })
      continue
    }
    const registered = world.clusterIds.get(name)
    const other = nameById.get(answer.clusterId)
    if (registered !== undefined && registered !== answer.clusterId) {
      const reason = `another cluster answers at ${addresses} (${answer.clusterId}, registered was ${registered}): register it under a name of its own`
      obstacles.push({ what, reason })
    } else if (other !== undefined && other !== name) {
      const reason = `the cluster at ${addresses} is ${other} already (cluster id ${answer.clusterId}): name it once`
      obstacles.push({ what, reason })
    }
    nameById.set(answer.clusterId, name)
  }
  return [...obstacles, ...clustersInUse(world, changes)]
}

/** A change of it is believed only when the same cluster answers. */
export const connectionOf = ({ bootstrap, security }: ClusterDocument): string =>
  JSON.stringify([bootstrap, security])

/** What is removed must not carry anything that stays: sealed loglets are read until their retention has passed. */
function clustersInUse(world: World, { cluster, topic }: FleetChanges): Obstacle[] {
  if (cluster.remove.length === 0) return []
  const users = new Map<string, string[]>()
  for (const [key, clusters] of world.chains) {
    if (!topic.all.has(key)) continue
    for (const name of new Set(clusters)) {
      const known = users.get(name)
      if (known === undefined) users.set(name, [key])
      else known.push(key)
    }
  }
  return cluster.remove.flatMap(({ name }) => {
    const topics = users.get(name) ?? []
    if (topics.length === 0) return []
    return [
      {
        what: `cluster ${name}`,
        reason: `${count(topics.length, 'topic')} that stay have data or a place for commits there (${list(topics, 3)}): drain it, let their retention pass, and remove it then`,
      },
    ]
  })
}

export function tenantObstacles({ tenant }: FleetChanges): Obstacle[] {
  return tenant.update
    .filter(({ before, after }) => before.home !== after.home)
    .map(({ before, after }) => ({
      what: `tenant ${after.name}`,
      reason: `its home is ${before.home} and cannot become ${after.home}: groups and transactions are coordinated there, and cannot be moved yet`,
    }))
}

export function slaObstacles({ sla }: FleetChanges): Obstacle[] {
  return [...sla.create, ...sla.update.map(({ after }) => after)]
    .filter(({ durability }) => durability.dual)
    .map(({ name }) => ({
      what: `SLA class ${name}`,
      reason: 'durability.dual is not offered yet: leave it out',
    }))
}

export function topicObstacles({ topic, sla }: FleetChanges): Obstacle[] {
  const obstacles: Obstacle[] = []
  for (const { before, after } of topic.update) {
    const what = `topic ${topicKey(after)}`
    if (after.partitions < before.partitions) {
      const reason = `it has ${before.partitions} partitions, and cannot have ${after.partitions}: partitions only grow; make a new topic`
      obstacles.push({ what, reason })
    }
    if (after.replicationFactor !== before.replicationFactor) {
      const reason = `its replication factor ${factor(before)} cannot become ${factor(after)} while it lives: make a new topic, or leave it as it is`
      obstacles.push({ what, reason })
    }
  }
  const touched = new Set([...topic.create, ...topic.update.map(({ after }) => after)])
  const changedClasses = new Set(sla.update.map(({ after }) => after.name))
  for (const each of topic.all.values()) {
    if (!touched.has(each) && !changedClasses.has(each.sla ?? '')) continue
    const reason = beyondClass(each, sla.all.get(each.sla ?? ''))
    if (reason !== undefined) obstacles.push({ what: `topic ${topicKey(each)}`, reason })
  }
  return obstacles
}

/** What its class does not allow. */
function beyondClass(topic: TopicDocument, sla: SlaDocument | undefined): string | undefined {
  try {
    classConfigs(topic, sla)
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

/** Classes that come to ask for a standby where none can be had. */
export function standbyObstacles(before: FleetSnapshot, after: FleetSnapshot): Obstacle[] {
  const already = new Set(planStandbys(before).impossible.map(({ topic }) => topicKey(topic)))
  return planStandbys(after)
    .impossible.filter(({ topic }) => !already.has(topicKey(topic)))
    .map(({ topic, reason }) => ({
      what: `topic ${topicKey(topic)}`,
      reason: `no standby for it: ${reason}`,
    }))
}

export function notMovable(topic: PlannedTopic, why: string): Obstacle[] {
  if (topic.movable.ok) return []
  return [
    { what: `topic ${topicKey(topic)}`, reason: `${why}; and it cannot be moved: ${topic.movable.reason}` },
  ]
}

/** ms; infinite for -1; undefined when it does not say. */
export function retentionMs({ configs }: TopicDocument): number | undefined {
  const text = configs['retention.ms']
  if (text === undefined || !/^-?\d+$/.test(text)) return undefined
  return text === '-1' ? Number.POSITIVE_INFINITY : Number(text)
}

const factor = ({ replicationFactor }: TopicDocument): string =>
  replicationFactor === null ? '(that of its class)' : String(replicationFactor)
