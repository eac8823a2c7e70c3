// A saga: steps in order, over durable state. It can stop at any point, because the process died or was told to,
// and the next run goes on from what the journal says.
//
//     do(1) ── do(2) ── do(3) ── COMMIT ── do(5) ── do(6) ── done
//       │        │        │         (from here nothing is undone; a step that fails is tried until it works)
//       └────────┴────────┴── a step failed, or it was cancelled
//                undo(3) ── undo(2) ── undo(1) ── undone
//
// Every do and undo is idempotent: after a crash between doing and recording it runs again.

/** A step that sees it aborted throws, and what it throws is not taken for a failure of its own. */
export type Stop = AbortSignal

export interface ActionStep<N extends string, C> {
  readonly kind: 'action'
  readonly name: N
  do(context: C, stop: Stop): Promise<void>
  /** Called also when `do` never ended, or never began to have an effect. Absent when there is nothing to undo. */
  undo?(context: C, stop: Stop): Promise<void>
  /** Its end is recorded in the transaction of the commit step that follows, which saves a write in between. */
  readonly endsWithNext?: boolean
}

/** The point of no return. One transaction: the journal's lines and what the step writes. */
export interface CommitStep<N extends string, C> {
  readonly kind: 'commit'
  readonly name: N
  commit(context: C): Promise<void>
}

export type Step<N extends string, C> = ActionStep<N, C> | CommitStep<N, C>

export type Direction = 'do' | 'undo'

/** The durable state of one saga. */
export interface Journal<N extends string> {
  direction(): Promise<Direction>
  cancelRequested(): Promise<boolean>
  begun(step: N): Promise<boolean>
  ended(step: N, direction: Direction): Promise<boolean>
  begin(step: N, direction: Direction): Promise<void>
  end(step: N, direction: Direction): Promise<void>
  fail(step: N, direction: Direction, error: unknown): Promise<void>
  /** Runs `work` in a transaction, with whatever it writes. */
  transaction(work: () => Promise<void>): Promise<void>
  /** From now on it goes backwards. */
  turnBack(cause: unknown): Promise<void>
  /** It has ended. */
  finish(direction: Direction): Promise<void>
}

/**
 * Called at the three points of every step where a crash means something else: `before` anything of it is done;
 * `doing`, when all is done and nothing recorded; `after` it is recorded. What it throws stops the saga as a crash
 * would: nothing is undone, nothing is recorded. In a commit step `doing` is called inside the transaction, and
 * must throw synchronously. Undo steps are named `undo STEP`.
 */
export type SagaHook = (step: string, phase: 'before' | 'doing' | 'after') => Promise<void> | void

export interface SagaOptions {
  readonly hook?: SagaHook | undefined
  /** The process is stopping: the saga stays where it is. */
  readonly closing: Stop
  /** Interrupts a step so that the saga can be undone; the journal says durably that it shall be. */
  readonly cancelled: Stop
  /** Waits; rejects when the signal is aborted. */
  sleep(ms: number, stop: Stop): Promise<void>
  readonly retryBaseMs: number
  readonly retryMaxMs: number
}

const settleMs = 5

/** Why a saga was turned back that nothing failed in. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled'
}

/** The saga was stopped where it was. It goes on when it is run again. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}

/** Runs it to its end: `do` when it is done, `undo` when it is undone. Throws Stopped, and nothing else. */
export async function runSaga<N extends string, C>(
  steps: readonly Step<N, C>[],
  journal: Journal<N>,
  context: C,
  options: SagaOptions,
): Promise<Direction> {
  const { hook, closing, cancelled } = options
  const commitAt = steps.findIndex((step) => step.kind === 'commit')
  const early = AbortSignal.any([closing, cancelled])

  const point = async (label: string, phase: 'before' | 'doing' | 'after') => {
    if (hook === undefined) return
    try {
      // A hook may hold the saga where it is; it cannot hold up a process that stops.
      await orClosing(hook(label, phase))
    } catch (error) {
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
  const attempt = async (
    name: N,
    direction: Direction,
    work: () => Promise<void>,
    { canCancel = false, endsWithNext = false } = {},
  ) => {
    const label = direction === 'do' ? name : `undo ${name}`
    await journal.begin(name, direction)
    await point(label, 'before')
    try {
      await work()
    } catch (error) {
      goesOn(label)
      const cause = canCancel && cancelled.aborted ? new Cancelled('cancelled') : error
      await journal.fail(name, direction, cause)
      throw cause
    }
    await point(label, 'doing')
    if (!endsWithNext) await journal.end(name, direction)
    await point(label, 'after')
  }
  const untilItWorks = async (name: N, direction: Direction, work: () => Promise<void>) => {
    for (let failures = 0; ; failures++) {
      goesOn(name)
      try {
        return await attempt(name, direction, work)
      } catch (error) {
        if (error instanceof Stopped) throw error
        const waitMs = Math.min(options.retryMaxMs, options.retryBaseMs * 2 ** Math.min(failures, 20))
        await options.sleep(waitMs, closing).catch(() => goesOn(name))
      }
    }
  }
  const forward = async () => {
    for (const [i, step] of steps.entries()) {
      if (await journal.ended(step.name, 'do')) continue
      goesOn(step.name)
      if (i > commitAt && commitAt !== -1) {
        if (step.kind === 'action') await untilItWorks(step.name, 'do', () => step.do(context, closing))
        continue
      }
      await notCancelled()
      if (step.kind === 'action') {
        const endsWithNext = step.endsWithNext === true && i + 1 === commitAt
        await attempt(step.name, 'do', () => step.do(context, early), { canCancel: true, endsWithNext })
      } else {
        await point(step.name, 'before')
        await commitStep(step, steps[i - 1], journal, context, hook)
        await point(step.name, 'after')
        // What the commit published goes out, and comes in where the reader is in this process, before we write on.
        await options.sleep(settleMs, closing).catch(() => goesOn(step.name))
      }
    }
  }
  const backward = async () => {
    for (const step of steps.slice(0, commitAt === -1 ? steps.length : commitAt).reverse()) {
      const undo = step.kind === 'action' ? step.undo : undefined
      if (undo === undefined || !(await journal.begun(step.name))) continue
      if (await journal.ended(step.name, 'undo')) continue
      await untilItWorks(step.name, 'undo', () => undo(context, closing))
    }
  }

  goesOn('its start')
  if ((await journal.direction()) === 'do') {
    try {
      await forward()
      await journal.finish('do')
      return 'do'
    } catch (error) {
      if (error instanceof Stopped) throw error
      await journal.turnBack(error)
    }
  }
  await backward()
  await journal.finish('undo')
  return 'undo'
}

function commitStep<N extends string, C>(
  step: CommitStep<N, C>,
  before: Step<N, C> | undefined,
  journal: Journal<N>,
  context: C,
  hook: SagaHook | undefined,
): Promise<void> {
  return journal.transaction(async () => {
    // Who asks for it later finds that it has switched.
    if (await journal.cancelRequested()) throw new Cancelled('cancelled')
    if (before !== undefined && !(await journal.ended(before.name, 'do')))
      await journal.end(before.name, 'do')
    await journal.begin(step.name, 'do')
    await step.commit(context)
    await journal.end(step.name, 'do')
    try {
      hook?.(step.name, 'doing')
    } catch (error) {
      throw new Stopped(`stopped doing ${step.name}`, { cause: error })
    }
  })
}
