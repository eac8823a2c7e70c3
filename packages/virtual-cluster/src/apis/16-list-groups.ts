import { errorCodes, listGroups } from '@braid/kafka-protocol'
import { typed } from '../typed-call.ts'

/** The groups of all of home's brokers. */
export const listGroupsHandler = typed(listGroups, [0, 5], async ({ engine }, request, header) => {
  try {
    const answers = await engine.groups.run(async (home) => {
      const brokers = await home.brokers()
      return Promise.all(
        brokers.map(async ({ id }) => {
          const connection = await home.shared(id)
          return connection.call(listGroups, request, {
            version: header.apiVersion,
            timeoutMs: engine.limits.brokerTimeoutMs,
          })
        }),
      )
    })
    const failed = answers.find((answer) => answer.errorCode !== 0)
    return { errorCode: failed?.errorCode ?? 0, groups: answers.flatMap((answer) => answer.groups) }
  } catch (error) {
    engine.log('debug', 'list-groups-failed', { why: String(error) })
    return { errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, groups: [] }
  }
})
