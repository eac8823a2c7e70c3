import { errorCodes, offsetCommit } from '@braid/kafka-protocol'
import { coordinatorConnection, homeName } from '../home.ts'
import { typed } from '../typed-call.ts'

/** Commits are logical offsets, kept at home under the home topic's name. They need no translation, ever. */
export const offsetCommitHandler = typed(offsetCommit, [2, 9], async (session, request, header) => {
  const { engine } = session
  const known: (typeof request.topics)[number][] = []
  const logical = new Map<string, string>()
  for (const topic of request.topics) {
    const name = homeName(engine, topic.name)
    if (name === undefined) continue
    logical.set(name, topic.name)
    // Leader epochs differ from loglet to loglet, so none is kept with a commit.
    known.push({ name, partitions: topic.partitions.map((p) => ({ ...p, committedLeaderEpoch: -1 })) })
  }
  const errors = new Map<string, Map<number, number>>()
  let failure: number = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  let throttleTimeMs = 0
  if (known.length > 0) {
    try {
      const connection = await coordinatorConnection(session, request.groupId)
      const answer = await connection.call(
        offsetCommit,
        { ...request, topics: known },
        { version: header.apiVersion, timeoutMs: engine.limits.brokerTimeoutMs },
      )
      throttleTimeMs = answer.throttleTimeMs
      for (const topic of answer.topics) {
        const name = logical.get(topic.name)
        if (name === undefined) continue
        errors.set(name, new Map(topic.partitions.map((p) => [p.partitionIndex, p.errorCode])))
        if (topic.partitions.some((p) => p.errorCode === errorCodes.NOT_COORDINATOR)) {
          engine.home()?.invalidateCoordinator(request.groupId)
        }
      }
    } catch (error) {
      engine.home()?.invalidateCoordinator(request.groupId)
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
        errorCode: errors.get(topic.name)?.get(partitionIndex) ?? failureOf(engine, topic.name, failure),
      })),
    })),
  }
})

const failureOf = (engine: Parameters<typeof homeName>[0], topic: string, failure: number): number =>
  homeName(engine, topic) === undefined ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : failure
