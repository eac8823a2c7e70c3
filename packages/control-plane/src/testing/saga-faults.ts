// For tests: every saga failed at every step, in both directions, at the three points where it means something else,
// by a crash and by an error. Kinds and steps are those of the registry, so a step that is added is failed too.
//
//     for (const fault of faultsOf(kind)) test(nameOf(fault), async () => {
//       const world = await SagaWorld.start()
//       expect(await runWithFault(world, kind, fault, scenario)).toBe(outcomeOf(kind, fault))
//       await assertNothingBetween(world)
//     })
import { type SagaHook, StepFailure } from '../sagas/saga.ts'
import type { SagaKind } from '../sagas/saga-kind.ts'
import type { SagaWorld } from './saga-world.ts'

export interface SagaFault {
  readonly direction: 'do' | 'undo'
  readonly step: string
  readonly phase: 'before' | 'doing' | 'after'
  readonly how: 'crash' | 'error'
}

/** What is to be run. */
export interface SagaScenario {
  /** Makes what it needs and starts the saga, whose id it gives. */
  begin(world: SagaWorld): Promise<string>
  /** Called now and then until it has ended: the world goes on meanwhile. */
  push?(world: SagaWorld): Promise<void> | void
  /** Throws when it is done and the world is not as it should be. */
  check?(world: SagaWorld): Promise<void>
}

const endMaxMs = 12_000

export function faultsOf(kind: SagaKind): SagaFault[] {
  const faults: SagaFault[] = []
  const commitAt = kind.steps.findIndex((step) => step.kind === 'commit')
  for (const [i, step] of kind.steps.entries()) {
    for (const phase of ['before', 'doing', 'after'] as const) {
      for (const how of ['crash', 'error'] as const) {
        faults.push({ direction: 'do', step: step.name, phase, how })
        const undone = step.hasUndo && !kind.forwardOnly && (commitAt === -1 || i < commitAt)
        if (undone) faults.push({ direction: 'undo', step: step.name, phase, how })
      }
    }
  }
  return faults
}

export function nameOf({ direction, step, phase, how }: SagaFault): string {
  return `${how === 'crash' ? 'a crash' : 'an error'} ${phase} ${labelOf(direction, step)}`
}

/** How it has to end. A crash changes nothing about that; an error turns back what has not been committed. */
export function outcomeOf(kind: SagaKind, { direction, step, phase, how }: SagaFault): 'done' | 'undone' {
  if (direction === 'undo') return 'undone'
  if (how === 'crash' || kind.forwardOnly) return 'done'
  const at = kind.steps.findIndex(({ name }) => name === step)
  const commitAt = kind.steps.findIndex(({ kind }) => kind === 'commit')
  if (commitAt === -1 || at < commitAt) return 'undone'
  return at === commitAt && phase !== 'after' ? 'undone' : 'done'
}

/** Runs it with the fault, once, and with a new process after a crash. Says how it ended. */
export async function runWithFault(
  world: SagaWorld,
  kind: SagaKind,
  fault: SagaFault,
  scenario: SagaScenario,
): Promise<'done' | 'undone'> {
  let happened = false
  let crashed = false
  const label = labelOf(fault.direction, fault.step)
  const turning = fault.direction === 'undo' ? turningPoint(kind) : undefined
  world.hook = (step, phase, _id, ofKind) => {
    if (ofKind !== kind.name) return
    if (turning !== undefined && step === turning.step && phase === turning.phase)
      throw new StepFailure('it fails, so that it is undone')
    if (happened || crashed || step !== label || phase !== fault.phase) return
    happened = true
    if (fault.how === 'error') throw new StepFailure(`it fails ${phase} ${step}`)
    crashed = true
    throw new Error(`it crashes ${phase} ${step}`)
  }
  const id = await scenario.begin(world)
  const deadline = Date.now() + endMaxMs
  for (;;) {
    if (crashed) {
      await world.restart()
      crashed = false
    }
    const saga = await world.plane.store.sagas.get(id)
    if (saga === undefined) throw new Error(`${kind.name} ${id} is not in the store`)
    if (happened && (saga.state === 'done' || saga.state === 'undone')) {
      if (saga.state === 'done') await scenario.check?.(world)
      return saga.state
    }
    if (Date.now() > deadline) {
      const where = `${saga.state} in ${saga.step}`
      throw new Error(
        happened
          ? `${kind.name} ${id} does not end: it is ${where}`
          : `there was no ${nameOf(fault)}: it is ${where}`,
      )
    }
    await scenario.push?.(world)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function labelOf(direction: 'do' | 'undo', step: string): string {
  return direction === 'do' ? step : `undo ${step}`
}

/** Where it fails as late as it can be undone: everything that has an undo is undone. */
function turningPoint({ steps }: SagaKind): { step: string; phase: Parameters<SagaHook>[1] } {
  const commitAt = steps.findIndex((step) => step.kind === 'commit')
  const last = commitAt === -1 ? steps.at(-1)! : steps[commitAt]!
  return { step: last.name, phase: 'doing' }
}
