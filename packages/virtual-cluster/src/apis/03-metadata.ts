import { errorCodes, metadata } from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import type { LiveTopic } from '../live-topic.ts'
import { typed } from '../typed-call.ts'

/** Version 10 brings topic ids, which are not offered yet. */
const VERSION_MAX = 9
const LEARN_MAX_MS = 1_000

/**
 * What exists and who leads it: the leader of a partition is the listener towards its active loglet's
 * cluster. A hint for clients; any listener serves any partition.
 */
export const metadataHandler = typed(metadata, [0, VERSION_MAX], async ({ engine }, request, header) => {
  const all = request.topics === null || (header.apiVersion === 0 && request.topics.length === 0)
  const names = all
    ? Array.from(engine.routes.topics(engine.tenant), (topic) => topic.name)
    : (request.topics ?? []).map((topic) => topic.name ?? '')
  await learn(engine, names)
  const brokers = engine.listeners.all()
  return {
    throttleTimeMs: 0,
    brokers: brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port, rack: null })),
    clusterId: `braid-${engine.tenant}`,
    controllerId: brokers[0]?.nodeId ?? -1,
    topics: names.map((name) => describeTopic(engine, name)),
  }
})

/** Learns the leaders of topics that nobody has asked for yet, within a bound: a cluster may be away. */
async function learn(engine: Engine, names: readonly string[]): Promise<void> {
  const byCluster = new Map<string, string[]>()
  for (const name of names) {
    const topic = engine.topic(name)
    // A cluster that is given up would be waited for in vain: the topic goes elsewhere.
    if (topic === undefined || (topic.leased && topic.fenced)) continue
    const cluster = topic.route.cluster(topic.route.active)
    if (!leaderless(engine, topic)) continue
    const topics = byCluster.get(cluster)
    if (topics === undefined) byCluster.set(cluster, [topic.active])
    else topics.push(topic.active)
  }
  if (byCluster.size === 0) return
  const asking = [...byCluster].map(([cluster, topics]) => engine.cluster(cluster)?.refreshMetadata(topics))
  let timer: NodeJS.Timeout | undefined
  const bound = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LEARN_MAX_MS)
  })
  await Promise.race([Promise.allSettled(asking), bound])
  clearTimeout(timer)
}

function leaderless(engine: Engine, { route, active }: LiveTopic): boolean {
  const connections = engine.cluster(route.cluster(route.active))
  if (connections === undefined) return false
  for (let partition = 0; partition < route.partitions; partition++) {
    if (connections.leader(active, partition) < 0) return true
  }
  return false
}

function describeTopic(engine: Engine, name: string) {
  const topic = engine.topic(name)
  if (topic === undefined) {
    return { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, name, isInternal: false, partitions: [] }
  }
  const { route } = topic
  const cluster = route.cluster(route.active)
  // Without the lease nothing is written to it through here. Whoever has it is reached by another access point; what
  // that one can do nobody knows here, so it is a hint like all others.
  const elsewhere = topic.leased && !engine.leaseHeld ? engine.listeners.elsewhere?.(cluster) : undefined
  const listener = elsewhere ?? engine.listeners.towards(cluster)
  const connections = engine.cluster(cluster)
  return {
    errorCode: 0,
    name,
    isInternal: false,
    partitions: Array.from({ length: route.partitions }, (_, partitionIndex) => {
      const isLed = elsewhere !== undefined || (connections?.leader(topic.active, partitionIndex) ?? -1) >= 0
      const reachable = listener !== undefined && isLed
      const leaderId = reachable ? listener.nodeId : -1
      return {
        errorCode: reachable ? 0 : errorCodes.LEADER_NOT_AVAILABLE,
        partitionIndex,
        leaderId,
        // Epochs of different loglets do not compare.
        leaderEpoch: -1,
        replicaNodes: reachable ? [leaderId] : [],
        isrNodes: reachable ? [leaderId] : [],
        offlineReplicas: [],
      }
    }),
  }
}
