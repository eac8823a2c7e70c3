// Waiting for something long by long polls: each asks for a later revision than the last.
import { setTimeout as sleep } from 'node:timers/promises'
import { call } from './calls.ts'
import { ControlPlaneError } from './problems.ts'
import type { Requester } from './requests.ts'
import type { Failover } from './resources/failover.ts'
import type { Migration } from './resources/migration.ts'
import type { Operation } from './resources/operation.ts'

export interface MigrationWaitOptions {
  /** `switched`: clients write to the new cluster. `done`: the sealed loglet is gone, which retention decides. */
  readonly until: 'switched' | 'done'
  readonly timeoutMs: number
  /** Called with every new state of the record, first with the present one. */
  readonly onStep?: ((migration: Migration) => void) | undefined
}

export interface OperationWaitOptions {
  readonly timeoutMs: number
  /** Called with every new state of the record, first with the present one. */
  readonly onStep?: ((operation: Operation) => void) | undefined
}

export interface FailoverWaitOptions {
  readonly timeoutMs: number
  /** Called with every new state of the record, first with the present one. */
  readonly onStep?: ((failover: Failover) => void) | undefined
}

const longPollMs = 10_000
const retryWaitMs = 200

export async function waitForMigration(
  http: Requester,
  id: string,
  { until, timeoutMs, onStep }: MigrationWaitOptions,
): Promise<Migration> {
  const ended = await poll<Migration>({
    ask: (query, extraMs) => call(http, 'migrations.get', { params: { id }, query, extraMs }),
    timeoutMs,
    onStep,
    hasEnded: ({ state }) =>
      state === 'done' ||
      state === 'failed' ||
      state === 'cancelled' ||
      (state === 'switched' && until === 'switched'),
    late: (last) =>
      last === undefined
        ? `migration ${id}: nothing heard of it within ${timeoutMs} ms`
        : `migration ${id} of topic ${last.topic} to ${last.to.cluster} is ${last.state} in step ${last.step} after ${timeoutMs} ms, and goes on`,
  })
  if (ended.state === 'failed' || ended.state === 'cancelled') {
    throw new ControlPlaneError(
      ended.error?.code ?? 'MIGRATION_CANCELLED',
      409,
      ended.error?.detail ??
        `migration ${id} of topic ${ended.topic} was cancelled; the topic stays on ${ended.from.cluster}`,
    )
  }
  return ended
}

export async function waitForOperation(
  http: Requester,
  id: string,
  { timeoutMs, onStep }: OperationWaitOptions,
): Promise<Operation> {
  const ended = await poll<Operation>({
    ask: (query, extraMs) => call(http, 'operations.get', { params: { id }, query, extraMs }),
    timeoutMs,
    onStep,
    hasEnded: ({ state }) =>
      state === 'done' || state === 'failed' || state === 'cancelled' || state === 'paused',
    late: (last) =>
      last === undefined
        ? `operation ${id}: nothing heard of it within ${timeoutMs} ms`
        : `${last.title} is ${last.state} after ${timeoutMs} ms (${last.counts.moved} moved, ${last.counts.waiting} waiting), and goes on`,
  })
  if (ended.state === 'failed') {
    throw new ControlPlaneError(
      ended.error?.code ?? 'INTERNAL',
      409,
      ended.error?.detail ?? `${ended.title} failed`,
    )
  }
  return ended
}

export async function waitForFailover(
  http: Requester,
  id: string,
  { timeoutMs, onStep }: FailoverWaitOptions,
): Promise<Failover> {
  const ended = await poll<Failover>({
    ask: (query, extraMs) => call(http, 'failovers.get', { params: { id }, query, extraMs }),
    timeoutMs,
    onStep,
    hasEnded: ({ state }) => state === 'done' || state === 'failed' || state === 'cancelled',
    late: (last) =>
      last === undefined
        ? `failover ${id}: nothing heard of it within ${timeoutMs} ms`
        : `the ${last.kind} of ${last.cluster} is ${last.state} in step ${last.step} after ${timeoutMs} ms, and goes on`,
  })
  if (ended.state === 'done') return ended
  throw new ControlPlaneError(
    ended.error?.code ?? 'FAILOVER_CANCELLED',
    409,
    ended.error?.detail ?? `the ${ended.kind} of ${ended.cluster} was cancelled; all is as it was`,
  )
}

async function poll<T extends { revision: number }>({
  ask,
  timeoutMs,
  onStep,
  hasEnded,
  late,
}: {
  ask: (query: { afterRevision: number; waitMs: number }, extraMs: number) => Promise<T>
  timeoutMs: number
  onStep: ((record: T) => void) | undefined
  hasEnded: (record: T) => boolean
  late: (last: T | undefined) => string
}): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let revision = 0
  let last: T | undefined
  for (;;) {
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw new ControlPlaneError('TIMED_OUT', 0, late(last))
    const waitMs = Math.max(1, Math.floor(Math.min(longPollMs, leftMs)))
    let now: T
    try {
      now = await ask({ afterRevision: revision, waitMs }, waitMs)
    } catch (error) {
      if (error instanceof ControlPlaneError && isPassing(error)) {
        // It resumes its work when it comes back, and so do we.
        await sleep(Math.min(retryWaitMs, leftMs))
        continue
      }
      throw error
    }
    if (now.revision > revision) onStep?.(now)
    revision = now.revision
    last = now
    if (hasEnded(now)) return now
  }
}

/** Nobody answered, or nobody can at the moment. What we could not even ask stays so. */
function isPassing({ status, code }: ControlPlaneError): boolean {
  return status === 503 || (status === 0 && code !== 'BAD_REQUEST')
}
