// One HTTP exchange with a control plane, answered by a parsed value or a ControlPlaneError.
//
// Several control planes may serve one store. The one that answered last is asked first; when it is away, or knows no
// leader, the next is. What may have been done already is only asked again because every write carries an
// Idempotency-Key: a control plane that knows the key repeats its answer, and does nothing twice.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { backoffMs } from './backoff.ts'
import { baseUrls, type ControlPlaneUrls, namesOf } from './control-plane-urls.ts'
import { ControlPlaneError, type Problem, problem } from './problems.ts'

export interface RequesterOptions {
  /** Of the control plane, `http://127.0.0.1:7070`; several, as a list or with commas, when they share a store. */
  readonly url: ControlPlaneUrls
  readonly token?: string | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  /** For one exchange. */
  readonly timeoutMs?: number | undefined
  readonly limits?: Partial<RequesterLimits> | undefined
  readonly random?: (() => number) | undefined
}

export interface RequesterLimits {
  /** How long a call is repeated while no control plane leads; one that died is replaced in less. */
  readonly leaderMaxMs: number
  /** How long several control planes are tried, again and again, when all are away. */
  readonly awayMaxMs: number
  /** A read is asked of the next control plane after so long, if there is one. */
  readonly readMaxMs: number
  readonly retryBaseMs: number
  readonly retryMaxMs: number
}

const defaultLimits: RequesterLimits = {
  leaderMaxMs: 10_000,
  awayMaxMs: 1_000,
  readMaxMs: 5_000,
  retryBaseMs: 100,
  retryMaxMs: 1_000,
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
  /** Of a write; a random one when absent. */
  readonly idempotencyKey?: string
}

type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly value: unknown }
  /** It stands aside, and nothing was done. */
  | { readonly kind: 'no leader'; readonly refused: Problem }
  /** `sent`: it may have been done. */
  | { readonly kind: 'away'; readonly sent: boolean; readonly error: unknown }
  | { readonly kind: 'timed out'; readonly error: unknown; readonly timeoutMs: number }

/** Before anything was written to a connection. */
const notSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** Also of a kept connection to a control plane that was restarted since. */
const brokenConnection: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

export class Requester {
  private readonly bases: readonly [URL, ...URL[]]
  private readonly token: string | undefined
  private readonly fetch: typeof globalThis.fetch
  private readonly timeoutMs: number
  private readonly limits: RequesterLimits
  private readonly random: () => number
  /** Index of the one that answered last. */
  private current = 0

  constructor(options: RequesterOptions) {
    this.bases = baseUrls(options.url)
    this.token = options.token
    this.fetch = options.fetch ?? globalThis.fetch
    this.timeoutMs = options.timeoutMs ?? 30_000
    this.limits = { ...defaultLimits, ...options.limits }
    this.random = options.random ?? Math.random
  }

  async ask<T = undefined>(exchange: Exchange<T>): Promise<T> {
    const path = `v1/${exchange.path.map(escapePathPart).join('/')}`
    const key = exchange.method === 'GET' ? undefined : (exchange.idempotencyKey ?? randomUUID())
    const startedMs = performance.now()
    let leaderless = false
    for (let tries = 1; ; tries++) {
      const base = this.bases[this.current]!
      const url = new URL(path, base)
      for (const [name, value] of Object.entries(exchange.query ?? {})) {
        url.searchParams.set(name, String(value))
      }
      const outcome = await this.send(url, exchange, key)
      const where = `${exchange.method} ${url.pathname} at ${base.origin}`
      if (outcome.kind === 'answered') return answered(outcome, exchange, where)
      if (outcome.kind === 'no leader') leaderless = true
      const elapsedMs = performance.now() - startedMs
      // Also when this call ends here: one that hangs must not be asked again while another is there.
      if (this.bases[this.current] === base) this.current = (this.current + 1) % this.bases.length
      if (!this.mayRepeat(outcome, exchange.method, tries, elapsedMs, leaderless)) {
        throw this.failure(outcome, where)
      }
      // Each is tried at once, and all of them again after a while.
      if (tries % this.bases.length === 0 && !isBroken(outcome)) {
        const rounds = tries / this.bases.length - 1
        await sleep(backoffMs(rounds, this.limits.retryBaseMs, this.limits.retryMaxMs, this.random))
      }
    }
  }

