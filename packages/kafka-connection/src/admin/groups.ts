import {
  errorCodes,
  isRetriable,
  listGroups as listGroupsApi,
  offsetCommit,
  offsetFetch,
} from '@braid/kafka-protocol'
import { backoffMs } from '../backoff.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ClusterConnections } from '../cluster-connections.ts'
import type { ConnectionError } from '../errors.ts'
import { brokerError, type Right } from '../rights.ts'
import { canPass } from './by-leader.ts'

/** Versions up to here ask for one group; the batched form (8+) has nothing for us. */
const OFFSET_FETCH_CAP = 7
const NO_GENERATION = -1
const { UNKNOWN_TOPIC_OR_PARTITION } = errorCodes

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly metadata: string | null
}

export interface GroupListing {
  readonly groupId: string
  readonly protocolType: string
}

const listing: Right = { operation: 'Describe', resource: 'Cluster', name: 'kafka-cluster' }

/** From every broker: each knows the groups that it coordinates. */
export async function listGroups(cluster: ClusterConnections): Promise<GroupListing[]> {
  const groups = new Map<string, GroupListing>()
  await Promise.all(
    (await cluster.brokers()).map(async ({ id }) => {
      await repeatWhilePassing(cluster, `list the groups of broker ${id}`, listing, async () => {
        const answer = await (await cluster.shared(id)).call(listGroupsApi, {})
        if (answer.errorCode === 0) {
          for (const { groupId, protocolType } of answer.groups)
            groups.set(groupId, { groupId, protocolType })
        }
        return answer.errorCode
      })
    }),
  )
  return [...groups.values()]
}

/** All committed offsets of the group; partitions without a commit are left out. */
export async function fetchGroupOffsets(
  cluster: ClusterConnections,
  groupId: string,
): Promise<GroupOffset[]> {
  let offsets: GroupOffset[] = []
  await onCoordinator(
    cluster,
    groupId,
    'Describe',
    `fetch the offsets of group ${groupId}`,
    async (connection) => {
      const version = connection.versionOf(offsetFetch, OFFSET_FETCH_CAP)
      const answer = await connection.call(offsetFetch, { groupId, topics: null }, { version })
      if (answer.errorCode !== 0) return answer.errorCode
      offsets = []
      for (const topic of answer.topics) {
        for (const { partitionIndex, committedOffset, metadata, errorCode } of topic.partitions) {
          if (errorCode !== 0) return errorCode
          if (committedOffset < 0n) continue
          offsets.push({ topic: topic.name, partition: partitionIndex, offset: committedOffset, metadata })
        }
      }
      return 0
    },
  )
  return offsets
}

/** A simple commit (no member, no generation): refused while the group has members. */
export async function commitGroupOffsets(
  cluster: ClusterConnections,
  groupId: string,
  offsets: readonly GroupOffset[],
): Promise<void> {
  if (offsets.length === 0) return
  const topics = Map.groupBy(offsets, (offset) => offset.topic)
  await onCoordinator(cluster, groupId, 'Read', `commit offsets of group ${groupId}`, async (connection) => {
    const answer = await connection.call(offsetCommit, {
      groupId,
      generationIdOrMemberEpoch: NO_GENERATION,
      memberId: '',
      topics: [...topics].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, offset, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedMetadata: metadata,
        })),
      })),
    })
    const errors = answer.topics.flatMap((topic) => topic.partitions.map((partition) => partition.errorCode))
    return errors.find((errorCode) => errorCode !== 0) ?? 0
  })
}

/** `ask` answers an error code; it is repeated while the coordinator moves or loads. */
function onCoordinator(
  cluster: ClusterConnections,
  groupId: string,
  operation: Right['operation'],
  what: string,
  ask: (connection: BrokerConnection) => Promise<number>,
): Promise<void> {
  const needed: Right = { operation, resource: 'Group', name: groupId }
  return repeatWhilePassing(cluster, what, needed, async () => {
    try {
      const errorCode = await ask(await cluster.shared(await cluster.coordinator(groupId)))
      if (errorCode === errorCodes.NOT_COORDINATOR) cluster.invalidateCoordinator(groupId)
      return errorCode
    } catch (error) {
      cluster.invalidateCoordinator(groupId)
      throw error
    }
  })
}

function refusal(
  { name }: ClusterConnections,
  what: string,
  errorCode: number,
  right: Right,
): ConnectionError {
  // Commits take the same right on each of their topics.
  const ofTopic = errorCode === errorCodes.TOPIC_AUTHORIZATION_FAILED
  const needed: Right = ofTopic ? { ...right, resource: 'Topic', name: 'of these offsets' } : right
  return brokerError(name, `${name} could not ${what}`, errorCode, needed)
}

async function repeatWhilePassing(
  cluster: ClusterConnections,
  what: string,
  needed: Right,
  ask: () => Promise<number>,
): Promise<void> {
  const startedMs = cluster.options.clock.now()
  for (let tries = 1; ; tries++) {
    const outcome = await ask().catch((error: unknown) => {
      if (!canPass(error)) throw error
      return error
    })
    if (outcome === 0) return
    const failure = typeof outcome === 'number' ? refusal(cluster, what, outcome, needed) : outcome
    // An unknown topic or partition is retriable to Kafka, but does not pass by waiting here.
    const passes =
      typeof outcome !== 'number' || (isRetriable(outcome) && outcome !== UNKNOWN_TOPIC_OR_PARTITION)
    if (!passes) throw failure
    const overdue = cluster.options.clock.now() - startedMs >= cluster.options.metadataTimeoutMs
    if (overdue || cluster.closed) throw failure
    await cluster.wait(backoffMs(tries, cluster.options))
  }
}
