// One HTTP exchange with the control plane, answered by a parsed value or a ControlPlaneError.
import type { z } from 'zod'
import { ControlPlaneError, problem } from './problems.ts'

export interface RequesterOptions {
  /** Of the control plane, `http://127.0.0.1:7070`. */
  readonly url: string
  readonly token?: string | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  /** For one exchange. */
  readonly timeoutMs?: number | undefined
}

interface Exchange<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Its parts; names in it are escaped. */
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly body?: unknown
  readonly answer?: z.ZodType<T>
  /** On top of the timeout: how long the other side was asked to wait. */
  readonly extraMs?: number
}

const brokenConnection: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

export class Requester {
  private readonly base: URL
  private readonly token: string | undefined
  private readonly fetch: typeof globalThis.fetch
  private readonly timeoutMs: number

  constructor(options: RequesterOptions) {
    this.base = baseUrl(options.url)
    this.token = options.token
    this.fetch = options.fetch ?? globalThis.fetch
    this.timeoutMs = options.timeoutMs ?? 30_000
  }

  async ask<T = undefined>(exchange: Exchange<T>): Promise<T> {
    const { method, path, query, body, answer } = exchange
    const url = new URL(`v1/${path.map(escapePathPart).join('/')}`, this.base)
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, String(value))
    const timeoutMs = this.timeoutMs + (exchange.extraMs ?? 0)
    const where = `${method} ${url.pathname} at ${this.base.origin}`

    const init = {
      method,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    }
    const send = async () => {
      const response = await this.fetch(url, init)
      return { response, text: await response.text() }
    }
    const { response, text } = await send()
      .catch((error: unknown) => {
        // A kept connection to a control plane that was restarted since: what can be asked twice is.
        if ((method === 'GET' || method === 'PUT') && brokenConnection.has(reasonOf(error))) return send()
        throw error
      })
      .catch((error: unknown) => {
        if (error instanceof DOMException && error.name === 'TimeoutError') {
          throw new ControlPlaneError('TIMED_OUT', 0, `${where}: no answer within ${timeoutMs} ms`, error)
        }
        throw new ControlPlaneError(
          'UNAVAILABLE',
          0,
          `no control plane answers at ${this.base.origin} (${reasonOf(error)}): is it running there?`,
          error,
        )
      })
    const value = parseJson(text)
    if (!response.ok) {
      const refused = problem.safeParse(value)
      if (refused.success) {
        throw new ControlPlaneError(refused.data.code, response.status, refused.data.detail)
      }
      throw new ControlPlaneError(
        'BAD_ANSWER',
        response.status,
        `${where}: status ${response.status} without a problem; is this a control plane?`,
      )
    }
    if (answer === undefined) return undefined as T
    const parsed = answer.safeParse(value)
    if (!parsed.success) {
      throw new ControlPlaneError(
        'BAD_ANSWER',
        response.status,
        `${where}: an answer that is not understood (${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}); is it another version?`,
      )
    }
    return parsed.data
  }
}

/** Keeps a path below which the control plane is mounted. */
export function baseUrl(url: string): URL {
  let base: URL
  try {
    base = new URL(url)
  } catch {
    throw new ControlPlaneError(
      'UNAVAILABLE',
      0,
      `${JSON.stringify(url)} is no URL of a control plane; it looks like http://127.0.0.1:7070`,
    )
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:') {
    throw new ControlPlaneError('UNAVAILABLE', 0, `${url}: a control plane is reached by http: or https:`)
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

// A URL would drop a part that is only dots, however it is escaped; no resource may be called so.
function escapePathPart(part: string): string {
  if (part === '' || part === '.' || part === '..') {
    throw new ControlPlaneError('BAD_REQUEST', 0, `${JSON.stringify(part)} is no name of anything`)
  }
  return encodeURIComponent(part)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message
  return 'code' in error ? String(error.code) : error.message
}
