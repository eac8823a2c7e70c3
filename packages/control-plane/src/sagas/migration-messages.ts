import { Refusal } from '../refusal.ts'
import type { AttemptRow, MigrationRow } from '../store/rows.ts'

/** `topic orders is being moved to kafka-b (step SEAL since 4 s)` */
export function migrationInProgress(
  migration: MigrationRow,
  attempts: readonly AttemptRow[],
  now: number,
): Refusal {
  const since =
    attempts.findLast((attempt) => attempt.step === migration.step)?.startedAt ?? migration.createdAt
  const seconds = Math.max(0, Math.round((now - since) / 1_000))
  const doing = migration.state === 'undoing' ? 'undoing step' : 'step'
  return new Refusal(
    'MIGRATION_IN_PROGRESS',
    `topic ${migration.topic} is being moved to ${migration.to.cluster} (${doing} ${migration.step} since ${seconds} s): wait for migration ${migration.id}, or cancel it`,
  )
}
