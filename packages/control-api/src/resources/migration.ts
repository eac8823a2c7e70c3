import { z } from 'zod'
import { clusterName, moment, offset, tenantName, topicName } from './names.ts'
import { nextPage } from './page.ts'
import { defaultTenant } from './tenant.ts'

/** In their order. Before SWITCH has ended a migration can be undone, after it never. */
export const migrationSteps = ['CHECK', 'PREPARE', 'SEAL', 'SWITCH', 'DRAIN', 'RETIRE'] as const
export type MigrationStepName = (typeof migrationSteps)[number]

/** The most topics that move as one: sealed by one request a broker, switched by one route version. */
export const migrationTopicsMax = 200

/** All topics move together from where they are, or none does. They must be on one cluster. */
export const migrationStart = z.strictObject({
  tenant: tenantName.default(defaultTenant),
  topics: z
    .array(topicName)
    .min(1)
    .max(migrationTopicsMax)
    .refine((names) => new Set(names).size === names.length, 'a topic is named twice'),
  to: clusterName,
})
export type MigrationStart = z.input<typeof migrationStart>

/**
 *     running ──SWITCH──> switched ──RETIRE──> done
 *        │ an error, or a cancel
 *        v
 *     undoing ──> failed | cancelled
 *
 * `switched` may last as long as the topic's retention: the sealed loglet is still read. The topic may move on.
 */
export const migrationState = z.enum(['running', 'switched', 'done', 'undoing', 'failed', 'cancelled'])
export type MigrationState = z.infer<typeof migrationState>

/** One attempt at one step. A step that a crash interrupted has an attempt without an end, and a later one. */
export const stepAttempt = z.object({
  step: z.enum(migrationSteps),
  direction: z.enum(['do', 'undo']),
  attempt: z.int(),
  startedAt: moment,
  endedAt: moment.nullable(),
  error: z.string().nullable(),
})
export type StepAttempt = z.infer<typeof stepAttempt>

/** Records that a client wrote past Braid beyond the cut: [from, to) physical, copied on below `recovered`. */
export const strays = z.object({
  partition: z.int(),
  from: offset,
  to: offset,
  recovered: offset,
})
export type Strays = z.infer<typeof strays>

export const migration = z.object({
  id: z.string(),
  /** Migrations of one group are sealed and switched together, or undone together. */
  group: z.string(),
  /** The drain, rebalance or apply that it is part of. */
  operation: z.string().nullable(),
  tenant: z.string(),
  topic: z.string(),
  from: z.object({ cluster: z.string(), topic: z.string() }),
  to: z.object({ cluster: z.string(), topic: z.string() }),
  state: migrationState,
  /** The step that it is in, or ended in. */
  step: z.enum(migrationSteps),
  attempts: z.array(stepAttempt),
  /** From the seal's request to the last partition proven sealed and cut, ms. Null before. */
  sealMs: z.number().nullable(),
  /** The transaction of the SWITCH and its handing to the feeds, ms. Null before. */
  switchMs: z.number().nullable(),
  /** The physical cut of each partition. Null before SWITCH. */
  cuts: z.array(offset).nullable(),
  /** The route version that names the new loglets. Null before SWITCH. */
  routeVersion: z.int().nullable(),
  /** An alarm when not empty: somebody writes past Braid. */
  strays: z.array(strays),
  cancelRequested: z.boolean(),
  /** It waits where it is, before SEAL or after SWITCH: never while clients wait for it. */
  pauseRequested: z.boolean(),
  /** Why it failed, in the form of a problem. */
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  createdAt: moment,
  /** Counts every change of this record: ask for a later one and wait. */
  revision: z.int(),
})
export type Migration = z.infer<typeof migration>

export const migrationList = z.object({ migrations: z.array(migration), next: nextPage })

export const migrationsStarted = z.object({ migrations: z.array(migration) })

/** What GET /v1/migrations/:id takes: answers when the revision is above `afterRevision`, or after `waitMs`. */
export const migrationWait = z.strictObject({
  afterRevision: z.coerce.number().int().min(0).optional(),
  waitMs: z.coerce.number().int().min(0).max(30_000).default(0),
})
