import { type Api, Reader, type RequestHeader, responseHeaderBytes, Writer } from '@braid/kafka-protocol'
import type { PendingAnswer, Session } from './session.ts'

/** How an API that is not on the hot path is answered: a decoded request in, an answer out. */
export interface TypedHandler {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  readonly handle: (session: Session, header: RequestHeader, frame: Buffer) => void
}

class TypedCall implements PendingAnswer {
  answer: readonly Buffer[] | undefined = undefined
  readonly requestBytes: number

  constructor(requestBytes: number) {
    this.requestBytes = requestBytes
  }
}

/**
 * Answers an API by a function of its decoded request.
 *
 * @param versions the range that is offered; a part of what the definition speaks.
 * @param answer whatever it throws closes the client's connection, with a log line.
 */
export function typed<QI, A, Q, AI>(
  api: Api<QI, A, Q, AI>,
  versions: readonly [min: number, max: number],
  answer: (session: Session, request: Q, header: RequestHeader) => AI | Promise<AI>,
): TypedHandler {
  const [minVersion, maxVersion] = versions
  const handle = (session: Session, header: RequestHeader, frame: Buffer) => {
    const request = api.decodeRequest(new Reader(frame, header.bodyAt), header.apiVersion)
    const call = new TypedCall(frame.length)
    session.expect(call)
    const send = (response: AI) => {
      if (session.closed) return
      const w = new Writer(256)
      w.int32(0)
      w.raw(responseHeaderBytes(api.key, header.apiVersion, header.correlationId))
      api.encodeResponse(w, header.apiVersion, response)
      const bytes = w.finish()
      bytes.writeInt32BE(bytes.length - 4, 0)
      session.complete(call, [bytes])
    }
    const response = answer(session, request, header)
    if (response instanceof Promise) {
      response.then(send).catch((error: unknown) => session.fail(error))
    } else send(response)
  }
  return { key: api.key, name: api.name, minVersion, maxVersion, handle }
}
