import type { MonitorEventSeen } from '@braid/control-api'
import type { Look } from './print.ts'
import { table } from './table.ts'

export const monitorEventsText = (all: readonly MonitorEventSeen[], look: Look): string =>
  all.length === 0
    ? 'no monitor has found anything: is one running? (`braid monitor`)\n'
    : table(
        [
          { head: 'AT', cell: ({ at }) => at },
          { head: 'SEVERITY', cell: ({ severity }) => severity },
          { head: 'KIND', cell: ({ kind }) => kind },
          { head: 'ABOUT', cell: about },
          { head: 'MONITOR', cell: ({ monitor }) => monitor },
          { head: 'DETAIL', cell: ({ detail }) => detail },
        ],
        all,
        look,
      )

/** What it is about, from the whole to the part: `cluster a`, `topic shop/orders, group readers`. */
function about({ cluster, accessPoint, tenant, topic, group }: MonitorEventSeen): string {
  const of = tenant === null || tenant === 'default' ? '' : `${tenant}/`
  const parts = [
    cluster === null ? [] : [`cluster ${cluster}`],
    accessPoint === null ? [] : [`access point ${accessPoint}`],
    topic === null ? [] : [`topic ${of}${topic}`],
    group === null ? [] : [`group ${topic === null ? of : ''}${group}`],
  ].flat()
  if (parts.length === 0 && tenant !== null) return `tenant ${tenant}`
  return parts.join(', ') || '-'
}
