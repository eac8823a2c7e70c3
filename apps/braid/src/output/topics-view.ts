import type { TopicSummary } from '@braid/control-api'
import type { Look } from './print.ts'
import { rate } from './quantity.ts'
import { type Column, table } from './table.ts'

export function topicsText(all: readonly TopicSummary[], look: Look, withTenants: boolean): string {
  if (all.length === 0) return 'no topics yet: `braid topic create NAME`\n'
  const tenants: Column<TopicSummary>[] = withTenants
    ? [{ head: 'TENANT', cell: ({ tenant }) => tenant }]
    : []
  return table(
    [
      ...tenants,
      { head: 'TOPIC', cell: ({ name }) => name },
      { head: 'PARTITIONS', cell: ({ partitions }) => String(partitions), align: 'right' },
      { head: 'SLA', cell: ({ sla }) => sla ?? '-' },
      {
        head: 'CLUSTER',
        cell: placeText,
      },
      { head: 'STANDBY', cell: ({ standby }) => standby ?? '-' },
      { head: 'LOGLETS', cell: ({ loglets }) => String(loglets), align: 'right' },
      { head: 'BYTES IN', cell: ({ expected }) => rate(expected.bytesInPerSecond), align: 'right' },
      { head: 'MIGRATION', cell: ({ migration }) => migration ?? '-' },
      {
        head: 'DRIFT',
        cell: ({ drift }) => (drift.length === 0 ? '-' : String(drift.length)),
        align: 'right',
      },
    ],
    all,
    look,
  )
}

/** After a failover, and before a move, a topic is elsewhere than it is pinned to. */
function placeText({ cluster, pinnedTo }: TopicSummary): string {
  if (pinnedTo === null) return cluster
  return pinnedTo === cluster ? `${cluster} (pinned)` : `${cluster} (pinned to ${pinnedTo})`
}
