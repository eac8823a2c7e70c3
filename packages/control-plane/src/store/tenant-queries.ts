import { tenantPolicy, tenantQuotas, type tenantSpec } from '@braid/control-api'
import type { z } from 'zod'
import type { Database, Row } from './database.ts'

/** As it was asked for, with its defaults. */
export type TenantRow = z.output<typeof tenantSpec>

export interface TenantUsage {
  readonly topics: number
  readonly partitions: number
  /** Of what its topics expect. */
  readonly bytesInPerSecond: number
}

/** What a tenant is, beyond its name and home, which the routes have. */
export class TenantQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** By name, those after `after`. */
  async list(limit: number, after = ''): Promise<TenantRow[]> {
    const rows = await this.db.all('SELECT * FROM tenant WHERE name > ? ORDER BY name LIMIT ?', after, limit)
    return Promise.all(rows.map((row) => this.whole(row)))
  }

  async get(name: string): Promise<TenantRow | undefined> {
    const row = await this.db.get('SELECT * FROM tenant WHERE name = ?', name)
    return row && this.whole(row)
  }

  async put(tenant: TenantRow): Promise<void> {
    const { name, home, standbyHome, quotas, policy, owners, approvers } = tenant
    await this.db.run(
      `INSERT INTO tenant (name, home, description, standby_home, quotas, policy) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET home = excluded.home, description = excluded.description,
         standby_home = excluded.standby_home, quotas = excluded.quotas, policy = excluded.policy`,
      name,
      home,
      tenant.description ?? null,
      standbyHome,
      JSON.stringify(quotas),
      JSON.stringify(policy),
    )
    await this.db.run('DELETE FROM tenant_principal WHERE tenant = ?', name)
    for (const [kind, principals] of [
      ['owner', owners],
      ['approver', approvers],
    ] as const) {
      for (const [position, principal] of principals.entries()) {
        await this.db.run(
          'INSERT INTO tenant_principal (tenant, kind, position, principal) VALUES (?, ?, ?, ?)',
          name,
          kind,
          position,
          principal,
        )
      }
    }
  }

  async remove(name: string): Promise<void> {
    await this.db.run('DELETE FROM tenant_principal WHERE tenant = ?', name)
    await this.db.run('DELETE FROM tenant WHERE name = ?', name)
  }

  /** Tenants that list the principal among their owners. */
  async ownedBy(principal: string): Promise<string[]> {
    return (
      await this.db.all(
        "SELECT tenant FROM tenant_principal WHERE principal = ? AND kind = 'owner' ORDER BY tenant",
        principal,
      )
    ).map((row) => String(row.tenant))
  }

  async homeOf(cluster: string): Promise<string[]> {
    return (await this.db.all('SELECT name FROM tenant WHERE home = ? ORDER BY name', cluster)).map((row) =>
      String(row.name),
    )
  }

  /** Tenants with this cluster as their standby home. */
  async standbyHomeOf(cluster: string): Promise<string[]> {
    return (await this.db.all('SELECT name FROM tenant WHERE standby_home = ? ORDER BY name', cluster)).map(
      (row) => String(row.name),
    )
  }

  async usage(name: string): Promise<TenantUsage> {
    const row = await this.db.get(
      `SELECT count(*) AS topics, coalesce(sum(partitions), 0) AS partitions,
         coalesce(sum(expected_bytes_in), 0) AS bytes_in FROM topic WHERE tenant = ?`,
      name,
    )
    return {
      topics: Number(row?.topics),
      partitions: Number(row?.partitions),
      bytesInPerSecond: Number(row?.bytes_in),
    }
  }

  private async whole(row: Row): Promise<TenantRow> {
    const name = String(row.name)
    const principals = await this.db.all(
      'SELECT kind, principal FROM tenant_principal WHERE tenant = ? ORDER BY kind, position',
      name,
    )
    const named = (kind: string) =>
      principals.filter((one) => one.kind === kind).map((one) => String(one.principal))
    return {
      name,
      ...(row.description !== null && { description: String(row.description) }),
      home: String(row.home),
      standbyHome: row.standby_home === null ? null : String(row.standby_home),
      quotas: tenantQuotas.parse(JSON.parse(String(row.quotas))),
      policy: tenantPolicy.parse(JSON.parse(String(row.policy))),
      owners: named('owner'),
      approvers: named('approver'),
    }
  }
}
