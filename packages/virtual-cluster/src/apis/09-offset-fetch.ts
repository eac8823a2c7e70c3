import { errorCodes, offsetFetch } from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import { homeName, logicalNames } from '../home.ts'
import type { Session } from '../session.ts'
import { typed } from '../typed-call.ts'

interface Asked {
  readonly groupId: string
  readonly memberId: string | null
  readonly memberEpoch: number
  /** null: every topic that the group has commits for */
  readonly topics: readonly { readonly name: string; readonly partitionIndexes: number[] }[] | null
}

interface CommittedTopic {
  readonly name: string
  readonly partitions: {
    readonly partitionIndex: number
    readonly committedOffset: bigint
    readonly committedLeaderEpoch: number
    readonly metadata: string | null
    readonly errorCode: number
  }[]
}

const BATCHED = 8

/** One group at a time, each at its own coordinator, in the version that the client speaks. */
export const offsetFetchHandler = typed(offsetFetch, [1, 9], async (session, request, header) => {
  if (header.apiVersion < BATCHED) {
    const asked = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics: request.topics }
    const { topics, errorCode } = await fetchOffsets(session, asked, header.apiVersion, request.requireStable)
    return { topics, errorCode }
  }
  const groups = await Promise.all(
    request.groups.map(async (group) => ({
      groupId: group.groupId,
      ...(await fetchOffsets(session, group, header.apiVersion, request.requireStable)),
    })),
  )
  return { groups }
})

async function fetchOffsets(
  session: Session,
  asked: Asked,
  version: number,
  requireStable: boolean,
): Promise<{ topics: CommittedTopic[]; errorCode: number }> {
  const { engine } = session
  const unknown = (asked.topics ?? []).flatMap(({ name, partitionIndexes }) =>
    homeName(engine, name) === undefined ? [{ name, partitions: partitionIndexes.map(noCommit) }] : [],
  )
  if (asked.topics !== null && asked.topics.length === unknown.length)
    return { topics: unknown, errorCode: 0 }
  try {
    return await engine.groups.ask(session, asked.groupId, async (connection, home) => {
      // Only now, as home may have moved while it was waited for: its topics have other names then.
      const { topics, names } = atHome(engine, asked.topics)
      const answer = await connection.call(
        offsetFetch,
        version < BATCHED
          ? { groupId: asked.groupId, topics, requireStable }
          : { groups: [{ ...asked, topics }], requireStable },
        { version, timeoutMs: engine.limits.brokerTimeoutMs },
      )
      const group = version < BATCHED ? answer : answer.groups[0]
      const errorCode = group?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
      if (errorCode === errorCodes.NOT_COORDINATOR) home.invalidateCoordinator(asked.groupId)
      const known = (group?.topics ?? []).flatMap(({ name, partitions }) => {
        const logical = names.get(name)
        return logical === undefined ? [] : [{ name: logical, partitions: partitions.map(withoutEpoch) }]
      })
      return { topics: [...known, ...unknown], errorCode }
    })
  } catch (error) {
    engine.log('debug', 'offset-fetch-failed', { groupId: asked.groupId, why: String(error) })
    const errorCode = errorCodes.NOT_COORDINATOR
    // Version 1 has no place for an error of the whole answer.
    const failed =
      version === 1
        ? (asked.topics ?? []).map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((index) => ({ ...noCommit(index), errorCode })),
          }))
        : []
    return { topics: failed, errorCode }
  }
}

/** Home's names of the topics that are asked for, and the client's by home's. */
function atHome(engine: Engine, asked: Asked['topics']) {
  if (asked === null) return { topics: null, names: logicalNames(engine) }
  const names = new Map<string, string>()
  const topics = asked.flatMap(({ name, partitionIndexes }) => {
    const home = homeName(engine, name)
    if (home === undefined) return []
    names.set(home, name)
    return [{ name: home, partitionIndexes }]
  })
  return { topics, names }
}

const withoutEpoch = <P extends object>(partition: P) => ({ ...partition, committedLeaderEpoch: -1 })

const noCommit = (partitionIndex: number) => ({
  partitionIndex,
  committedOffset: -1n,
  committedLeaderEpoch: -1,
  metadata: '',
  errorCode: 0,
})
