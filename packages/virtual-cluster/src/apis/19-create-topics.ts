import { createTopics, errorCodes } from '@braid/kafka-protocol'
import { TopicAdminError, withinTime } from '../topic-admin.ts'
import { typed } from '../typed-call.ts'

/** Through the control plane: placement decides the cluster. Version 7 brings topic ids. */
export const createTopicsHandler = typed(createTopics, [2, 6], async ({ engine }, request) => {
  const topics = await Promise.all(
    request.topics.map(async ({ name, numPartitions, replicationFactor, assignments, configs }) => {
      const failed = (errorCode: number, errorMessage: string) => ({
        name,
        errorCode,
        errorMessage,
        numPartitions: -1,
        replicationFactor: -1,
        configs: [],
      })
      if (assignments.length > 0) {
        return failed(
          errorCodes.INVALID_REPLICA_ASSIGNMENT,
          `topic ${name}: replicas are placed by the cluster; leave the assignment out`,
        )
      }
      if (request.topics.filter((other) => other.name === name).length > 1) {
        return failed(errorCodes.INVALID_REQUEST, `topic ${name} stands in the request more than once`)
      }
      try {
        const making = engine.admin.createTopic({
          name,
          partitions: numPartitions,
          replicationFactor,
          configs: Object.fromEntries(configs.flatMap((c) => (c.value === null ? [] : [[c.name, c.value]]))),
          validateOnly: request.validateOnly,
        })
        const made = await withinTime(making, request.timeoutMs, `topic ${name}`)
        return {
          name,
          errorCode: 0,
          errorMessage: null,
          numPartitions: made.partitions,
          replicationFactor: made.replicationFactor,
          configs: [],
        }
      } catch (error) {
        if (error instanceof TopicAdminError) return failed(error.kafkaError, error.message)
        return failed(errorCodes.UNKNOWN_SERVER_ERROR, error instanceof Error ? error.message : String(error))
      }
    }),
  )
  return { topics }
})
