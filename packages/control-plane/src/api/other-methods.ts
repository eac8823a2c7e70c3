// What is at an address, and not with that method: 405 with what is allowed. OPTIONS says what is allowed.
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../refusal.ts'

/** Before anything is registered. */
export function answerOtherMethods(app: FastifyInstance): void {
  const byUrl = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = byUrl.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    byUrl.set(url, methods)
  })
  // Before its body is looked at.
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return
    const [path = ''] = request.url.split('?', 1)
    const methods = byUrl.get(mostSpecific([...byUrl.keys()].filter((url) => matches(url, path))) ?? '')
    if (methods === undefined) return
    const allow = [...methods, 'OPTIONS'].join(', ')
    reply.header('allow', allow)
    if (request.method === 'OPTIONS') return reply.status(204).send()
    throw new Refusal('METHOD_NOT_ALLOWED', `${request.method} is not allowed here: ${allow} are`)
  })
}

/** `/topics/adopt` rather than `/topics/:topic`. */
function mostSpecific(urls: readonly string[]): string | undefined {
  return urls.toSorted((a, b) => a.split(':').length - b.split(':').length)[0]
}

function matches(pattern: string, path: string): boolean {
  const a = pattern.split('/')
  const b = path.split('/')
  return a.length === b.length && a.every((part, i) => (part.startsWith(':') ? b[i] !== '' : part === b[i]))
}
