import type { ClusterConnections } from '@braid/kafka-connection'
import { errorCodes, isRetriable, listOffsets } from '@braid/kafka-protocol'

/** Log start; what consumers may read; all that is appended, replicated or not (replica id -2). */
export type Place = 'start' | 'highWatermark' | 'logEnd'

const questions: Readonly<Record<Place, { timestamp: bigint; replicaId: number }>> = {
  start: { timestamp: -2n, replicaId: -1 },
  highWatermark: { timestamp: -1n, replicaId: -1 },
  logEnd: { timestamp: -1n, replicaId: -2 },
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** By topic and partition, of those that were answered. */
export type Offsets = ReadonlyMap<string, ReadonlyMap<number, bigint>>

/** In one request. */
const PARTITIONS_MAX = 5_000
/** Leaders that moved are asked for once more. */
const TRIES = 2

/**
 * One place in each log of many topics, by one request a leader. Never rejects: what could not be had is left out, and
 * asked for again by the next round.
 */
export async function readOffsets(
  cluster: ClusterConnections,
  topics: readonly TopicPartitions[],
  place: Place,
  timeoutMs: number,
): Promise<Offsets> {
  const found = new Map<string, Map<number, bigint>>()
  let wanted = topics.filter(({ partitions }) => partitions.length > 0)
  for (let tries = 1; tries <= TRIES && wanted.length > 0; tries++) {
    const unled = wanted.filter(({ topic, partitions }) =>
      partitions.some((p) => cluster.leader(topic, p) < 0),
    )
    if (unled.length > 0) await cluster.refreshMetadata(unled.map(({ topic }) => topic)).catch(() => {})
    const shares = [...byLeader(cluster, wanted)].flatMap(([leader, share]) =>
      inParts(share).map((part) => ({ leader, part })),
    )
    await Promise.all(
      shares.map(({ leader, part }) => askLeader(cluster, leader, part, place, timeoutMs, found)),
    )
    wanted = wanted
      .map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.filter((partition) => found.get(topic)?.has(partition) !== true),
      }))
      .filter(({ partitions }) => partitions.length > 0)
  }
  return found
}

function byLeader(
  cluster: ClusterConnections,
  topics: readonly TopicPartitions[],
): Map<number, [topic: string, partition: number][]> {
  const shares = new Map<number, [string, number][]>()
  for (const { topic, partitions } of topics) {
    for (const partition of partitions) {
      const leader = cluster.leader(topic, partition)
      if (leader < 0) continue
      const share = shares.get(leader)
      if (share === undefined) shares.set(leader, [[topic, partition]])
      else share.push([topic, partition])
    }
  }
  return shares
}

function inParts<T>(all: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let from = 0; from < all.length; from += PARTITIONS_MAX)
    parts.push(all.slice(from, from + PARTITIONS_MAX))
  return parts
}

async function askLeader(
  cluster: ClusterConnections,
  leader: number,
  share: readonly (readonly [topic: string, partition: number])[],
  place: Place,
  timeoutMs: number,
  found: Map<string, Map<number, bigint>>,
): Promise<void> {
  const { timestamp, replicaId } = questions[place]
  const topics = [...Map.groupBy(share, ([topic]) => topic)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(([, partitionIndex]) => ({ partitionIndex, timestamp })),
  }))
  try {
    const connection = await cluster.shared(leader)
    const answer = await connection.call(listOffsets, { replicaId, topics }, { timeoutMs })
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset } of partitions) {
        if (errorCode === errorCodes.NONE && offset >= 0n) {
          const ofTopic = found.get(name) ?? new Map<number, bigint>()
          found.set(name, ofTopic.set(partitionIndex, offset))
        } else if (isRetriable(errorCode)) cluster.invalidate(name, partitionIndex)
      }
    }
  } catch {
    for (const [topic, partition] of share) cluster.invalidate(topic, partition)
  }
}
