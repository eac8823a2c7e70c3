import { deleteTopics, errorCodes } from '@braid/kafka-protocol'
import { TopicAdminError, withinTime } from '../topic-admin.ts'
import { typed } from '../typed-call.ts'

/** Through the control plane. Version 6 brings topic ids. */
export const deleteTopicsHandler = typed(deleteTopics, [1, 5], async ({ engine }, request) => {
  const responses = await Promise.all(
    request.topicNames.map(async (name) => {
      try {
        await withinTime(engine.admin.deleteTopic(name), request.timeoutMs, `topic ${name}`)
        return { name, errorCode: 0, errorMessage: null }
      } catch (error) {
        const errorCode =
          error instanceof TopicAdminError ? error.kafkaError : errorCodes.UNKNOWN_SERVER_ERROR
        return { name, errorCode, errorMessage: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
  return { responses }
})
