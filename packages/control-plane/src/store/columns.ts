// How columns are read, and rows changed that have a revision, in all tables alike.
import type { Database, Value } from './database.ts'

export function numberOrNull(value: unknown): number | null {
  return value === null ? null : Number(value)
}

/** Every change of such a row raises its revision. */
export async function updateRevised(
  db: Database,
  table: 'failover' | 'migration' | 'topic_request',
  id: string,
  assignments: string,
  ...values: Value[]
): Promise<void> {
  await db.run(`UPDATE ${table} SET ${assignments}, revision = revision + 1 WHERE id = ?`, ...values, id)
}
