import { deleteGroups, errorCodes } from '@braid/kafka-protocol'
import { coordinatorConnection } from '../home.ts'
import { typed } from '../typed-call.ts'

/** Each group by its own coordinator at home. */
export const deleteGroupsHandler = typed(deleteGroups, [0, 2], async (session, request, header) => {
  const results = await Promise.all(
    request.groupsNames.map(async (groupId) => {
      try {
        const connection = await coordinatorConnection(session, groupId)
        const answer = await connection.call(
          deleteGroups,
          { groupsNames: [groupId] },
          { version: header.apiVersion, timeoutMs: session.engine.limits.brokerTimeoutMs },
        )
        return answer.results
      } catch {
        session.engine.home()?.invalidateCoordinator(groupId)
        return [{ groupId, errorCode: errorCodes.NOT_COORDINATOR }]
      }
    }),
  )
  return { results: results.flat() }
})
