// What a saga is, as data: its name, its steps, and what the steps work on.
import type { Plane } from '../plane.ts'
import type { Migrations } from './migrations.ts'
import { type Direction, type Journal, runSaga, type SagaOptions, type Step } from './saga.ts'
import type { SagaRunner } from './saga-runner.ts'

/** What steps may use. */
export interface SagaServices {
  readonly plane: Plane
  readonly sagas: SagaRunner
  readonly migrations: Migrations
}

export type SagaOutcome = 'done' | 'failed' | 'cancelled'

export interface SagaDefinition<N extends string, C> {
  /** In the store, for ever. */
  readonly name: string
  readonly steps: readonly Step<N, C>[]
  /** Nothing of it is undone, a step that fails is tried until it works, and nobody can cancel it. */
  readonly forwardOnly?: boolean
  /** What the steps of the saga with this id work on; made anew for every run. */
  context(services: SagaServices, id: string): C
  /** For hooks and logs: the id of the record that it is about, when that is not the saga's own. */
  subject?(id: string): string
  /** In the transaction that turns it back. `cause` is a Cancelled when nothing failed. */
  turnedBack?(context: C, cause: unknown, step: N | undefined): Promise<void>
  /** In the transaction that records its end. `failed` and `cancelled`: all that was done is undone. */
  ended?(context: C, outcome: SagaOutcome): Promise<void>
  /** In the transaction in which it begins again from its first step, after it was undone. */
  retried?(context: C): Promise<void>
}

export interface StepShape {
  readonly name: string
  readonly kind: 'action' | 'commit'
  readonly hasUndo: boolean
}

/** The same, without the types that only its own steps know. */
export interface SagaKind {
  readonly name: string
  readonly forwardOnly: boolean
  readonly steps: readonly StepShape[]
  subject(id: string): string
  /** One run of the saga: the functions below share its context. */
  open(services: SagaServices, id: string): OpenSaga
}

export interface OpenSaga {
  run(journal: Journal<string>, options: Omit<SagaOptions, 'forwardOnly'>): Promise<Direction>
  turnedBack(cause: unknown, step: string | undefined): Promise<void>
  ended(outcome: SagaOutcome): Promise<void>
  retried(): Promise<void>
}

export function defineSaga<N extends string, C>(definition: SagaDefinition<N, C>): SagaKind {
  const { name, steps, forwardOnly = false } = definition
  return {
    name,
    forwardOnly,
    steps: steps.map((step) => ({
      name: step.name,
      kind: step.kind,
      hasUndo: step.kind === 'action' && step.undo !== undefined,
    })),
    subject: (id) => definition.subject?.(id) ?? id,
    open(services, id) {
      const context = definition.context(services, id)
      return {
        // The journal takes any name; the steps' own are names.
        run: (journal, options) =>
          runSaga<N, C>(steps, journal as Journal<N>, context, { ...options, forwardOnly }),
        turnedBack: async (cause, step) => definition.turnedBack?.(context, cause, step as N | undefined),
        ended: async (outcome) => definition.ended?.(context, outcome),
        retried: async () => definition.retried?.(context),
      }
    },
  }
}
