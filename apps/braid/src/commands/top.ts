import type { Cluster, Migration, Operation } from '@braid/control-api'
import type { Command } from 'commander'
import { bytesInText, bytesOutText, partitionsText } from '../output/cluster-view.ts'
import { withExamples } from '../output/examples.ts'
import { countsText } from '../output/operation-view.ts'
import { type Look, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'
import { showOne } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { migrations } from './migration.ts'
import { integer } from './options.ts'

export interface TopData {
  readonly clusters: readonly Cluster[]
  readonly operations: readonly Operation[]
  readonly migrations: readonly Migration[]
}

const latestMax = 200

export function addTopCommand(braid: Command, session: Session): void {
  withExamples(
    withOutput(braid.command('top'))
      .description("live on a terminal: the clusters' load, and what moves; elsewhere once")
      .option('--interval <seconds>', 'how often to look', integer(1, 3600), 2)
      .option('--once', 'print it and end'),
    'braid top --once',
    'braid top --once -o json',
  ).action((options: { output: 'table' | 'json' | 'yaml'; interval: number; once?: boolean }) => {
    const watch = options.once !== true && session.io.stdout.isTTY
    return showOne<TopData>(
      session,
      { ...options, watch },
      async (client) => ({
        clusters: await client.clusters.list(),
        operations: (await client.operations.list({ limit: latestMax })).filter(goesOn),
        migrations: (await client.migrations.list({ limit: latestMax })).filter(
          ({ state }) => state === 'running' || state === 'undoing',
        ),
      }),
      topText,
    )
  })
}

const goesOn = ({ state }: Operation): boolean =>
  state === 'running' || state === 'paused' || state === 'cancelling'

export function topText({ clusters, operations, migrations: moving }: TopData, look: Look): string {
  const load = table(
    [
      { head: 'CLUSTER', cell: ({ name }) => name },
      { head: 'STATE', cell: ({ state }) => state },
      { head: 'FULL', cell: (cluster) => `${Math.round(100 * fullness(cluster))} %`, align: 'right' },
      { head: 'BYTES IN', cell: bytesInText, align: 'right' },
      { head: 'BYTES OUT', cell: bytesOutText, align: 'right' },
      { head: 'PARTITIONS', cell: partitionsText, align: 'right' },
      { head: 'TOPICS', cell: ({ topics }) => String(topics), align: 'right' },
    ],
    clusters.toSorted((a, b) => fullness(b) - fullness(a)),
    look,
  )
  const works = operations
    .map(({ title, state, counts }) => `${title}: ${state}, ${countsText(counts, state)}\n`)
    .join('')
  const moves = moving.length === 0 ? 'nothing moves\n' : migrations(moving, look)
  return `${load}\n${works}${works === '' ? '' : '\n'}${moves}`
}

/** By what it has least of. */
function fullness({ load, capacity }: Cluster): number {
  const share = (used: number, limit: number | null): number =>
    limit === null || limit === 0 ? 0 : used / limit
  return Math.max(
    share(load.bytesInPerSecond, capacity.bytesInPerSecond),
    share(load.bytesOutPerSecond, capacity.bytesOutPerSecond),
    share(load.partitions, capacity.partitions),
  )
}
