import { errorCodes, listOffsets } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { byLeader } from './by-leader.ts'
import { DEBUGGING, LATEST, listOffsetsRequest } from './log-ends.ts'

/** Partitions of one topic that one leader is asked about. */
interface Share {
  readonly topic: string
  readonly ends: bigint[]
  readonly partitions: readonly number[]
}

/**
 * The log ends of many topics, replicated or not, one request a leader, asked once: -1n where a leader is not known, is
 * away, or does not tell. For who looks now and then, and takes what there is. Answers in the order of `topics`.
 */
export async function logEndsOfTopics(
  cluster: ClusterConnections,
  topics: readonly { readonly topic: string; readonly partitions: number }[],
): Promise<bigint[][]> {
  const all = topics.map(({ topic, partitions }) => ({
    topic,
    ends: new Array<bigint>(partitions).fill(-1n),
  }))
  const lost = sharesByLeader(cluster, all).get(-1)
  // Some may be gone, and others wait for the answer.
  if (lost !== undefined) await cluster.refreshMetadata(lost.map(({ topic }) => topic)).catch(() => {})
  await Promise.all(
    [...sharesByLeader(cluster, all)].map(async ([leader, shares]) => {
      if (leader < 0) return
      try {
        await askLeader(cluster, leader, shares)
      } catch {
        for (const { topic, partitions } of shares)
          for (const partition of partitions) cluster.invalidate(topic, partition)
      }
    }),
  )
  return all.map(({ ends }) => ends)
}

/** -1 for those whose leader is not known. */
function sharesByLeader(
  cluster: ClusterConnections,
  topics: readonly Omit<Share, 'partitions'>[],
): Map<number, Share[]> {
  const shares = new Map<number, Share[]>()
  for (const { topic, ends } of topics) {
    for (const [leader, partitions] of byLeader(cluster, topic, ends.keys())) {
      const known = shares.get(leader)
      if (known === undefined) shares.set(leader, [{ topic, ends, partitions }])
      else known.push({ topic, ends, partitions })
    }
  }
  return shares
}

async function askLeader(
  cluster: ClusterConnections,
  leader: number,
  shares: readonly Share[],
): Promise<void> {
  const connection = await cluster.shared(leader)
  const request = {
    replicaId: DEBUGGING,
    topics: shares.flatMap(
      ({ topic, partitions }) => listOffsetsRequest(topic, partitions, LATEST, DEBUGGING).topics,
    ),
  }
  const answer = await connection.call(listOffsets, request, { timeoutMs: cluster.options.lookupTimeoutMs })
  const byTopic = new Map(shares.map((share) => [share.topic, share]))
  for (const { name, partitions } of answer.topics) {
    const share = byTopic.get(name)
    if (share === undefined) continue
    for (const { partitionIndex, errorCode, offset } of partitions) {
      if (errorCode === errorCodes.NONE && partitionIndex < share.ends.length)
        share.ends[partitionIndex] = offset
      else if (errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER) cluster.invalidate(name, partitionIndex)
    }
  }
}
