import { describeConfigs, errorCodes } from '@braid/kafka-protocol'
import { typed } from '../typed-call.ts'

const TOPIC = 2
const LIMIT = 'max.message.bytes'

/**
 * The configs of topics, as the active loglet's cluster has them. Read only. The size limit is the topic's
 * real one: on the physical topic it may be the seal.
 */
export const describeConfigsHandler = typed(describeConfigs, [1, 4], async ({ engine }, request) => {
  const results = await Promise.all(
    request.resources.map(async (resource) => {
      const { resourceType, resourceName } = resource
      const failed = (errorCode: number, errorMessage: string) => ({
        errorCode,
        errorMessage,
        resourceType,
        resourceName,
        configs: [],
      })
      if (resourceType !== TOPIC) {
        return failed(
          errorCodes.INVALID_REQUEST,
          'only topics have configs here: ask a cluster itself for those of its brokers',
        )
      }
      const topic = engine.topic(resourceName)
      if (topic === undefined) {
        return failed(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${resourceName}`)
      }
      const cluster = topic.route.cluster(topic.route.active)
      try {
        const connection = await engine.cluster(cluster)!.any()
        const answer = await connection.call(
          describeConfigs,
          { ...request, resources: [{ ...resource, resourceName: topic.active }] },
          { timeoutMs: engine.limits.brokerTimeoutMs },
        )
        const described = answer.results[0]
        if (described === undefined) {
          return failed(errorCodes.UNKNOWN_SERVER_ERROR, `cluster ${cluster} left it out of its answer`)
        }
        const limit = String(topic.route.maxMessageBytes)
        const configs = described.configs.map((config) =>
          config.name === LIMIT ? { ...config, value: limit } : config,
        )
        return { ...described, resourceName, configs }
      } catch (error) {
        return failed(
          errorCodes.REQUEST_TIMED_OUT,
          `cluster ${cluster} does not answer: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }),
  )
  return { results }
})
