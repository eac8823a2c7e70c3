// Runs sagas of every kind: those that begin now, and those that an earlier process left.
//
//     await store.transaction(async () => {          // your record and its saga: both or none
//       await store.drains.add({ id, ... })
//       await sagas.start('drain', id)               // runs once that is committed
//     })
//     await sagas.pause(id); await sagas.goOn(id)    // goOn also tries at once what waits to be tried again
//     await sagas.cancel(id)                         // undone in the background, if its commit is not through
//     await sagas.retry(id)                          // was undone: begins again from its first step
//     const now = await sagas.changes.until([id], read, isNew, waitMs)   // long polls; note(id) for your own changes
//
// All of them only write down what is asked and wake the run up, so they may stand in transactions with your own
// checks; what was asked of a process that died is still asked of the next. What is refused and in which words is for
// those who know what the saga is about: read `get(id)` first, in the same transaction.
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import type { AttemptRow, SagaRow } from '../store/rows.ts'
import type { NewSaga } from '../store/saga-queries.ts'
import { Changes } from './changes.ts'
import { Stopped } from './saga.ts'
import { SagaControl } from './saga-control.ts'
import { SagaJournal } from './saga-journal.ts'
import type { OpenSaga, SagaKind, SagaServices } from './saga-kind.ts'

/** See SagaHook. `id` is that of the record which the saga is about. */
export interface SagaHooks {
  step(step: string, phase: 'before' | 'doing' | 'after', id: string, kind: string): Promise<void> | void
}

interface Running {
  readonly kind: string
  readonly control: SagaControl
  readonly stopped: Promise<void>
}

/** After a commit, what it published goes out before the sagas that it started begin to write. */
const startAfterMs = 5

export class SagaRunner {
  /** Of sagas, and of whatever else is noted. */
  readonly changes: Changes
  private readonly plane: Plane
  private readonly kinds: ReadonlyMap<string, SagaKind>
  private readonly hooks: SagaHooks | undefined
  private readonly running = new Map<string, Running>()
  private services: SagaServices | undefined

  constructor(plane: Plane, kinds: readonly SagaKind[], hooks?: SagaHooks) {
    this.plane = plane
    this.kinds = new Map(kinds.map((kind) => [kind.name, kind]))
    this.hooks = hooks
    this.changes = new Changes(plane.closing)
  }

  /** What steps may use. Once, before anything runs. */
  provide(services: SagaServices): void {
    this.services = services
  }

  /** Goes on with every saga that has not ended. */
  async resume(): Promise<void> {
    for (const { id, kind, state, step } of await this.plane.store.sagas.unfinished()) {
      if (this.running.has(id)) continue
      const about = this.kinds.get(kind)
      const level = about?.forwardOnly ? 'debug' : 'info'
      this.plane.log(level, `${kind}.resumed`, { [kind]: about?.subject(id) ?? id, state, step })
      this.run(kind, id)
    }
  }

  /** Writes it down, in the transaction that we are in if there is one, and runs it once that is committed. */
  start(kind: string, id: string, more: Pick<NewSaga, 'pausedAs'> = {}): Promise<void> {
    const { store, now } = this.plane
    const step = this.kind(kind).steps[0]!.name
    return store.transaction(async () => {
      await store.sagas.add({ id, kind, step, createdAt: now(), ...more })
      store.afterCommit(() => {
        this.changes.note(id)
        this.run(kind, id, startAfterMs)
      })
    })
  }

  get(id: string): Promise<SagaRow | undefined> {
    return this.plane.store.sagas.get(id)
  }

  attempts(id: string): Promise<AttemptRow[]> {
    return this.plane.store.sagas.attempts(id)
  }

  /** How many have not ended. */
  count(kind: string): number {
    let count = 0
    for (const saga of this.running.values()) if (saga.kind === kind) count++
    return count
  }

  /** It is undone in the background, unless its commit comes first. */
  cancel(id: string): Promise<void> {
    return this.ask(
      id,
      () => this.plane.store.sagas.requestCancel(id),
      (control) => control.cancelNow(),
    )
  }

  /** It waits before its next step; see saga.ts for where it does not. */
  pause(id: string): Promise<void> {
    return this.ask(
      id,
      () => this.plane.store.sagas.setPauseRequested(id, true),
      (control) => control.pauseNow(),
    )
  }

