import type { Sla } from '@braid/control-api'
import { labelsText } from './cluster-view.ts'
import { duration } from './duration.ts'
import type { Look } from './print.ts'
import { fields, table } from './table.ts'

export const slasText = (all: readonly Sla[], look: Look): string =>
  all.length === 0
    ? 'no SLA classes yet: `braid sla set NAME`\n'
    : table(
        [
          { head: 'SLA', cell: ({ name }) => name },
          { head: 'FAILOVER', cell: ({ availability }) => availability.failover },
          { head: 'REPLICAS', cell: ({ durability }) => replicas(durability), align: 'right' },
          { head: 'DEDICATED', cell: ({ latency }) => (latency.dedicated ? 'yes' : '-') },
          { head: 'LABELS', cell: ({ latency }) => labelsText(latency.labels) },
          { head: 'RETENTION MAX', cell: retention, align: 'right' },
          { head: 'TOPICS', cell: ({ topics }) => String(topics), align: 'right' },
          { head: 'DESCRIPTION', cell: ({ description }) => description ?? '' },
        ],
        all,
        look,
      )

const replicas = ({ replicationFactor, minInSyncReplicas }: Sla['durability']): string =>
  `${replicationFactor}, ${minInSyncReplicas} in sync`

const retention = ({ retentionMaxMs }: Sla): string =>
  retentionMaxMs === null ? '-' : duration(retentionMaxMs)

export const slaText = (sla: Sla): string =>
  fields([
    ['SLA class', sla.name],
    ['description', sla.description ?? '-'],
    ['failover', sla.availability.failover],
    ['replicas', `${replicas(sla.durability)}${sla.durability.dual ? ', on two clusters' : ''}`],
    ['dedicated', sla.latency.dedicated ? 'yes' : 'no'],
    ['labels', labelsText(sla.latency.labels)],
    ['retention max', retention(sla)],
    ['topics', String(sla.topics)],
  ])
