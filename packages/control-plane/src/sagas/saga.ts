// A saga: steps in order, over durable state. It can stop at any point, because the process died or was told to,
// and the next run goes on from what the journal says. This file is the order of things; it knows no store.
//
//     do(1) ── do(2) ── do(3) ── COMMIT ── do(5) ── do(6) ── done
//       │        │        │         (from here nothing is undone; a step that fails is tried until it works)
//       └────────┴────────┴── a step failed, or it was cancelled
//                undo(3) ── undo(2) ── undo(1) ── undone
//
// To write one (saga-runner.ts says how it is started, paused and cancelled):
//   1. `steps`: actions with `do` and, where something is left to undo, `undo`; at most one commit. Every do and undo
//      is idempotent: after a crash between doing and recording it runs again, with a context made anew.
//   2. `defineSaga({ name, steps, context, ... })` (saga-kind.ts), and add it to `sagaKinds` (saga-kinds.ts): tests
//      take kinds and steps from there, and fail each of them (testing/saga-faults.ts).
//   3. `sagas.start(name, id)` in the transaction that writes the record which the saga is about.
//
// A pause is honoured between steps: never before a step of the way to the commit that has begun (its clients may
// wait), not between a step that `endsWithNext` and the commit, and never on the way back. Past the commit, and in a
// saga that is `forwardOnly`, also between attempts; a `pausable` step is interrupted for it, and begins again later.

import type { SagaControl } from './saga-control.ts'

/** A step that sees it aborted throws, and what it throws is not taken for a failure of its own. */
export type Stop = AbortSignal

/** Waits so many ms; less when the saga is told to go on at once. Rejects when its stop is aborted. */
export type Nap = (ms: number) => Promise<void>

export interface ActionStep<N extends string, C> {
  readonly kind: 'action'
  readonly name: N
  do(context: C, stop: Stop, nap: Nap): Promise<void>
  /** Called also when `do` never ended, or never began to have an effect. Absent when there is nothing to undo. */
  undo?(context: C, stop: Stop, nap: Nap): Promise<void>
  /** Its end is recorded in the transaction of the commit step that follows, which saves a write in between. */
  readonly endsWithNext?: boolean
  /** A pause aborts its `stop`; when the saga goes on, `do` is called again. For steps that take long. */
  readonly pausable?: boolean
}

/** The point of no return. One transaction: the journal's lines and what the step writes. */
export interface CommitStep<N extends string, C> {
  readonly kind: 'commit'
  readonly name: N
  commit(context: C): Promise<void>
  /** A moment later, once; not after a crash. For what would be nice to have. */
  after?(context: C): Promise<void>
}

export type Step<N extends string, C> = ActionStep<N, C> | CommitStep<N, C>

export type Direction = 'do' | 'undo'

/** The durable state of one saga. */
export interface Journal<N extends string> {
  direction(): Promise<Direction>
  cancelRequested(): Promise<boolean>
  pauseRequested(): Promise<boolean>
  begun(step: N): boolean
  ended(step: N, direction: Direction): boolean
  begin(step: N, direction: Direction): Promise<void>
  end(step: N, direction: Direction): Promise<void>
  fail(step: N, direction: Direction, error: unknown): Promise<void>
  /** Both at once. Called in a transaction, with the moment in which the step began. */
  record(step: N, startedAt: number): Promise<void>
  now(): number
  /** Runs `work` in a transaction, with whatever it writes. */
  transaction(work: () => Promise<void>): Promise<void>
  /** From now on it goes backwards. `step` is where; undefined when it was nowhere yet. */
  turnBack(cause: unknown, step: N | undefined): Promise<void>
  /** It has ended. */
  finish(direction: Direction): Promise<void>
}

/**
 * Called at the three points of every step where a crash means something else: `before` anything of it is done;
 * `doing`, when all is done and nothing recorded; `after` it is recorded. What it throws stops the saga as a crash
 * would: nothing is undone, nothing is recorded; a StepFailure fails the step instead. In a commit step `doing` is
 * called inside the transaction, and must throw synchronously. Undo steps are named `undo STEP`.
 */
export type SagaHook = (step: string, phase: 'before' | 'doing' | 'after') => Promise<void> | void

