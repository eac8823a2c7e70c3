import { errorCodes, listOffsets } from '@braid/kafka-protocol'
import type { ClusterConnections } from '../cluster-connections.ts'
import { type LeaderShare, sharesByLeader } from './by-leader.ts'
import { DEBUGGING, LATEST, listOffsetsRequest } from './log-ends.ts'

type Share = LeaderShare<{ readonly topic: string; readonly partitions: number; readonly ends: bigint[] }>

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
    partitions,
    ends: new Array<bigint>(partitions).fill(-1n),
  }))
  const lost = sharesByLeader(cluster, all).get(-1)
  // Some may be gone, and others wait for the answer.
  if (lost !== undefined)
    await cluster.refreshMetadata(lost.map(({ of: { topic } }) => topic)).catch(() => {})
  await Promise.all(
    [...sharesByLeader(cluster, all)].map(async ([leader, shares]) => {
      if (leader < 0) return
      try {
        await askLeader(cluster, leader, shares)
      } catch {
        for (const { of: one, partitions } of shares)
          for (const partition of partitions) cluster.invalidate(one.topic, partition)
      }
    }),
  )
  return all.map(({ ends }) => ends)
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
      ({ of: { topic }, partitions }) => listOffsetsRequest(topic, partitions, LATEST, DEBUGGING).topics,
    ),
  }
  const answer = await connection.call(listOffsets, request, { timeoutMs: cluster.options.lookupTimeoutMs })
  const byTopic = new Map(shares.map(({ of }) => [of.topic, of.ends]))
  for (const { name, partitions } of answer.topics) {
    const ends = byTopic.get(name)
    if (ends === undefined) continue
    for (const { partitionIndex, errorCode, offset } of partitions) {
      if (errorCode === errorCodes.NONE && partitionIndex < ends.length) ends[partitionIndex] = offset
      else if (errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER) cluster.invalidate(name, partitionIndex)
    }
  }
}