  private async send<T>(url: URL, exchange: Exchange<T>, key: string | undefined): Promise<Outcome> {
    const { method, body, extraMs = 0 } = exchange
    const timeoutMs = this.timeoutOf(method) + extraMs
    try {
      const response = await this.fetch(url, {
        method,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
          ...(key !== undefined && { 'idempotency-key': key }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const value = parseJson(await response.text())
      const { status } = response
      const refused = status === 503 ? problem.safeParse(value) : undefined
      if (refused?.success && this.standsAside(refused.data)) {
        return { kind: 'no leader', refused: refused.data }
      }
      return { kind: 'answered', status, value }
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        return { kind: 'timed out', error, timeoutMs }
      }
      return { kind: 'away', sent: !notSent.has(reasonOf(error)), error }
    }
  }

  private standsAside({ code }: Problem): boolean {
    return code === 'NO_LEADER' || (code === 'SHUTTING_DOWN' && this.bases.length > 1)
  }

  private timeoutOf(method: Exchange<unknown>['method']): number {
    const hurries = method === 'GET' && this.bases.length > 1
    return hurries ? Math.min(this.timeoutMs, this.limits.readMaxMs) : this.timeoutMs
  }

  private mayRepeat(
    outcome: Exclude<Outcome, { kind: 'answered' }>,
    method: Exchange<unknown>['method'],
    tries: number,
    elapsedMs: number,
    leaderless: boolean,
  ): boolean {
    const { leaderMaxMs, awayMaxMs } = this.limits
    const others = this.bases.length > 1
    const inTime = elapsedMs < Math.min(this.timeoutMs, leaderless ? leaderMaxMs : awayMaxMs)
    switch (outcome.kind) {
      case 'no leader':
        return elapsedMs < Math.min(this.timeoutMs, leaderMaxMs)
      case 'timed out':
        // A write may be at work still.
        return method === 'GET' && tries < this.bases.length
      case 'away':
        if (isBroken(outcome) && tries === 1) return true
        return tries < this.bases.length || ((others || leaderless) && inTime)
    }
  }

  private failure(outcome: Exclude<Outcome, { kind: 'answered' }>, where: string): ControlPlaneError {
    switch (outcome.kind) {
      case 'no leader':
        return new ControlPlaneError(outcome.refused.code, outcome.refused.status, outcome.refused.detail)
      case 'timed out':
        return new ControlPlaneError(
          'TIMED_OUT',
          0,
          `${where}: no answer within ${outcome.timeoutMs} ms`,
          outcome.error,
        )
      case 'away':
        return new ControlPlaneError(
          'UNAVAILABLE',
          0,
          `no control plane answers at ${namesOf(this.bases)} (${reasonOf(outcome.error)}): is it running there?`,
          outcome.error,
        )
    }
  }
}

function isBroken(outcome: Outcome): boolean {
  return outcome.kind === 'away' && brokenConnection.has(reasonOf(outcome.error))
}

function answered<T>(
  { status, value }: { readonly status: number; readonly value: unknown },
  { answer }: Exchange<T>,
  where: string,
): T {
  if (status < 200 || status > 299) {
    const refused = problem.safeParse(value)
    if (refused.success) throw new ControlPlaneError(refused.data.code, status, refused.data.detail)
    throw new ControlPlaneError(
      'BAD_ANSWER',
      status,
      `${where}: status ${status} without a problem; is this a control plane?`,
    )
  }
  if (answer === undefined) return undefined as T
  const parsed = answer.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ControlPlaneError(
    'BAD_ANSWER',
    status,
    `${where}: an answer that is not understood (${issue?.path.join('.')}: ${issue?.message}); is it another version?`,
  )
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
