// A request that is not ours to answer, on its way to the control plane that leads: as it is, once, within bounds.
import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Transform } from 'node:stream'
import { bodyMaxBytesAt } from '../api/app.ts'
import { type Answer, noLeader, sendProblem } from '../api/front.ts'
import { reasonOf } from '../log.ts'

/** Says that it was forwarded already: whoever gets it and does not lead answers that itself. */
export const forwardedHeader = 'braid-forwarded-by'

export interface ForwardLimits {
  readonly connectMaxMs: number
  /** From its arrival here to its last byte; the longest poll is shorter. */
  readonly totalMaxMs: number
  readonly answerMaxBytes: number
  readonly inFlightMax: number
}

const defaultLimits: ForwardLimits = {
  connectMaxMs: 2_000,
  totalMaxMs: 120_000,
  answerMaxBytes: 1024 * 1024 * 1024,
  inFlightMax: 1_000,
}

const retryAfterSeconds = 1
/** Of one connection, not of the request. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

export class Forwarder {
  private readonly id: string
  private readonly limits: ForwardLimits
  private readonly agent: Agent
  private inFlight = 0

  /** `id` names this process. */
  constructor(id: string, limits: Partial<ForwardLimits> = {}) {
    this.id = id
    this.limits = { ...defaultLimits, ...limits }
    this.agent = new Agent({ keepAlive: true, maxFreeSockets: 16 })
  }

  /** To the leader at `url`; undefined when nobody is known to lead. */
  to(url: string | undefined): Answer {
    return (request, response) => {
      const refuse = (detail: string) => sendProblem(response, noLeader(detail), retryAfterSeconds)
      if (request.headers[forwardedHeader] !== undefined) {
        refuse('the control plane that was asked does not lead any more; ask again in a moment')
      } else if (url === undefined) {
        refuse('no control plane leads at this moment; ask again in a moment')
      } else if (this.inFlight >= this.limits.inFlightMax) {
        refuse(`${this.inFlight} requests wait for the leader at ${url} already; ask again in a moment`)
      } else this.forward(new URL(url), request, response, refuse)
    }
  }

  close(): void {
    this.agent.destroy()
  }

  private forward(
    leader: URL,
    request: IncomingMessage,
    response: ServerResponse,
    refuse: (detail: string) => void,
  ): void {
    const { connectMaxMs, totalMaxMs, answerMaxBytes } = this.limits
    this.inFlight++
    const secure = leader.protocol === 'https:'
    const upstream = (secure ? httpsRequest : httpRequest)(new URL(request.url ?? '/', leader), {
      method: request.method,
      headers: {
        ...endToEnd(request.headers),
        host: leader.host,
        'x-forwarded-for': request.socket.remoteAddress,
        [forwardedHeader]: this.id,
      },
      ...(secure ? {} : { agent: this.agent }),
    })
    const fail = (reason: string) => {
      upstream.destroy()
      refuse(
        `the control plane that leads, at ${leader.origin}, does not answer: ${reason}; ask again in a moment`,
      )
    }
    const connect = setTimeout(() => fail(`no connection within ${connectMaxMs} ms`), connectMaxMs)
    const total = setTimeout(() => fail(`nothing within ${totalMaxMs} ms`), totalMaxMs)
    upstream.on('socket', (socket) => {
      if (!socket.connecting) clearTimeout(connect)
      else socket.once('connect', () => clearTimeout(connect))
    })
    upstream.on('error', (error) => fail(reasonOf(error)))
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers))
      const bounded = atMost(answerMaxBytes)
      for (const stream of [answer, bounded]) stream.on('error', () => response.destroy())
      answer.pipe(bounded).pipe(response)
    })
    const bodyMaxBytes = bodyMaxBytesAt(request.url ?? '')
    const body = atMost(bodyMaxBytes)
    body.on('error', () => upstream.destroy(new Error(`a request is at most ${bodyMaxBytes} bytes`)))
    request.pipe(body).pipe(upstream)
    // Also when its client has gone.
    response.on('close', () => {
      this.inFlight--
      clearTimeout(connect)
      clearTimeout(total)
      upstream.destroy()
    })
  }
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = { ...headers }
  for (const name of hopByHop) delete kept[name]
  return kept
}

function atMost(bytesMax: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > bytesMax) done(new Error(`more than ${bytesMax} bytes`))
      else done(null, chunk)
    },
  })
}
