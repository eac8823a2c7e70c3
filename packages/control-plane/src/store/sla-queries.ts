import type { slaSpec } from '@braid/control-api'
import type { z } from 'zod'
import type { Database, Row } from './database.ts'

/** As it was asked for, with its defaults. */
export type SlaRow = z.output<typeof slaSpec>

export class SlaQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** By name, those after `after`. */
  async list(limit: number, after = ''): Promise<SlaRow[]> {
    return (
      await this.db.all('SELECT name, spec FROM sla WHERE name > ? ORDER BY name LIMIT ?', after, limit)
    ).map(slaRow)
  }

  async get(name: string): Promise<SlaRow | undefined> {
    const row = await this.db.get('SELECT name, spec FROM sla WHERE name = ?', name)
    return row && slaRow(row)
  }

  async put({ name, ...spec }: SlaRow): Promise<void> {
    await this.db.run(
      'INSERT INTO sla (name, spec) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET spec = excluded.spec',
      name,
      JSON.stringify(spec),
    )
  }

  async remove(name: string): Promise<void> {
    await this.db.run('DELETE FROM sla WHERE name = ?', name)
  }

  /** Topics of the class. */
  async topicIds(name: string): Promise<string[]> {
    const rows = await this.db.all('SELECT id FROM topic WHERE sla = ?', name)
    return rows.map(({ id }) => String(id))
  }

  async topicCount(name: string): Promise<number> {
    return Number((await this.db.get('SELECT count(*) AS n FROM topic WHERE sla = ?', name))?.n)
  }
}

function slaRow(row: Row): SlaRow {
  return { name: String(row.name), ...(JSON.parse(String(row.spec)) as Omit<SlaRow, 'name'>) }
}
