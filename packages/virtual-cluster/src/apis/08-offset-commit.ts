import { errorCodes, type OffsetCommitRequest, offsetCommit } from '@braid/kafka-protocol'
import { homeName } from '../home.ts'
import { typed } from '../typed-call.ts'

/** Commits are logical offsets, kept at home under the home topic's name. They need no translation, ever. */
export const offsetCommitHandler = typed(offsetCommit, [2, 9], async (session, request, header) => {
  const { engine } = session
  const errors = new Map<string, Map<number, number>>()
  let throttleTimeMs = 0
  let failure: number = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  if (request.topics.some((topic) => homeName(engine, topic.name) !== undefined)) {
    try {
      await engine.groups.ask(session, request.groupId, async (connection, home) => {
        // Only now, as home may have moved while it was waited for: its topics have other names then.
        const { topics, logical } = atHome(request)
        const answer = await connection.call(
          offsetCommit,
          { ...request, topics },
          { version: header.apiVersion, timeoutMs: engine.limits.brokerTimeoutMs },
        )
        throttleTimeMs = answer.throttleTimeMs
        for (const topic of answer.topics) {
          const name = logical.get(topic.name)
          if (name === undefined) continue
          errors.set(name, new Map(topic.partitions.map((p) => [p.partitionIndex, p.errorCode])))
          if (topic.partitions.some((p) => p.errorCode === errorCodes.NOT_COORDINATOR)) {
            home.invalidateCoordinator(request.groupId)
          }
        }
        if (engine.mirror.follows(home.name))
          engine.mirror.committed(home.name, request.groupId, taken(request, errors))
      })
    } catch (error) {
      errors.clear()
      engine.log('debug', 'commit-failed', { groupId: request.groupId, why: String(error) })
      failure = errorCodes.NOT_COORDINATOR
    }
  }
  return {
    throttleTimeMs,
    topics: request.topics.map((topic) => ({
      name: topic.name,
      partitions: topic.partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errors.get(topic.name)?.get(partitionIndex) ?? failureOf(topic.name),
      })),
    })),
  }

  function atHome({ topics: asked }: OffsetCommitRequest) {
    const topics: OffsetCommitRequest['topics'][number][] = []
    const logical = new Map<string, string>()
    for (const topic of asked) {
      const name = homeName(engine, topic.name)
      if (name === undefined) continue
      logical.set(name, topic.name)
      // Leader epochs differ from loglet to loglet, so none is kept with a commit.
      topics.push({ name, partitions: topic.partitions.map((p) => ({ ...p, committedLeaderEpoch: -1 })) })
    }
    return { topics, logical }
  }

  function failureOf(topic: string): number {
    return homeName(engine, topic) === undefined ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : failure
  }
})

/** Those that home has taken. */
function taken({ topics }: OffsetCommitRequest, errors: ReadonlyMap<string, ReadonlyMap<number, number>>) {
  return topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ partitionIndex, committedOffset, committedMetadata }) =>
      errors.get(name)?.get(partitionIndex) === 0
        ? [
            {
              topic: name,
              partition: partitionIndex,
              offset: committedOffset,
              metadata: committedMetadata,
            },
          ]
        : [],
    ),
  )
}
