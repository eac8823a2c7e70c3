// Failovers, returns and their topics as the API shows them.
import { type Failover, type FailoverTopic, failoverSteps } from '@braid/control-api'
import type { FailoverRow, FailoverTopicRow, NewFailoverTopic } from '../store/failover-queries.ts'
import type { Store } from '../store/store.ts'

export async function shownFailover(store: Store, row: FailoverRow): Promise<Failover> {
  const { topics, moved } = await store.failovers.topicCounts(row.id)
  const homes = row.homes.filter(({ to }) => to !== null).length
  return {
    id: row.id,
    kind: row.kind,
    cluster: row.cluster,
    by: row.by,
    reason: row.reason,
    votes: row.votes.map((vote) => ({ ...vote })),
    state: row.state,
    step: failoverSteps.find((step) => step === row.step) ?? 'CHECK',
    counts: { topics, moved, waiting: topics - moved, homes },
    decisionToSwitchMs: row.switchMs,
    fenceMs: row.fenceMs,
    routeVersion: row.routeVersion,
    error: row.error,
    createdAt: new Date(row.createdAt).toISOString(),
    endedAt: row.endedAt === null ? null : new Date(row.endedAt).toISOString(),
    revision: row.revision,
  }
}

/** One that is only planned has recovered nothing. */
export function shownFailoverTopic(
  row: NewFailoverTopic & Partial<Pick<FailoverTopicRow, 'recovery'>>,
): FailoverTopic {
  const { tenant, topic, policy, from, to, reason, knownEnds, base, recovery = null } = row
  return {
    tenant,
    topic,
    policy,
    from,
    to,
    reason,
    knownEnds: knownEnds?.map(String) ?? null,
    base: base === null ? null : String(base),
    recovered: recovery && { ...recovery },
  }
}
