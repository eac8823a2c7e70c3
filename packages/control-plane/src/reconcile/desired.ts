// What a topic should be on its clusters, from its spec, its class and its route.
import type { FailoverPolicy, PhysicalTopic, TopicRoute } from '@braid/routing-model'
import type { PhysicalTopicFacts } from '../clusters/kafka-cluster.ts'
import type { StandbyHomeRow } from '../store/reconcile-queries.ts'
import type { SlaRow } from '../store/sla-queries.ts'
import type { TopicSpecRow } from '../store/topic-queries.ts'

export interface DesiredTopic {
  readonly route: TopicRoute
  /** The cluster of the tenant's groups. */
  readonly home: string
  readonly partitions: number
  /** As asked for, within what the class allows. */
  readonly configs: Readonly<Record<string, string>>
  /** The longest retention.ms of the class, also where none was asked for. */
  readonly retentionMaxMs: number | null
  /** What was asked for when we last had it all in place: what is not asked for any more is taken off again. */
  readonly applied: Readonly<Record<string, string>>
  /** Where an empty topic waits for a failover; null without. */
  readonly standby: string | null
  /** What was chosen as its standby is where it is itself: it has moved there. */
  readonly standsByItself: boolean
  /** The one that the store says is there, or about to be. */
  readonly standbyMade: PhysicalTopic | undefined
  /** What becomes of it when its cluster is lost, as its class says. */
  readonly failover: FailoverPolicy
  /** The cluster that commits of the tenant's groups are mirrored to; null without. */
  readonly standbyHome: string | null
  /** The topic for that, as the store says. */
  readonly standbyHomeMade: StandbyHomeRow | undefined
  /** The migration that moves it now. */
  readonly migration: string | null
  /** What its latest migration had begun to seal, if that was undone. */
  readonly sealTakenBack?: PhysicalTopic | undefined
}

export interface DesiredParts
  extends Pick<
    DesiredTopic,
    | 'route'
    | 'home'
    | 'applied'
    | 'standbyMade'
    | 'standbyHome'
    | 'standbyHomeMade'
    | 'migration'
    | 'sealTakenBack'
  > {
  readonly spec: Pick<TopicSpecRow, 'partitions' | 'configs' | 'standby'>
  readonly sla: Pick<SlaRow, 'availability' | 'durability' | 'retentionMaxMs'> | undefined
}

export function desiredTopic({ spec, sla, ...parts }: DesiredParts): DesiredTopic {
  const { route } = parts
  const failover = sla?.availability.failover ?? 'none'
  const failsOver = failover !== 'none'
  const standsByItself = failsOver && spec.standby === route.cluster(route.active)
  const standby = failsOver && !standsByItself ? spec.standby : null
  const retentionMaxMs = sla?.retentionMaxMs ?? null
  return {
    ...parts,
    partitions: spec.partitions,
    configs: withinClass(spec.configs, sla),
    retentionMaxMs,
    standby,
    standsByItself,
    failover,
  }
}

/** A class may have changed since its topics were made: it wins. */
function withinClass(configs: Readonly<Record<string, string>>, sla: DesiredParts['sla']) {
  if (sla === undefined) return configs
  const { minInSyncReplicas } = sla.durability
  const asked = Number(configs['min.insync.replicas'] ?? 0)
  const within: Record<string, string> = {
    ...configs,
    'min.insync.replicas': String(Math.max(asked, minInSyncReplicas)),
  }
  const retention = configs['retention.ms']
  if (retention !== undefined && isTooLong(Number(retention), sla.retentionMaxMs))
    within['retention.ms'] = String(sla.retentionMaxMs)
  return within
}

/** A negative retention is for ever. */
export function isTooLong(retentionMs: number, maxMs: number | null): boolean {
  return maxMs !== null && (retentionMs < 0 || retentionMs > maxMs)
}

/** Every physical topic that the topic has, by cluster. */
export function physicalTopicsOf(
  topic: Pick<DesiredTopic, 'route' | 'home' | 'standbyMade' | 'standbyHomeMade'>,
): Map<string, Set<string>> {
  const { route, home, standbyMade, standbyHomeMade } = topic
  const found = new Map<string, Set<string>>()
  const add = (physical: PhysicalTopic) => {
    const known = found.get(physical.cluster)
    if (known === undefined) found.set(physical.cluster, new Set([physical.topic]))
    else known.add(physical.topic)
  }
  for (let i = 0; i < route.depth; i++) add({ cluster: route.cluster(i), topic: route.physicalTopic(i) })
  add({ cluster: home, topic: route.homeTopic })
  if (standbyMade !== undefined) add(standbyMade)
  if (standbyHomeMade !== undefined) add(standbyHomeMade)
  return found
}

/** What was seen of one cluster. */
export type ClusterLook =
  | { readonly kind: 'answered'; readonly topics: ReadonlyMap<string, PhysicalTopicFacts> }
  | { readonly kind: 'away'; readonly reason: string }

/** By cluster. */
export type Looks = ReadonlyMap<string, ClusterLook>
