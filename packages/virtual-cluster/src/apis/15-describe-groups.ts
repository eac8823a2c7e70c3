import { describeGroups, errorCodes } from '@braid/kafka-protocol'
import { typed } from '../typed-call.ts'

/** Each group by its own coordinator at home. */
export const describeGroupsHandler = typed(describeGroups, [0, 5], async (session, request, header) => {
  const { engine } = session
  const groups = await Promise.all(
    request.groups.map(async (groupId) => {
      try {
        const answer = await engine.groups.ask(session, groupId, (connection) =>
          connection.call(
            describeGroups,
            { ...request, groups: [groupId] },
            { version: header.apiVersion, timeoutMs: engine.limits.brokerTimeoutMs },
          ),
        )
        return answer.groups
      } catch {
        const errorCode = errorCodes.NOT_COORDINATOR
        return [{ errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }]
      }
    }),
  )
  return { groups: groups.flat() }
})
