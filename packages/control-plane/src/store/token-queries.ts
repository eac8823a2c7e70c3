import type { Role } from '@braid/control-api'
import type { Database, Row } from './database.ts'

export interface TokenRow {
  readonly id: string
  /** Hex. The secret itself is with whoever holds the token. */
  readonly secretSha256: string
  readonly principal: string
  readonly role: Role
  readonly tenant: string | null
  readonly createdBy: string
  readonly createdAt: number
  readonly expiresAt: number | null
}

export class TokenQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** By id, those after `after`. */
  async list(limit: number, after = ''): Promise<TokenRow[]> {
    return (await this.db.all('SELECT * FROM token WHERE id > ? ORDER BY id LIMIT ?', after, limit)).map(
      tokenRow,
    )
  }

  async get(id: string): Promise<TokenRow | undefined> {
    const row = await this.db.get('SELECT * FROM token WHERE id = ?', id)
    return row && tokenRow(row)
  }

  async count(): Promise<number> {
    return Number((await this.db.get('SELECT count(*) AS n FROM token'))?.n)
  }

  async hasAdmin(): Promise<boolean> {
    return (await this.db.get("SELECT 1 AS found FROM token WHERE role = 'admin'")) !== undefined
  }

  async add(row: TokenRow): Promise<void> {
    await this.db.run(
      `INSERT INTO token (id, secret_sha256, principal, role, tenant, created_by, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      row.id,
      row.secretSha256,
      row.principal,
      row.role,
      row.tenant,
      row.createdBy,
      row.createdAt,
      row.expiresAt,
    )
  }

  async remove(id: string): Promise<void> {
    await this.db.run('DELETE FROM token WHERE id = ?', id)
  }

  async removeOfTenant(tenant: string): Promise<void> {
    await this.db.run('DELETE FROM token WHERE tenant = ?', tenant)
  }

  async removeExpired(before: number): Promise<void> {
    await this.db.run('DELETE FROM token WHERE expires_at <= ?', before)
  }
}

function tokenRow(row: Row): TokenRow {
  return {
    id: String(row.id),
    secretSha256: String(row.secret_sha256),
    principal: String(row.principal),
    role: row.role as Role,
    tenant: row.tenant === null ? null : String(row.tenant),
    createdBy: String(row.created_by),
    createdAt: Number(row.created_at),
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
  }
}
