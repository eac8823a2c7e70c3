import { isRetriable } from '@braid/kafka-protocol'
import { backoffMs } from '../backoff.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ClusterConnections } from '../cluster-connections.ts'
import { ConnectionError } from '../errors.ts'
import { brokerError, type Right, topicRight } from '../rights.ts'

export interface PartitionAnswer {
  readonly partition: number
  readonly errorCode: number
}

/** Partitions by the broker that leads them, as the cache has it; -1 for those whose leader is not known. */
export function byLeader(
  cluster: ClusterConnections,
  topic: string,
  partitions: Iterable<number>,
): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const partition of partitions) {
    const leader = cluster.leader(topic, partition)
    const group = groups.get(leader)
    if (group === undefined) groups.set(leader, [partition])
    else group.push(partition)
  }
  return groups
}

/** Partitions of one of several topics that one leader is asked about. */
export interface LeaderShare<T> {
  readonly of: T
  readonly partitions: readonly number[]
}

/** byLeader, of the partitions 0 to `partitions` of many topics. */
export function sharesByLeader<T extends { readonly topic: string; readonly partitions: number }>(
  cluster: ClusterConnections,
  topics: readonly T[],
): Map<number, LeaderShare<T>[]> {
  const shares = new Map<number, LeaderShare<T>[]>()
  for (const one of topics) {
    for (const [leader, partitions] of byLeader(cluster, one.topic, Array(one.partitions).keys())) {
      const known = shares.get(leader)
      if (known === undefined) shares.set(leader, [{ of: one, partitions }])
      else known.push({ of: one, partitions })
    }
  }
  return shares
}

/**
 * Asks the leader of each partition, one request a leader, and asks again where the leader was another by then or did
 * not answer: only for what can be repeated. `ask` gives an answer for each of its partitions, which
 * takes the right to do `operation` on the topic. Rejects after
 * `metadataTimeoutMs`, or at once when a broker answers with an error that does not pass.
 */
export async function askLeaders(
  cluster: ClusterConnections,
  topic: string,
  partitions: readonly number[],
  operation: Right['operation'],
  ask: (connection: BrokerConnection, partitions: readonly number[]) => Promise<readonly PartitionAnswer[]>,
): Promise<void> {
  const startedMs = cluster.options.clock.now()
  const pending = new Set(partitions)
  for (let tries = 1; ; tries++) {
    if (byLeader(cluster, topic, pending).has(-1)) await cluster.refreshMetadata([topic])
    const groups = byLeader(cluster, topic, pending)
    const missing = groups.get(-1)
    const count = cluster.partitionCount(topic)
    if (missing !== undefined && count >= 0 && missing.some((partition) => partition >= count)) {
      const what = `${topic} has ${count} partitions, so no partition ${missing.join(', ')}`
      throw new ConnectionError('UNKNOWN_TOPIC', `${cluster.name} topic ${what}`, { cluster: cluster.name })
    }
    groups.delete(-1)
    let failure: unknown
    await Promise.all(
      [...groups].map(async ([leader, group]) => {
        let answers: readonly PartitionAnswer[]
        try {
          answers = await ask(await cluster.shared(leader), group)
        } catch (error) {
          if (!canPass(error)) throw error
          failure = error
          for (const partition of group) cluster.invalidate(topic, partition)
          return
        }
        for (const { partition, errorCode } of answers) {
          if (errorCode === 0) {
            pending.delete(partition)
            continue
          }
          const error = partitionError(cluster, topicRight(operation, topic), partition, leader, errorCode)
          if (!isRetriable(errorCode)) throw error
          failure = error
          cluster.invalidate(topic, partition)
        }
      }),
    )
    if (pending.size === 0) return
    const overdue = cluster.options.clock.now() - startedMs >= cluster.options.metadataTimeoutMs
    if (overdue || cluster.closed) {
      throw (
        failure ??
        new ConnectionError(
          'NO_LEADER',
          `${cluster.name} topic ${topic}: no leader answered for ${[...pending]}`,
          {
            cluster: cluster.name,
          },
        )
      )
    }
    await cluster.wait(backoffMs(tries, cluster.options))
  }
}

/** A broker that is away or too slow may be back, or another may lead. */
export function canPass(error: unknown): boolean {
  if (!(error instanceof ConnectionError)) return false
  // A broker that goes down in the middle of a handshake looks like one that has no TLS.
  if (error.code === 'TLS_FAILED')
    return (error.cause as { code?: string } | undefined)?.code === 'ECONNRESET'
  return error.code === 'CONNECT_FAILED' || error.code === 'CLOSED' || error.code === 'TIMED_OUT'
}

function partitionError(
  cluster: ClusterConnections,
  needed: Right,
  partition: number,
  leader: number,
  errorCode: number,
): ConnectionError {
  const what = `${cluster.name} broker ${leader} refused to answer for ${needed.name}-${partition}`
  return brokerError(cluster.name, what, errorCode, needed)
}
