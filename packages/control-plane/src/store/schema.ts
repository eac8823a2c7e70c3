// The schema is a row of numbered files. What is in a released file never changes; a change is the next file.
//
// To add one: take the next free number, `schema/NNNN-what-it-is-about.sql`. It is run as it stands on SQLite, and
// as `postgresSchema` turns it on PostgreSQL, so it is written in what both know:
//   - types TEXT, INTEGER (64 bits) and REAL; truth is INTEGER 0 or 1, moments are INTEGER ms, lists are JSON in TEXT
//   - tables end in `) STRICT;` or `) STRICT, WITHOUT ROWID;`
//   - no AUTOINCREMENT, rowid or date functions; a trigger only to refuse: BEFORE ... BEGIN SELECT RAISE(ABORT, 'why'); END;
//   - a column that is added has a DEFAULT or may be NULL
//   - what a text sorts by is its bytes, on both
// Queries are one set too: `?` placeholders in the order of the values, `INSERT INTO t (columns)` with names (others
// add columns), ON CONFLICT instead of INSERT OR, coalesce instead of ifnull, RETURNING where a value is wanted.
// upgrade.test.ts brings a store with data in it up from every earlier version.
import { readdirSync, readFileSync } from 'node:fs'

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

/** Those that bring a database of version `at` to the present one. */
export function filesAfter(at: number, files: readonly SchemaFile[]): readonly SchemaFile[] {
  if (at > files.length) {
    throw new Error(
      `the store was written by a newer release (schema ${at}, this one knows ${files.length}): upgrade Braid`,
    )
  }
  return files.slice(at)
}

/** `CREATE TRIGGER name BEFORE UPDATE ON t BEGIN SELECT RAISE(ABORT, 'why'); END;` */
const refusal =
  /CREATE TRIGGER (\w+) BEFORE (UPDATE|DELETE|INSERT) ON (\w+)\s+BEGIN SELECT RAISE\(ABORT, ('[^']*')\); END;/g

/** A schema file in PostgreSQL's words. */
export function postgresSchema(sql: string): string {
  return sql
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\)\s*STRICT(\s*,\s*WITHOUT\s+ROWID)?\s*;/g, ');')
    .replaceAll(
      refusal,
      (_, name: string, what: string, table: string, why: string) =>
        `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION ${why}; END $$;
         CREATE TRIGGER ${name} BEFORE ${what} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}();`,
    )
    .replaceAll(/\bINTEGER\b/g, 'BIGINT')
    .replaceAll(/\bREAL\b/g, 'DOUBLE PRECISION')
    .replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"')
}
