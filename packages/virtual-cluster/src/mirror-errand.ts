import type { ClusterConnections } from '@braid/kafka-connection'
import { deleteGroups, errorCodes, errorName, isRetriable, offsetCommit } from '@braid/kafka-protocol'
import type { Errand, MirroredCommit } from './mirror-queue.ts'

/** What became of an errand's commits; those in neither list wait for another try. */
export interface ErrandEnd {
  readonly mirrored: readonly MirroredCommit[]
  /** Not needed any more, as the group lives there now, or never taken there. */
  readonly dropped: readonly { readonly commit: MirroredCommit; readonly why: 'superseded' | 'refused' }[]
  readonly deleted: boolean
  /** Of what has to be tried again, or was refused. */
  readonly problem: string | undefined
}

const NOTHING: ErrandEnd = { mirrored: [], dropped: [], deleted: false, problem: undefined }
const NO_GENERATION = -1

/** Asks the group's coordinator on the standby home. Never rejects. */
export async function runErrand(
  standby: ClusterConnections,
  errand: Errand,
  timeoutMs: number,
): Promise<ErrandEnd> {
  try {
    const coordinator = await standby.coordinator(errand.group)
    // Not the quick lane: a commit waits for replicas, and others must not wait for it.
    const connection = await standby.shared(coordinator, 'slow')
    const end =
      errand.kind === 'delete'
        ? await deleteGroup(connection, errand.group, timeoutMs)
        : await commit(connection, errand.group, errand.commits, timeoutMs)
    if (end.problem !== undefined) standby.invalidateCoordinator(errand.group)
    return end
  } catch (error) {
    standby.invalidateCoordinator(errand.group)
    return { ...NOTHING, problem: error instanceof Error ? error.message : String(error) }
  }
}

type Connection = Awaited<ReturnType<ClusterConnections['shared']>>

/** As somebody who is no member: taken while the group has no members there. */
async function commit(
  connection: Connection,
  groupId: string,
  commits: readonly MirroredCommit[],
  timeoutMs: number,
): Promise<ErrandEnd> {
  const topics = Map.groupBy(commits, ({ topic }) => topic)
  const request = {
    groupId,
    generationIdOrMemberEpoch: NO_GENERATION,
    memberId: '',
    topics: Array.from(topics, ([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: metadata,
      })),
    })),
  }
  const answer = await connection.call(offsetCommit, request, { timeoutMs })
  const errors = new Map<string, number>()
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) errors.set(`${partitionIndex} ${name}`, errorCode)
  }
  const mirrored: MirroredCommit[] = []
  const dropped: { commit: MirroredCommit; why: 'superseded' | 'refused' }[] = []
  let problem: string | undefined
  for (const each of commits) {
    const error = errors.get(`${each.partition} ${each.topic}`) ?? errorCodes.UNKNOWN_SERVER_ERROR
    const kind = meaning(error)
    if (kind === 'mirrored') mirrored.push(each)
    else {
      if (kind !== 'superseded') problem = `${errorName(error)} for ${each.topic}-${each.partition}`
      if (kind !== 'passing') dropped.push({ commit: each, why: kind })
    }
  }
  return { mirrored, dropped, deleted: false, problem }
}

function meaning(error: number): 'mirrored' | 'superseded' | 'refused' | 'passing' {
  switch (error) {
    case 0:
      return 'mirrored'
    // It has members, so it lives there now: what they commit is later.
    case errorCodes.UNKNOWN_MEMBER_ID:
    case errorCodes.ILLEGAL_GENERATION:
    case errorCodes.REBALANCE_IN_PROGRESS:
      return 'superseded'
    case errorCodes.UNKNOWN_SERVER_ERROR:
      return 'passing'
    // An unknown topic too: a stub that has just been made takes a moment to be known everywhere.
    default:
      return isRetriable(error) ? 'passing' : 'refused'
  }
}

async function deleteGroup(connection: Connection, groupId: string, timeoutMs: number): Promise<ErrandEnd> {
  const answer = await connection.call(deleteGroups, { groupsNames: [groupId] }, { timeoutMs })
  const error = answer.results[0]?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
  if (error === 0 || !isRetriable(error)) return { ...NOTHING, deleted: true }
  return { ...NOTHING, problem: `${errorName(error)} for the deletion of group ${groupId}` }
}