export interface SagaOptions {
  readonly hook?: SagaHook | undefined
  /** All steps are as those after a commit: tried until they work, and never undone. */
  readonly forwardOnly?: boolean | undefined
  /** The process is stopping: the saga stays where it is. */
  readonly closing: Stop
  readonly control: SagaControl
  /** Waits; rejects when the signal is aborted. */
  sleep(ms: number, stop: Stop): Promise<void>
  readonly retryBaseMs: number
  readonly retryMaxMs: number
  /** The journal could not be read or written where nothing but trying again is safe. */
  onTrouble?(error: unknown): void
}

const settleMs = 5

/** Why a saga was turned back that nothing failed in. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

/** Why an attempt ended that nothing failed in, and that will be followed by another. */
export class Paused extends Error {
  override readonly name = 'Paused'
}

/** The saga was stopped where it was. It goes on when it is run again. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}

/** For tests: thrown by a hook, it fails the step where it stands. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure'
}

/** Runs it to its end: `do` when it is done, `undo` when it is undone. Throws Stopped, and nothing else. */
export async function runSaga<N extends string, C>(
  steps: readonly Step<N, C>[],
  journal: Journal<N>,
  context: C,
  options: SagaOptions,
): Promise<Direction> {
  const { hook, closing, control, forwardOnly = false } = options
  const commitAt = steps.findIndex((step) => step.kind === 'commit')
  const early = AbortSignal.any([closing, control.cancelled])
  /** Once it is past, nothing is undone and nothing fails for good. */
  const isPast = (i: number) => forwardOnly || (commitAt !== -1 && i > commitAt)
  let at: N | undefined

  const point = async (label: string, phase: 'before' | 'doing' | 'after') => {
    if (hook === undefined) return
    try {
      // A hook may hold the saga where it is; it cannot hold up a process that stops.
      await orClosing(hook(label, phase))
    } catch (error) {
      if (error instanceof StepFailure) throw error
      throw new Stopped(`stopped ${phase} ${label}`, { cause: error })
    }
  }
  const orClosing = (work: Promise<void> | void): Promise<void> | void => {
    if (work === undefined) return
    const closed = Promise.withResolvers<void>()
    const close = () => closed.reject(closing.reason)
    closing.addEventListener('abort', close)
    return Promise.race([work, closed.promise]).finally(() => closing.removeEventListener('abort', close))
  }
  const goesOn = (where: string) => {
    if (closing.aborted) throw new Stopped(`stopped at ${where}`, { cause: closing.reason })
  }
  const notCancelled = async () => {
    if (await journal.cancelRequested()) throw new Cancelled('cancelled')
  }
  /** Ends early when the saga is told to go on. */
  const nap = async (ms: number, stop: Stop) => {
    const rung = new AbortController()
    const off = control.onRing(() => rung.abort())
    try {
      await options.sleep(ms, AbortSignal.any([stop, rung.signal]))
    } catch (error) {
      if (stop.aborted || !rung.signal.aborted) throw error
    } finally {
      off()
    }
  }
  /** Waits while it is paused. */
  const held = async (name: N, canCancel: boolean) => {
    for (;;) {
      goesOn(name)
      const rung = Promise.withResolvers<void>()
      // Before the journal is read: what is asked for in between counts.
      const off = control.onRing(rung.resolve)
      try {
        if (canCancel) await notCancelled()
        if (!(await journal.pauseRequested())) return
        await orClosing(rung.promise)
      } catch (error) {
        goesOn(name)
        throw error
      } finally {
        off()
      }
    }
  }
  const attempt = async (
    name: N,
    direction: Direction,
    work: (stop: Stop) => Promise<void>,
    { base = closing, pausable = false, endsWithNext = false } = {},
  ) => {
    const label = direction === 'do' ? name : `undo ${name}`
    const { pausing } = control
    const stop = pausable ? AbortSignal.any([base, pausing]) : base
    await journal.begin(name, direction)
    try {
      await point(label, 'before')
      await work(stop)
      await point(label, 'doing')
    } catch (error) {
      if (error instanceof Stopped) throw error
      goesOn(label)
      let cause = error
      if (base === early && control.cancelled.aborted) cause = new Cancelled('cancelled')
      else if (pausable && pausing.aborted) cause = new Paused('paused')
      await journal.fail(name, direction, cause)
      throw cause
    }
    if (!endsWithNext) await journal.end(name, direction)
    await point(label, 'after')
  }
  const waitMs = (failures: number) =>
    Math.min(options.retryMaxMs, options.retryBaseMs * 2 ** Math.min(failures, 20))
  const backOff = (name: N, failures: number) => nap(waitMs(failures), closing).catch(() => goesOn(name))
  /**
   * What may not fail: past the commit a journal that cannot be read is no reason to undo what others use by now, and
   * whoever turns back must not stop half way.
   */
  const surely = async (where: N | undefined, work: () => Promise<void>) => {
    for (let failures = 0; ; failures++) {
      try {
        await work()
        return
      } catch (error) {
        if (error instanceof Stopped) throw error
        goesOn(where ?? 'its start')
        options.onTrouble?.(error)
        await nap(waitMs(failures), closing).catch(() => goesOn(where ?? 'its start'))
      }
    }
  }
  const doAction = async (step: ActionStep<N, C>, i: number) => {
    const { name, pausable = false } = step
    const past = isPast(i)
    const endsWithNext = step.endsWithNext === true && i + 1 === commitAt
    const base = past ? closing : early
    const work = (stop: Stop) => step.do(context, stop, (ms) => nap(ms, stop))
    for (let failures = 0; ; ) {
      goesOn(name)
      if (past) await surely(name, () => held(name, false))
      else if (pausable || !journal.begun(name)) await held(name, true)
      else await notCancelled()
      try {
        await attempt(name, 'do', work, { base, pausable, endsWithNext })
        return
      } catch (error) {
        if (error instanceof Stopped) throw error
        if (error instanceof Paused) continue
        if (!past) throw error
        if (journal.ended(name, 'do')) return
        await backOff(name, failures++)
      }
    }
  }
  const doCommit = async (step: CommitStep<N, C>, i: number) => {
    const before = steps[i - 1]
    if (before?.kind !== 'action' || before.endsWithNext !== true) await held(step.name, true)
    await point(step.name, 'before')
    const startedAt = journal.now()
    await journal.transaction(async () => {
      // Who asks for it later finds that it has switched.
      await notCancelled()
      if (before !== undefined && !journal.ended(before.name, 'do')) await journal.end(before.name, 'do')
      await step.commit(context)
      await journal.record(step.name, startedAt)
      if (i + 1 === steps.length) await journal.finish('do')
      try {
        hook?.(step.name, 'doing')
      } catch (error) {
        if (error instanceof StepFailure) throw error
        throw new Stopped(`stopped doing ${step.name}`, { cause: error })
      }
    })
    // Past it nothing fails any more.
    await point(step.name, 'after').catch((error: unknown) => {
      if (error instanceof Stopped) throw error
    })
    // What the commit published goes out, and comes in where the reader is in this process, before we write on.
    await options.sleep(settleMs, closing).catch(() => goesOn(step.name))
    await step.after?.(context).catch(() => goesOn(step.name))
  }
  const forward = async () => {
    for (const [i, step] of steps.entries()) {
      if (journal.ended(step.name, 'do')) continue
      goesOn(step.name)
      at = step.name
      if (step.kind === 'action') await doAction(step, i)
      else await doCommit(step, i)
    }
  }
  const backward = async () => {
    for (const step of steps.slice(0, commitAt === -1 ? steps.length : commitAt).reverse()) {
      const undo = step.kind === 'action' ? step.undo : undefined
      if (undo === undefined || !journal.begun(step.name)) continue
      for (let failures = 0; !journal.ended(step.name, 'undo'); failures++) {
        goesOn(step.name)
        try {
          await attempt(step.name, 'undo', (stop) => undo(context, stop, (ms) => nap(ms, stop)))
        } catch (error) {
          if (error instanceof Stopped) throw error
          if (!journal.ended(step.name, 'undo')) await backOff(step.name, failures)
        }
      }
    }
  }

  goesOn('its start')
  if ((await journal.direction()) === 'do') {
    try {
      await forward()
      const last = steps.at(-1)
      if (last === undefined || last.kind === 'action') {
        if (isPast(steps.length)) await surely(at, () => journal.finish('do'))
        else await journal.finish('do')
      }
      return 'do'
    } catch (error) {
      if (error instanceof Stopped) throw error
      await surely(at, () => journal.turnBack(error, at))
    }
  }
  await backward()
  await surely(at, () => journal.finish('undo'))
  return 'undo'
}
