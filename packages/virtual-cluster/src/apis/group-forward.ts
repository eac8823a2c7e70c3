import {
  type Api,
  errorCodes,
  Reader,
  type RequestHeader,
  responseHeaderBytes,
  Writer,
} from '@braid/kafka-protocol'
import type { PendingAnswer, Session } from '../session.ts'
import type { TypedHandler } from '../typed-call.ts'

/**
 * APIs whose requests go to the group's coordinator at home byte for byte, and whose answers come back so:
 * JoinGroup, SyncGroup, Heartbeat, LeaveGroup. They name no topics that a coordinator looks into.
 */
export function forwarded<QI, A extends { errorCode: number }, Q, AI>(
  api: Api<QI, A, Q, AI>,
  versions: readonly [min: number, max: number],
  options: {
    /** How long the coordinator may take by what the request says, in ms. */
    readonly waitMs?: (afterGroupId: Reader, version: number) => number
    /** An answer that carries nothing but an error. */
    readonly failure: (errorCode: number) => AI
  },
): TypedHandler {
  const [minVersion, maxVersion] = versions
  const handle = (session: Session, header: RequestHeader, frame: Buffer) => {
    const { apiVersion } = header
    const flexible = apiVersion >= api.flexibleVersion
    const r = new Reader(frame, header.bodyAt)
    const groupId = flexible ? r.compactString() : r.string()
    const waitMs = options.waitMs?.(r, apiVersion) ?? 0
    const pending: PendingAnswer = { requestBytes: frame.length, answer: undefined }
    session.expect(pending)
    const { engine } = session

    const answer = (body: Buffer) => {
      if (session.closed) return
      const responseHeader = responseHeaderBytes(api.key, apiVersion, header.correlationId)
      const size = Buffer.allocUnsafe(4)
      size.writeInt32BE(responseHeader.length + body.length, 0)
      session.complete(pending, [size, responseHeader, body])
    }
    const fail = (error: Error) => {
      engine.log('debug', 'group-request-failed', { api: api.name, groupId, why: error.message })
      const w = new Writer(64)
      // The client looks its coordinator up again, and is sent here again.
      api.encodeResponse(w, apiVersion, options.failure(errorCodes.NOT_COORDINATOR))
      answer(w.finish())
    }
    engine.groups
      .ask(session, groupId, async (connection, home) => {
        const body = await new Promise<Buffer>((resolve, reject) => {
          connection.send(
            api.key,
            apiVersion,
            [frame.subarray(header.bodyAt)],
            (error, answered, bodyAt) => {
              if (error !== null) reject(error)
              else resolve(answered.subarray(bodyAt))
            },
            waitMs + engine.limits.brokerTimeoutMs,
          )
        })
        // Since version 1 of all four the throttle time stands before the error.
        const errorCode = body.readInt16BE(4)
        if (errorCode === errorCodes.NOT_COORDINATOR) home.invalidateCoordinator(groupId)
        return body
      })
      .then(answer, fail)
  }
  return { key: api.key, name: api.name, minVersion, maxVersion, handle }
}
