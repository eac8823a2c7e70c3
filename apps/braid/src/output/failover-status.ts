import type { ClusterHealth, ClusterVote, FailoverSettings, FailoverStatus } from '@braid/control-api'
import { duration } from './duration.ts'
import { failoverCounts, failoverTitle } from './failover-view.ts'
import type { Colour, Look } from './print.ts'
import { table } from './table.ts'

const colours: Readonly<Record<ClusterHealth['state'], Colour>> = {
  up: 'green',
  suspected: 'yellow',
  down: 'red',
  'given-up': 'red',
  returning: 'cyan',
}

/** Clusters with what is thought of them, the votes where they are not all of one mind, and what goes on. */
export function failoverStatusText(
  { settings, clusters, quietUntil, underway }: FailoverStatus,
  look: Look,
  allVotes = false,
): string {
  const parts = [settingsText(settings) + (settings.automatic ? quietText(quietUntil) : '')]
  if (clusters.length > 0) parts.push(table(columns, clusters, look))
  for (const health of clusters) {
    const { cluster, state, votes } = health
    const heard = votes.some((vote) => vote.state === 'down') || state !== 'up'
    if (votes.length === 0 || !(allVotes || heard)) continue
    parts.push(`${look.paint(colours[state], cluster)} as it is seen by\n${votesText(votes, look)}`)
  }
  for (const failover of underway) {
    parts.push(
      `${failoverTitle(failover)}: ${failover.state}, step ${failover.step}, ${failoverCounts(failover)}\n`,
    )
  }
  return parts.join('\n')
}

export function settingsText({ automatic, quietMs, downForMs }: FailoverSettings): string {
  if (!automatic)
    return 'automatic failover is off: a cluster is given up when somebody says so (`braid failover CLUSTER`)\n'
  const quiet = quietMs === 0 ? 'any number of clusters' : `then no other cluster for ${duration(quietMs)}`
  return `automatic failover is on: a cluster that is down for ${duration(downForMs)} is given up, ${quiet}\n`
}

const quietText = (until: string | null): string =>
  until === null ? '' : `until ${until} no further cluster is given up automatically\n`

const columns = [
  { head: 'CLUSTER', cell: ({ cluster }: ClusterHealth) => cluster },
  { head: 'STATE', cell: ({ state }: ClusterHealth) => state },
  { head: 'LEASED TOPICS', cell: ({ topics }: ClusterHealth) => String(topics), align: 'right' as const },
  { head: 'SEEN', cell: ({ votes }: ClusterHealth) => seenText(votes) },
  { head: 'VERDICT', cell: ({ verdict }: ClusterHealth) => verdict },
]

/** `3 up, 1 down`: how many say what. */
function seenText(votes: readonly ClusterVote[]): string {
  const counts = (['up', 'down', 'unknown'] as const).map((state) => {
    const count = votes.filter((vote) => vote.state === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  return counts.flat().join(', ') || 'nobody has looked yet'
}

const votesText = (votes: readonly ClusterVote[], look: Look): string =>
  table(
    [
      { head: 'VANTAGE POINT', cell: ({ by }) => by },
      { head: 'SEES IT', cell: ({ state }) => state },
      { head: 'FOR', cell: ({ forMs }) => duration(forMs), align: 'right' },
      { head: 'DETAIL', cell: ({ detail }) => detail ?? '-' },
    ],
    votes,
    look,
  )
