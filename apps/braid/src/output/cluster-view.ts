import type { Cluster } from '@braid/control-api'
import type { Look } from './print.ts'
import { counted, ofLimit, rate } from './quantity.ts'
import { fields, table } from './table.ts'

export const clustersText = (all: readonly Cluster[], look: Look): string =>
  all.length === 0
    ? 'no clusters yet: `braid cluster add NAME host:port`\n'
    : table(
        [
          { head: 'CLUSTER', cell: ({ name }) => name },
          { head: 'STATE', cell: ({ state }) => state },
          { head: 'TIER', cell: tierText },
          { head: 'HOME', cell: ({ homeOf }) => (homeOf.length > 0 ? 'yes' : '-') },
          { head: 'TOPICS', cell: ({ topics }) => String(topics), align: 'right' },
          { head: 'BYTES IN', cell: bytesInText, align: 'right' },
          { head: 'PARTITIONS', cell: partitionsText, align: 'right' },
          { head: 'BOOTSTRAP', cell: ({ bootstrap }) => bootstrap.join(',') },
        ],
        all,
        look,
      )

export const clusterText = (cluster: Cluster): string =>
  fields([
    ['cluster', cluster.name],
    ['state', cluster.state],
    ['tier', tierText(cluster)],
    ['bootstrap', cluster.bootstrap.join(',')],
    ['security', cluster.security?.protocol ?? 'PLAINTEXT'],
    ['cluster id', cluster.clusterId],
    ['number', String(cluster.number)],
    ['home of', cluster.homeOf.join(', ') || '-'],
    ['labels', labelsText(cluster.labels)],
    ['bytes in', bytesInText(cluster)],
    ['bytes out', bytesOutText(cluster)],
    ['partitions', partitionsText(cluster)],
    ['topics', `${cluster.topics}, ${counted(cluster.loglets, 'loglet')}`],
    ['registered', cluster.registeredAt],
  ])

const tierText = ({ tier, dedicatedTo }: Cluster): string =>
  dedicatedTo === null ? tier : `${tier} to ${dedicatedTo}`

export const bytesInText = ({ load, capacity }: Cluster): string =>
  ofLimit(load.bytesInPerSecond, capacity.bytesInPerSecond, rate)

export const bytesOutText = ({ load, capacity }: Cluster): string =>
  ofLimit(load.bytesOutPerSecond, capacity.bytesOutPerSecond, rate)

export const partitionsText = ({ load, capacity }: Cluster): string =>
  ofLimit(load.partitions, capacity.partitions)

export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ') || '-'
