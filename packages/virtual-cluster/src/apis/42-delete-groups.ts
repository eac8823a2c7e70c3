import { deleteGroups, errorCodes } from '@braid/kafka-protocol'
import { typed } from '../typed-call.ts'

/** Each group by its own coordinator at home; on the standby home it is deleted behind that. */
export const deleteGroupsHandler = typed(deleteGroups, [0, 2], async (session, request, header) => {
  const { engine } = session
  const results = await Promise.all(
    request.groupsNames.map(async (groupId) => {
      try {
        const answer = await engine.groups.ask(session, groupId, async (connection, home) => {
          const deleted = await connection.call(
            deleteGroups,
            { groupsNames: [groupId] },
            { version: header.apiVersion, timeoutMs: engine.limits.brokerTimeoutMs },
          )
          if (deleted.results.some(({ errorCode }) => errorCode === 0))
            engine.mirror.deleted(home.name, groupId)
          return deleted
        })
        return answer.results
      } catch {
        return [{ groupId, errorCode: errorCodes.NOT_COORDINATOR }]
      }
    }),
  )
  return { results: results.flat() }
})
