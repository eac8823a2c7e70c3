import { z } from 'zod'
import { moment } from './names.ts'
import { nextPage } from './page.ts'

export const operationKind = z.enum(['drain', 'rebalance', 'apply'])
export type OperationKind = z.infer<typeof operationKind>

/**
 *     running <──> paused
 *        │  │
 *        │  └─ cancel ──> cancelling ──> cancelled   moves under way end, no further one begins
 *        ├──> done
 *        └──> failed       what it says in `error`; retry goes on with what is left
 */
export const operationState = z.enum(['running', 'paused', 'cancelling', 'done', 'failed', 'cancelled'])
export type OperationState = z.infer<typeof operationState>

/** One planned move, with its reason in words. */
export const plannedMove = z.object({
  tenant: z.string(),
  topic: z.string(),
  from: z.string(),
  to: z.string(),
  reason: z.string(),
})
export type PlannedMove = z.infer<typeof plannedMove>

export const operationMove = plannedMove.extend({
  state: z.enum(['waiting', 'moving', 'moved', 'failed', 'skipped']),
  migration: z.string().nullable(),
  error: z.string().nullable(),
})
export type OperationMove = z.infer<typeof operationMove>

export const operation = z.object({
  id: z.string(),
  kind: operationKind,
  /** `drain of kafka-a`, as people say it. */
  title: z.string(),
  /** The cluster that is drained. */
  cluster: z.string().nullable(),
  state: operationState,
  /** The saga's step that it is in. */
  step: z.string(),
  /** Topics that move at once, at most. */
  concurrency: z.int(),
  counts: z.object({
    waiting: z.int(),
    moving: z.int(),
    moved: z.int(),
    failed: z.int(),
    skipped: z.int(),
  }),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  by: z.string(),
  createdAt: moment,
  endedAt: moment.nullable(),
  revision: z.int(),
})
export type Operation = z.infer<typeof operation>

export const operationList = z.object({ operations: z.array(operation), next: nextPage })
export const operationMoveList = z.object({ moves: z.array(operationMove), next: nextPage })

const concurrency = z.int().min(1).max(200).default(10)

export const drainStart = z.strictObject({ concurrency })
export type DrainStart = z.input<typeof drainStart>

export const rebalanceStart = z.strictObject({
  movesMax: z.int().min(1).max(10_000).default(50),
  /** How far the fullest cluster may be above the mean before anything moves, as a fraction of capacity. */
  threshold: z.number().min(0).max(1).default(0.1),
  concurrency,
})
export type RebalanceStart = z.input<typeof rebalanceStart>

/** What a drain or rebalance would do. */
export const movePlan = z.object({
  moves: z.array(plannedMove),
  /** What stays though it should not, and why. */
  obstacles: z.array(z.object({ what: z.string(), reason: z.string() })),
  /** Read replicas that would help more than any move. */
  proposals: z.array(z.string()),
  summary: z.string(),
})
export type MovePlan = z.infer<typeof movePlan>

/** With `dryRun`, `operation` is null. */
export const operationStarted = z.object({ operation: operation.nullable(), plan: movePlan })
export type OperationStarted = z.infer<typeof operationStarted>
