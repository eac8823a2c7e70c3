import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Refusal } from '../refusal.ts'
import type { FrontParts } from './front.ts'
import { parse } from './requests.ts'

const feedQuery = z.strictObject({ since: z.string().max(200).optional() })

/** Beyond its first answer. A reader that is so far behind is cut off, not waited for; it comes back by itself. */
const bufferedMaxBytes = 8 * 1024 * 1024

/**
 * GET /v1/routes: `snapshot` or `resumed`, then a `delta` for each change, written in the tick in which the change
 * was committed. A comment every 2 s shows that we are there. `since` or Last-Event-ID resumes.
 */
export function routeFeed(app: FastifyInstance, parts: FrontParts): void {
  const { published, timings, log, closing } = parts
  app.get('/v1/routes', (request, reply) => {
    const { since } = parse(feedQuery, request.query, 'reading the routes')
    const lastEventId = request.headers['last-event-id']
    if (published.storeId === undefined) {
      throw new Refusal(
        'NO_LEADER',
        'there are no routes yet: no control plane has led; try again in a moment',
      )
    }
    reply.hijack()
    const response = reply.raw
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    })
    response.socket?.setNoDelay(true)

    let allowedBytes = Number.POSITIVE_INFINITY
    const write = (text: string) => {
      if (response.writableLength > allowedBytes) {
        log('warn', 'route-feed.reader-too-slow', {
          reader: request.ip,
          bufferedBytes: response.writableLength,
        })
        response.destroy()
        return
      }
      response.write(text)
    }
    const { first, stop } = published.read(since ?? asOne(lastEventId), (event) => write(event.text))
    write(first)
    allowedBytes = response.writableLength + bufferedMaxBytes
    const heartbeat = setInterval(() => write(':\n\n'), timings.heartbeatMs).unref()
    const end = () => response.destroy()
    closing.addEventListener('abort', end)
    response.on('error', () => {})
    response.on('close', () => {
      stop()
      clearInterval(heartbeat)
      closing.removeEventListener('abort', end)
    })
  })
}

function asOne(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