  /** It pauses no longer, and what waits to be tried again is tried at once. */
  goOn(id: string): Promise<void> {
    return this.ask(
      id,
      () => this.plane.store.sagas.setPauseRequested(id, false),
      (control) => control.goOn(),
    )
  }

  /** One that was undone begins again from its first step. */
  retry(id: string): Promise<void> {
    const { store } = this.plane
    return store.transaction(async () => {
      const saga = await store.sagas.get(id)
      if (saga?.state !== 'undone') throw new Error(`saga ${id} is ${saga?.state ?? 'not there'}, not undone`)
      const kind = this.kind(saga.kind)
      await store.sagas.beginAgain(id, kind.steps[0]!.name)
      await this.open(kind, id).retried()
      store.afterCommit(() => {
        this.changes.note(id)
        this.run(saga.kind, id)
      })
    })
  }

  /** Waits for all sagas to have stopped where they are; the plane's `closing` tells them to. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.running.values(), (saga) => saga.stopped))
  }

  private ask(id: string, write: () => Promise<void>, tell: (control: SagaControl) => void): Promise<void> {
    const { store } = this.plane
    return store.transaction(async () => {
      await write()
      store.afterCommit(() => {
        this.changes.note(id)
        const running = this.running.get(id)
        if (running !== undefined) tell(running.control)
      })
    })
  }

  private kind(name: string): SagaKind {
    const kind = this.kinds.get(name)
    if (kind === undefined) throw new Error(`there are no sagas of kind ${name} in this release`)
    return kind
  }

  private open(kind: SagaKind, id: string): OpenSaga {
    if (this.services === undefined) throw new Error('sagas run before their services are there')
    return kind.open(this.services, id)
  }

  private run(kindName: string, id: string, afterMs = 0): void {
    const { plane } = this
    const control = new SagaControl()
    // One that was undone and begins again waits for its last run to have left.
    const earlier = this.running.get(id)?.stopped
    const stopped = (async () => {
      await earlier
      if (afterMs > 0) await plane.sleep(afterMs, plane.closing)
      await this.runSurely(this.kind(kindName), id, control)
    })()
      .catch((error: unknown) => {
        const level = error instanceof Stopped || plane.closing.aborted ? 'info' : 'error'
        plane.log(level, `${kindName}.stopped`, { [kindName]: id, reason: reasonOf(error) })
      })
      .finally(() => {
        if (this.running.get(id)?.control === control) this.running.delete(id)
      })
    this.running.set(id, { kind: kindName, control, stopped })
  }

  /** Whatever it fails with outside its steps, such as a store that cannot be read: nobody else would go on with it. */
  private async runSurely(kind: SagaKind, id: string, control: SagaControl): Promise<void> {
    const { closing, log, sleep, timings } = this.plane
    for (let failures = 0; ; failures++) {
      try {
        return await this.runToEnd(kind, id, control)
      } catch (error) {
        if (error instanceof Stopped || closing.aborted) throw error
        log('error', `${kind.name}.interrupted`, { [kind.name]: id, reason: reasonOf(error) })
        const { retryBaseMs, retryMaxMs } = timings
        await sleep(Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(failures, 20)), closing)
      }
    }
  }

  private async runToEnd(kind: SagaKind, id: string, control: SagaControl): Promise<void> {
    const { plane, hooks } = this
    const saga = this.open(kind, id)
    const subject = kind.subject(id)
    const journal = await SagaJournal.open(id, {
      store: plane.store,
      log: plane.log,
      now: plane.now,
      subject,
      turnedBack: (cause, step) => saga.turnedBack(cause, step),
      ended: (outcome) => saga.ended(outcome),
      onChange: () => this.changes.note(id),
    })
    await saga.run(journal, {
      hook: hooks && ((step, phase) => hooks.step(step, phase, subject, kind.name)),
      closing: plane.closing,
      control,
      sleep: plane.sleep,
      retryBaseMs: plane.timings.retryBaseMs,
      retryMaxMs: plane.timings.retryMaxMs,
      onTrouble: (error) =>
        plane.log('error', `${kind.name}.not-recorded`, { [kind.name]: subject, reason: reasonOf(error) }),
    })
  }
}
