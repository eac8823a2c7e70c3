import type { Database, Row } from './database.ts'

export interface AuditRow {
  readonly number: number
  readonly at: number
  readonly principal: string
  readonly role: string
  readonly source: string
  readonly action: string
  readonly tenant: string | null
  readonly what: string
  readonly outcome: 'done' | 'refused'
  readonly code: string | null
  readonly diff: readonly { path: string; before: unknown; after: unknown }[]
}

export interface AuditFilter {
  /** Of these tenants only; undefined: of all, and of none. */
  readonly tenants: readonly string[] | undefined
  readonly principal: string | undefined
  /** ms since 1970 */
  readonly since: number | undefined
  /** Those with a smaller number. */
  readonly before: number | undefined
  readonly limit: number
}

/** Rows are added, and never changed: the database itself refuses it. */
export class AuditQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async add(row: Omit<AuditRow, 'number'>): Promise<void> {
    await this.db.run(
      `INSERT INTO audit (number, at, principal, role, source, action, tenant, what, outcome, code, diff)
       VALUES ((SELECT coalesce(max(number), 0) + 1 FROM audit), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      row.at,
      row.principal,
      row.role,
      row.source,
      row.action,
      row.tenant,
      row.what,
      row.outcome,
      row.code,
      JSON.stringify(row.diff),
    )
  }

  /** The latest first. */
  async list({ tenants, principal, since, before, limit }: AuditFilter): Promise<AuditRow[]> {
    const wheres: string[] = []
    const values: (string | number)[] = []
    const where = (sql: string, ...of: (string | number)[]) => {
      wheres.push(sql)
      values.push(...of)
    }
    if (tenants !== undefined) {
      if (tenants.length === 0) return []
      where(`tenant IN (${tenants.map(() => '?').join(', ')})`, ...tenants)
    }
    if (principal !== undefined) where('principal = ?', principal)
    if (since !== undefined) where('at >= ?', since)
    if (before !== undefined) where('number < ?', before)
    const rows = await this.db.all(
      `SELECT * FROM audit${wheres.length > 0 ? ` WHERE ${wheres.join(' AND ')}` : ''} ORDER BY number DESC LIMIT ?`,
      ...values,
      limit,
    )
    return rows.map(auditRow)
  }
}

function auditRow(row: Row): AuditRow {
  return {
    number: Number(row.number),
    at: Number(row.at),
    principal: String(row.principal),
    role: String(row.role),
    source: String(row.source),
    action: String(row.action),
    tenant: row.tenant === null ? null : String(row.tenant),
    what: String(row.what),
    outcome: row.outcome as AuditRow['outcome'],
    code: row.code === null ? null : String(row.code),
    diff: JSON.parse(String(row.diff)) as AuditRow['diff'],
  }
}
