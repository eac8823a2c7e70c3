// How a topic differs from what it should be: a pure function of what is desired and what was seen.
import type { PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import { isSealed } from '../topics/copied-configs.ts'
import { type ClusterLook, type DesiredTopic, isTooLong, type Looks } from './desired.ts'
import type { Difference } from './difference.ts'
import { partitionDrift } from './partition-drift.ts'
import { standbyDrift } from './standby-drift.ts'
import { standbyHomeDrift } from './standby-home-drift.ts'

const limitConfig = 'max.message.bytes'
const policyConfig = 'cleanup.policy'
/** By these a sealed loglet drains; what else is asked for is about records that are yet to come. */
const drainConfigs: ReadonlySet<string> = new Set(['retention.ms', 'retention.bytes', 'delete.retention.ms'])

/** In a stable order: what is worst of the active topic comes first. */
export function driftOf(topic: DesiredTopic, looks: Looks): Difference[] {
  return [
    ...clustersAway(topic, looks),
    ...activeDrift(topic, looks),
    ...partitionDrift(topic, looks),
    ...sealedDrift(topic, looks),
    ...homeDrift(topic, looks),
    ...standbyDrift(topic, looks),
    ...standbyHomeDrift(topic, looks),
    ...failoverDrift(topic),
  ]
}

/** A loglet that is away is away as the policy was that it was lost under. */
function failoverDrift({ route, failover }: DesiredTopic): Difference[] {
  if (route.failover === failover) return []
  const code = 'FAILOVER_DIFFERS'
  const text = `the routes say failover ${route.failover}, its class says ${failover}`
  const lost = clusterAway(route)
  if (lost !== undefined) {
    const until = `waits until what it has on ${lost}, which was given up, has returned or is abandoned`
    return [{ code, text: `${text}: ${until}` }]
  }
  return [{ code, text, mend: { kind: 'set-failover', failover } }]
}

/** A cluster that a loglet of it is away with. */
export function clusterAway(route: TopicRoute): string | undefined {
  for (let i = 0; i < route.depth; i++) if (route.away(i) !== undefined) return route.cluster(i)
  return undefined
}

/** Undefined while the cluster is away. `found` undefined: it is not there. */
export function seen(
  looks: Looks,
  { cluster, topic }: PhysicalTopic,
): { readonly found: PhysicalTopicFacts | undefined } | undefined {
  const look: ClusterLook | undefined = looks.get(cluster)
  return look?.kind === 'answered' ? { found: look.topics.get(topic) } : undefined
}

function clustersAway(topic: DesiredTopic, looks: Looks): Difference[] {
  const { route, home, standbyMade, standbyHomeMade } = topic
  const wanted = new Set<string>()
  for (let i = route.active; i >= 0; i--) wanted.add(route.cluster(i))
  wanted.add(home)
  if (standbyMade !== undefined) wanted.add(standbyMade.cluster)
  if (standbyHomeMade !== undefined) wanted.add(standbyHomeMade.cluster)
  return [...wanted].flatMap((cluster) => {
    const look = looks.get(cluster)
    if (look?.kind !== 'away') return []
    const text = `${cluster} cannot be asked, so what is there is not known: ${look.reason}`
    return [{ code: 'CLUSTER_AWAY' as const, text }]
  })
}

function activeDrift(topic: DesiredTopic, looks: Looks): Difference[] {
  const { route } = topic
  const physical = { cluster: route.cluster(route.active), topic: route.physicalTopic(route.active) }
  const look = seen(looks, physical)
  if (look === undefined) return []
  const { found } = look
  if (found === undefined) return [missing(physical, 'it takes the records of the topic')]
  return [
    ...limitDrift(topic, physical, found),
    ...compactionDrift(topic, physical, found),
    ...configDrift(topic, physical, found, (name) => name !== limitConfig && !isHeldBack(topic, name)),
  ]
}

/**
 * The latest record of a key may be in a sealed loglet, and would go with it: nothing becomes compacted while its chain
 * is more than one loglet, or about to be.
 */
function isHeldBack({ route, configs, migration }: DesiredTopic, name: string): boolean {
  const wanted = configs[name] ?? ''
  return name === policyConfig && wanted.includes('compact') && (route.depth > 1 || migration !== null)
}

function compactionDrift(
  topic: DesiredTopic,
  { topic: physical, cluster }: PhysicalTopic,
  found: PhysicalTopicFacts,
): Difference[] {
  const wanted = topic.configs[policyConfig]
  if (!isHeldBack(topic, policyConfig) || found.configs.get(policyConfig)?.value === wanted) return []
  return [
    {
      code: 'CONFIG_DIFFERS',
      text: `${physical} on ${cluster} should have ${policyConfig}=${wanted}: waits until what it has moved from has passed its retention, because the only record of an old key would go with it`,
    },
  ]
}

function missing({ cluster, topic }: PhysicalTopic, what: string): Difference {
  return {
    code: 'TOPIC_MISSING',
    text: `physical topic ${topic} is not on ${cluster} any more, and ${what}: somebody deleted it, and its records with it; nothing is made in its place, because offsets would be used twice`,
  }
}

/** max.message.bytes is the seal's: it is left alone while the topic moves, and while it is sealed. */
function limitDrift(topic: DesiredTopic, physical: PhysicalTopic, found: PhysicalTopicFacts): Difference[] {
  const { route, configs, migration } = topic
  if (migration !== null) return []
  const where = `${physical.topic} on ${physical.cluster}`
  if (isSealed(found.configs)) {
    const late = topic.sealTakenBack
    if (late?.cluster === physical.cluster && late.topic === physical.topic) {
      const { maxMessageBytes } = route
      return [
        {
          code: 'ACTIVE_SEALED',
          text: `${where} refuses every record (${limitConfig}=1), and the migration that sealed it was undone: its seal came late, and is taken off`,
          mend: { kind: 'set-limit', physical, maxMessageBytes },
        },
      ]
    }
    return [
      {
        code: 'ACTIVE_SEALED',
        text: `${where} refuses every record (${limitConfig}=1) and no migration is under way: somebody sealed it, or the store is older than its last move (was a backup put back?); set ${limitConfig} back to ${route.maxMessageBytes} there only if it never moved on`,
      },
    ]
  }
  const asked = configs[limitConfig]
  const wanted = asked === undefined ? route.maxMessageBytes : Number(asked)
  const actual = found.configs.get(limitConfig)?.value
  if (wanted === route.maxMessageBytes && actual === String(wanted)) return []
  if (!Number.isSafeInteger(wanted) || wanted < 2) {
    return [
      {
        code: 'LIMIT_DIFFERS',
        text: `${limitConfig}=${asked} is asked for, and is no size: ask for another`,
      },
    ]
  }
  return [
    {
      code: 'LIMIT_DIFFERS',
      text: `${where} has ${limitConfig}=${actual}, should be ${wanted}`,
      mend: { kind: 'set-limit', physical, maxMessageBytes: wanted },
    },
  ]
}

/** Of the configs that `concerns`; one difference each, mended by one request. */
export function configDrift(
  { configs, applied, retentionMaxMs }: DesiredTopic,
  physical: PhysicalTopic,
  found: PhysicalTopicFacts,
  concerns: (name: string) => boolean,
): Difference[] {
  const where = `${physical.topic} on ${physical.cluster}`
  const texts: string[] = []
  const changes: Record<string, string | null> = {}
  for (const [name, wanted] of Object.entries(configs)) {
    if (!concerns(name)) continue
    const actual = found.configs.get(name)
    if (actual?.value === wanted) continue
    changes[name] = wanted
    texts.push(
      actual === undefined
        ? `${where} does not know ${name}=${wanted}`
        : `${where} has ${name}=${actual.value}, should be ${wanted}`,
    )
  }
  for (const [name, before] of Object.entries(applied)) {
    const actual = found.configs.get(name)
    const ours = actual?.source === 'topic' && actual.value === before
    if (name in configs || name === limitConfig || !ours) continue
    changes[name] = null
    texts.push(`${where} has ${name}=${before}, which is not asked for any more`)
  }
  const retention = found.configs.get('retention.ms')?.value
  const within = configs['retention.ms'] !== undefined || 'retention.ms' in changes
  if (!within && retention !== undefined && isTooLong(Number(retention), retentionMaxMs)) {
    changes['retention.ms'] = String(retentionMaxMs)
    texts.push(
      `${where} has retention.ms=${retention}, longer than the ${retentionMaxMs} that its class allows`,
    )
  }
  const mend = { kind: 'set-configs', physical, configs: changes } as const
  // One request does them all.
  return texts.map((text, i) => ({ code: 'CONFIG_DIFFERS', text, ...(i === 0 && { mend }) }))
}

function sealedDrift(topic: DesiredTopic, looks: Looks): Difference[] {
  const { route } = topic
  const differences: Difference[] = []
  for (let i = 0; i < route.active; i++) {
    const physical = { cluster: route.cluster(i), topic: route.physicalTopic(i) }
    const look = seen(looks, physical)
    // What is away is the matter of its return.
    if (look === undefined || route.away(i) !== undefined) continue
    const { found } = look
    if (found === undefined) {
      differences.push(missing(physical, 'it holds records of the topic from before a move'))
      continue
    }
    if (!isSealed(found.configs)) differences.push(unsealed(physical, found))
    differences.push(...configDrift(topic, physical, found, (name) => drainConfigs.has(name)))
  }
  return differences
}

/** What the chain has moved on from is sealed for ever. */
function unsealed(physical: PhysicalTopic, found: PhysicalTopicFacts): Difference {
  const limit = found.configs.get(limitConfig)?.value
  return {
    code: 'SEAL_TAKEN_OFF',
    text: `${physical.topic} on ${physical.cluster} is sealed for ever, and has ${limitConfig}=${limit}: somebody took the seal off; it is sealed again, and records that came meanwhile are recovered`,
    mend: { kind: 'seal', physical },
  }
}

/** The place of groups' commits, when it is not part of the chain. */
function homeDrift({ route, home }: DesiredTopic, looks: Looks): Difference[] {
  const physical = { cluster: home, topic: route.homeTopic }
  for (let i = 0; i < route.depth; i++)
    if (route.cluster(i) === home && route.physicalTopic(i) === route.homeTopic) return []
  const look = seen(looks, physical)
  if (look === undefined) return []
  const { found } = look
  const { partitions } = route
  if (found === undefined) {
    return [
      {
        code: 'STUB_MISSING',
        text: `${physical.topic}, under which groups commit for the topic, is not on ${home} any more: somebody deleted it, AND THE COMMITTED OFFSETS OF ALL ITS GROUPS ARE LOST WITH IT; it is made again, and groups begin by their auto.offset.reset unless they are set`,
        mend: { kind: 'make-stub', physical, partitions },
      },
    ]
  }
  const differences: Difference[] = []
  if (!isSealed(found.configs)) differences.push(unsealed(physical, found))
  if (found.partitions < partitions) {
    differences.push({
      code: 'PARTITIONS_MISSING',
      text: `${physical.topic} on ${home}, under which groups commit, has ${found.partitions} partitions, should have ${partitions}`,
      mend: { kind: 'add-partitions', physical, partitions },
    })
  }
  return differences
}
