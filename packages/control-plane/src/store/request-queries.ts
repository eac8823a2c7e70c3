import type { RequestState, TopicRequest } from '@braid/control-api'
import { updateRevised } from './columns.ts'
import type { Database, Row, Value } from './database.ts'

export interface RequestRow {
  readonly id: string
  readonly tenant: string
  /** As it was asked for, with its defaults. */
  readonly topic: TopicRequest['topic']
  readonly why: string
  readonly state: RequestState
  readonly waitsFor: readonly string[]
  readonly by: string
  readonly createdAt: number
  readonly decision: { readonly by: string; readonly at: number; readonly reason: string | null } | null
  readonly placement: TopicRequest['placement']
  readonly error: { readonly code: string; readonly detail: string } | null
  readonly revision: number
  readonly number: number
}

export interface RequestFilter {
  /** Of these tenants only; undefined: of all. */
  readonly tenants: readonly string[] | undefined
  /** Those with a smaller number. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Every change of a request raises its revision. */
export class RequestQueries {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  async add(
    row: Pick<
      RequestRow,
      'id' | 'tenant' | 'topic' | 'why' | 'state' | 'waitsFor' | 'by' | 'createdAt' | 'placement'
    >,
  ): Promise<void> {
    await this.db.run(
      `INSERT INTO topic_request (id, tenant, topic, why, state, waits_for, created_by, created_at, placement,
         revision, number)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, (SELECT coalesce(max(number), 0) + 1 FROM topic_request))`,
      row.id,
      row.tenant,
      JSON.stringify(row.topic),
      row.why,
      row.state,
      JSON.stringify(row.waitsFor),
      row.by,
      row.createdAt,
      row.placement && JSON.stringify(row.placement),
    )
  }

  async get(id: string): Promise<RequestRow | undefined> {
    const row = await this.db.get('SELECT * FROM topic_request WHERE id = ?', id)
    return row && requestRow(row)
  }

  /** The latest first. */
  async list({ tenants, before = Number.MAX_SAFE_INTEGER, limit }: RequestFilter): Promise<RequestRow[]> {
    if (tenants?.length === 0) return []
    const ofTenants = tenants === undefined ? '' : ` AND tenant IN (${tenants.map(() => '?').join(', ')})`
    return (
      await this.db.all(
        `SELECT * FROM topic_request WHERE number < ?${ofTenants} ORDER BY number DESC LIMIT ?`,
        before,
        ...(tenants ?? []),
        limit,
      )
    ).map(requestRow)
  }

  /** Oldest first. */
  async inState(state: RequestState): Promise<RequestRow[]> {
    return (await this.db.all('SELECT * FROM topic_request WHERE state = ? ORDER BY number', state)).map(
      requestRow,
    )
  }

  async granted(tenant: string): Promise<RequestRow[]> {
    return (
      await this.db.all("SELECT * FROM topic_request WHERE state = 'granted' AND tenant = ?", tenant)
    ).map(requestRow)
  }

  async decide(id: string, state: RequestState, decision: RequestRow['decision']): Promise<void> {
    await this.update(
      id,
      'state = ?, decided_by = ?, decided_at = ?, decision_reason = ?, error_code = NULL, error_detail = NULL',
      state,
      decision?.by ?? null,
      decision?.at ?? null,
      decision?.reason ?? null,
    )
  }

  async fulfil(id: string, placement: RequestRow['placement']): Promise<void> {
    await this.update(id, "state = 'fulfilled', placement = ?", placement && JSON.stringify(placement))
  }

  /** Nobody has decided about it. */
  async waitAgain(id: string, waitsFor: readonly string[]): Promise<void> {
    await this.update(id, "state = 'waiting', waits_for = ?", JSON.stringify(waitsFor))
  }

  async fail(id: string, { code, detail }: { code: string; detail: string }): Promise<void> {
    await this.update(id, "state = 'failed', error_code = ?, error_detail = ?", code, detail)
  }

  private update(id: string, assignments: string, ...values: Value[]): Promise<void> {
    return updateRevised(this.db, 'topic_request', id, assignments, ...values)
  }
}

function requestRow(row: Row): RequestRow {
  return {
    id: String(row.id),
    tenant: String(row.tenant),
    topic: JSON.parse(String(row.topic)) as RequestRow['topic'],
    why: String(row.why),
    state: row.state as RequestState,
    waitsFor: JSON.parse(String(row.waits_for)) as string[],
    by: String(row.created_by),
    createdAt: Number(row.created_at),
    decision:
      row.decided_by === null
        ? null
        : {
            by: String(row.decided_by),
            at: Number(row.decided_at),
            reason: row.decision_reason === null ? null : String(row.decision_reason),
          },
    placement: row.placement === null ? null : (JSON.parse(String(row.placement)) as RequestRow['placement']),
    error:
      row.error_code === null ? null : { code: String(row.error_code), detail: String(row.error_detail) },
    revision: Number(row.revision),
    number: Number(row.number),
  }
}
