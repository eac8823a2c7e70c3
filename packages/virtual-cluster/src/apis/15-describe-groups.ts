import { describeGroups, errorCodes } from '@braid/kafka-protocol'
import { coordinatorConnection } from '../home.ts'
import { typed } from '../typed-call.ts'

/** Each group by its own coordinator at home. */
export const describeGroupsHandler = typed(describeGroups, [0, 5], async (session, request, header) => {
  const groups = await Promise.all(
    request.groups.map(async (groupId) => {
      try {
        const connection = await coordinatorConnection(session, groupId)
        const answer = await connection.call(
          describeGroups,
          { ...request, groups: [groupId] },
          { version: header.apiVersion, timeoutMs: session.engine.limits.brokerTimeoutMs },
        )
        return answer.groups
      } catch {
        session.engine.home()?.invalidateCoordinator(groupId)
        const errorCode = errorCodes.NOT_COORDINATOR
        return [{ errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }]
      }
    }),
  )
  return { groups: groups.flat() }
})
