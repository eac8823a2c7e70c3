// The schema in PostgreSQL, made and brought up by the control plane that holds the lock: so it happens once.
import type { PostgresConnection } from './postgres.ts'
import { filesAfter, postgresSchema, type SchemaFile, schemaFiles } from './schema.ts'

/** Each file in its own transaction. */
export async function upgradePostgres(
  connection: PostgresConnection,
  files: readonly SchemaFile[] = schemaFiles(),
): Promise<void> {
  await connection.say(
    'CREATE TABLE IF NOT EXISTS schema_version (one BIGINT PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL)',
  )
  const [row] = await connection.all('SELECT version FROM schema_version', [])
  for (const { number, sql } of filesAfter(Number(row?.version ?? 0), files)) {
    await connection.begin()
    try {
      await connection.say(postgresSchema(sql))
      await connection.run(
        `INSERT INTO schema_version (one, version) VALUES (1, ?)
         ON CONFLICT (one) DO UPDATE SET version = excluded.version`,
        [number],
      )
      await connection.commit()
    } catch (error) {
      await connection.rollback()
      throw error
    }
  }
}

/** 0 when nothing is there yet. */
export async function postgresVersion(connection: PostgresConnection): Promise<number> {
  const [there] = await connection.all(`SELECT to_regclass('schema_version') IS NOT NULL AS made`, [])
  if (there?.made !== 1) return 0
  const [row] = await connection.all('SELECT version FROM schema_version', [])
  return Number(row?.version ?? 0)
}
