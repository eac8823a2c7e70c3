import type { Tenant } from '@braid/control-api'
import { duration } from './duration.ts'
import type { Look } from './print.ts'
import { ofLimit, rate } from './quantity.ts'
import { fields, table } from './table.ts'

export const tenantsText = (all: readonly Tenant[], look: Look): string =>
  all.length === 0
    ? 'no tenants yet: the first is made with the first cluster, `braid cluster add NAME host:port`\n'
    : table(
        [
          { head: 'TENANT', cell: ({ name }) => name },
          { head: 'HOME', cell: ({ home }) => home },
          { head: 'TOPICS', cell: topics, align: 'right' },
          { head: 'PARTITIONS', cell: partitions, align: 'right' },
          { head: 'BYTES IN', cell: bytesIn, align: 'right' },
          { head: 'OWNERS', cell: ({ owners }) => owners.join(', ') || '-' },
          { head: 'DESCRIPTION', cell: ({ description }) => description ?? '' },
        ],
        all,
        look,
      )

const topics = ({ usage, quotas }: Tenant): string => ofLimit(usage.topics, quotas.topicsMax)
const partitions = ({ usage, quotas }: Tenant): string => ofLimit(usage.partitions, quotas.partitionsMax)
const bytesIn = ({ usage, quotas }: Tenant): string =>
  ofLimit(usage.bytesInPerSecond, quotas.bytesInPerSecondMax, rate)

export function tenantText(tenant: Tenant): string {
  const { policy } = tenant
  return fields([
    ['tenant', tenant.name],
    ['description', tenant.description ?? '-'],
    ['home', tenant.home],
    ['standby home', tenant.standbyHome ?? '-'],
    ['topics', topics(tenant)],
    ['partitions', partitions(tenant)],
    ['bytes in', bytesIn(tenant)],
    ['SLA classes', policy.slas === null ? 'all' : policy.slas.join(', ') || 'none without asking'],
    [
      'partitions per topic',
      policy.partitionsPerTopicMax === null ? 'no limit' : `${policy.partitionsPerTopicMax} at most`,
    ],
    ['retention', policy.retentionMaxMs === null ? 'no limit' : `${duration(policy.retentionMaxMs)} at most`],
    ['topic names', policy.topicPrefix === null ? 'any' : `begin with ${policy.topicPrefix}`],
    ['owners', tenant.owners.join(', ') || '-'],
    ['approvers', tenant.approvers.join(', ') || 'operators'],
  ])
}
