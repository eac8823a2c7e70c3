import type { Demand } from './demand.ts'
import type { TopicName } from './fleet.ts'
import type { Whereabouts } from './ledger.ts'

/** A topic's active loglet goes to another cluster, by a migration. */
export interface Move {
  readonly topic: TopicName
  readonly from: string
  readonly to: string
  readonly standby: { readonly before: string | null; readonly after: string | null }
  readonly stub: { readonly before: string | null; readonly after: string | null }
  readonly reason: string
}

export function moveOf(
  demand: Demand,
  before: Whereabouts,
  after: Whereabouts & { cluster: string },
  reason: string,
): Move {
  const { tenant, name } = demand.topic
  return {
    topic: { tenant, name },
    from: before.cluster ?? '',
    to: after.cluster,
    standby: { before: before.standby, after: after.standby },
    stub: { before: before.stub, after: after.stub },
    reason,
  }
}
