// The schema is a row of numbered files. What is in a released file never changes; a change is the next file.
import { readdirSync, readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

const folder = new URL('./schema/', import.meta.url)

export interface SchemaFile {
  readonly number: number
  readonly name: string
  readonly sql: string
}

export function schemaFiles(): SchemaFile[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({
      number: Number.parseInt(name, 10),
      name,
      sql: readFileSync(new URL(name, folder), 'utf8'),
    }))
  for (const [i, { number, name }] of files.entries()) {
    if (number !== i + 1) throw new Error(`schema file ${name} must be number ${i + 1}`)
  }
  return files
}

/** Brings a database of any earlier version to the present one; each file in its own transaction. */
export function upgradeSchema(db: DatabaseSync, files: readonly SchemaFile[] = schemaFiles()): void {
  const { user_version: at } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (at > files.length) {
    throw new Error(
      `the store was written by a newer release (schema ${at}, this one knows ${files.length}): upgrade Braid`,
    )
  }
  for (const { number, sql } of files.slice(at)) {
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(sql)
      db.exec(`PRAGMA user_version = ${number}; COMMIT`)
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
}
