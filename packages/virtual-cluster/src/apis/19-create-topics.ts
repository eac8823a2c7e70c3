import { createTopics, errorCodes } from '@braid/kafka-protocol'
import type { Engine } from '../engine.ts'
import { TopicAdminError, withinTime } from '../topic-admin.ts'
import { typed } from '../typed-call.ts'

/**
 * How long the answer waits for our own routes to name the topic: clients ask for its leaders at once, and some give
 * up when it is unknown. They name it already, unless the feed is being connected again at that moment.
 */
const ROUTED_MAX_MS = 3_000
const LOOK_AGAIN_MS = 10

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
        const deadline = engine.now() + request.timeoutMs
        const making = engine.admin.createTopic({
          name,
          partitions: numPartitions,
          replicationFactor,
          configs: Object.fromEntries(configs.flatMap((c) => (c.value === null ? [] : [[c.name, c.value]]))),
          validateOnly: request.validateOnly,
        })
        const made = await withinTime(making, request.timeoutMs, `topic ${name}`)
        await routed(engine, name, Math.min(deadline, engine.now() + ROUTED_MAX_MS))
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

async function routed(engine: Engine, name: string, deadline: number): Promise<void> {
  while (engine.topic(name) === undefined && engine.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}
