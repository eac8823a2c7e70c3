import { tenantName } from '@braid/control-api'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Refusal } from '../refusal.ts'
import type { PublishedRoutes } from '../routes/published-routes.ts'
import type { FrontParts } from './front.ts'
import { parse } from './requests.ts'

const tenantsMax = 100

const feedQuery = z.strictObject({
  since: z.string().max(200).optional(),
  tenants: z
    .string()
    .max(tenantsMax * 64)
    .transform((list) => list.split(','))
    .pipe(z.array(tenantName).max(tenantsMax))
    .transform((names) => new Set(names))
    .optional(),
})

/** One that comes from another control plane may be ahead of us, for the moment that a change takes to come here. */
const aheadMaxMs = 1_000

/**
 * GET /v1/routes: `snapshot` or `resumed`, then a `delta` for each change, written in the tick in which the change
 * was committed. A comment every 2 s shows that we are there. `since` or Last-Event-ID resumes. `tenants=a,b`: only
 * their routes; versions go on with every change, with deltas of nothing. Compressed for those who accept gzip. The
 * header braid-route-version says where we are: from that version on, the reader knows what we knew.
 */
export function routeFeed(app: FastifyInstance, parts: FrontParts): void {
  const { published, readers } = parts
  app.get('/v1/routes', async (request, reply) => {
    const query = parse(feedQuery, request.query, 'reading the routes')
    const { tenants } = query
    const since = query.since ?? asOne(request.headers['last-event-id'])
    readers.checkRoom()
    if (published.storeId === undefined) {
      throw new Refusal(
        'NO_LEADER',
        'there are no routes yet: no control plane has led; try again in a moment',
      )
    }
    const version = readers.versionOf(since, tenants)
    if (version !== undefined && version > published.table.version) await reached(published, version)
    const encoding = acceptsGzip(request.headers['accept-encoding']) ? 'gzip' : 'identity'

    reply.hijack()
    const response = reply.raw
    const { socket } = response
    if (socket === null) return
    // What follows the head is the same for all readers, and goes straight to the socket. It ends with the connection.
    response.shouldKeepAlive = false
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'accept-encoding',
      'braid-route-version': String(published.table.version),
      ...(encoding === 'gzip' && { 'content-encoding': 'gzip' }),
    })
    response.flushHeaders()
    response.on('error', () => {})
    readers.add({ socket, address: request.ip, encoding, tenants, since })
  })
}

async function reached(published: PublishedRoutes, version: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, aheadMaxMs)
  const forget = published.onChange(() => {
    if (published.table.version >= version) resolve()
  })
  await promise
  clearTimeout(timer)
  forget()
}

/** `gzip, br;q=0.5`; `gzip;q=0` and nothing at all are a no. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  const accepted = [header ?? ''].flat().join(',').split(',')
  return accepted.some((coding) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(coding))
}

function asOne(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
