// A write that was asked with an Idempotency-Key is done once: asked again, it is answered again.
//
//     absent ──begin──> open ──its effect is committed, with its answer──> answered (24 h)
//        ^                │
//        └── refused ─────┘   nothing was done, so it may be asked again
//
// The row is opened before anything is done, and answered in the transaction that makes the effect durable. So an
// open row of a process that is gone says that nothing was done, and the request runs again; one of this process
// says that it is being done. Of what has its effect in more than one transaction only the last is answered with it.
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../access/caller.ts'
import { Refusal } from '../refusal.ts'
import type { Store } from '../store/store.ts'

export interface Replayable {
  /** In the transaction of the effect. */
  keep(answer: unknown): Promise<void>
}

const keptMs = 24 * 60 * 60 * 1_000
const rowsMax = 100_000
const pruneEvery = 100
/** Of one answer: a topic with thousands of partitions has a long one. */
const keptMaxCharacters = 1024 * 1024
const keyForm = /^[!-~](?:[ -~]{0,253}[!-~])?$/
/** Of what may be done as often as it is asked. */
export const notKept: Replayable = { keep: async () => {} }
/** What holds a secret that is shown once: it is not kept. */
const secretPaths: ReadonlySet<string> = new Set(['/v1/tokens'])

export class IdempotentRequests {
  private readonly store: Store
  private readonly now: () => number
  /** Being done by this process. */
  private readonly open = new Set<string>()
  private begun = 0

  constructor(parts: { store: Store; now: () => number }) {
    this.store = parts.store
    this.now = parts.now
  }

  async once(
    request: FastifyRequest,
    caller: Caller,
    reply: FastifyReply,
    run: (replayable: Replayable) => Promise<unknown>,
  ): Promise<unknown> {
    const key = keyOf(request)
    if (key === undefined) return run(notKept)
    const id = hash(caller.principal, key)
    const asked = hash(request.method, request.url, JSON.stringify(request.body ?? null))
    const before = await this.begin(id, asked)
    if (before !== undefined) {
      reply.header('idempotency-replayed', 'true')
      if (before.answer === null && before.status !== 204) {
        throw new Refusal(
          'ANSWER_NOT_KEPT',
          'this was done under this idempotency key, and its answer was not kept: it held a secret that is shown once (revoke what was made, and make another), or was very large (look at what is there)',
        )
      }
      reply.status(before.status)
      if (before.answer === null) return reply.send()
      return reply.type('application/json; charset=utf-8').send(before.answer)
    }
    try {
      const secret = secretPaths.has(request.url.split('?')[0]!)
      return await run({
        keep: async (answer) => {
          const json = answer === undefined || secret ? null : JSON.stringify(answer)
          const kept = json !== null && json.length > keptMaxCharacters ? null : json
          await this.store.idempotency.answer(id, answer === undefined ? 204 : statusOf(request), kept)
        },
      })
    } catch (error) {
      await this.store.idempotency.forget(id)
      throw error
    } finally {
      this.open.delete(id)
    }
  }

  /** What was answered before; undefined when it is to be done now. */
  private async begin(
    id: string,
    request: string,
  ): Promise<{ status: number; answer: string | null } | undefined> {
    const { store, now } = this
    // Before anything is awaited: of two at once one is first.
    if (this.open.has(id)) {
      throw new Refusal(
        'REQUEST_IN_PROGRESS',
        'a request with this idempotency key is being answered: ask again in a moment',
      )
    }
    this.open.add(id)
    try {
      const answered = await store.transaction(async () => {
        if (this.begun++ % pruneEvery === 0) await store.idempotency.prune(now() - keptMs, rowsMax)
        const known = await store.idempotency.get(id)
        const valid = known !== undefined && known.at >= now() - keptMs
        if (valid && known.request !== request) {
          throw new Refusal(
            'IDEMPOTENCY_KEY_REUSED',
            'this idempotency key was used for another request within the last 24 hours: use a new one for each request',
          )
        }
        if (valid && known.status !== null) return { status: known.status, answer: known.answer }
        await store.idempotency.begin({ id, request, at: now() })
        return undefined
      })
      if (answered !== undefined) this.open.delete(id)
      return answered
    } catch (error) {
      this.open.delete(id)
      throw error
    }
  }
}

function statusOf(request: FastifyRequest): number {
  return (request.routeOptions.config as { status?: number }).status ?? 200
}

/** Throws when there is a key, and it is none. */
export function checkKey(request: FastifyRequest): void {
  const key = request.headers['idempotency-key']
  if (key === undefined || (typeof key === 'string' && keyForm.test(key))) return
  throw new Refusal('BAD_REQUEST', 'an Idempotency-Key has 1 to 255 printable ASCII characters')
}

function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  return typeof key === 'string' ? key : undefined
}

function hash(...parts: string[]): string {
  return createHash('sha256')
    .update(parts.map((part) => `${part.length}:${part}`).join(''))
    .digest('hex')
}
