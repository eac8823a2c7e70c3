import type { Cluster } from '@braid/control-api'
import type { Command } from 'commander'
import { parseBootstrap } from '../address.ts'
import { ask } from '../control-plane-calls.ts'
import type { Io } from '../io.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'
import { integer } from './options.ts'

export function addClusterCommands(braid: Command, io: Io): void {
  const noun = braid.command('cluster').description('register and list Kafka clusters')

  withExamples(
    withOutput(noun.command('list')).description('all clusters'),
    'braid cluster list',
    'braid cluster list -o json',
  ).action(async (options: OutputOptions) => {
    print(io, options.output, await ask(io, (client) => client.clusters.list()), clusters)
  })

  withExamples(
    withOutput(noun.command('add <name> <bootstrap>'))
      .description('register a cluster; the first one becomes home, which coordinates the groups')
      .option('--partitions-max <count>', 'how many partitions it has room for', integer(1, 10_000_000)),
    'braid cluster add a 127.0.0.1:19092',
    'braid cluster add b kafka-1:9092,kafka-2:9092 --partitions-max 4000',
  ).action(async (name: string, bootstrap: string, options: OutputOptions & { partitionsMax?: number }) => {
    const { partitionsMax } = options
    const addresses = parseBootstrap(bootstrap, `cluster ${name}`)
    const cluster = await ask(io, (client) =>
      client.clusters.register({
        name,
        bootstrap: addresses,
        ...(partitionsMax !== undefined && { capacity: { partitions: partitionsMax } }),
      }),
    )
    print(io, options.output, cluster, (added) =>
      added.homeOf.length > 0
        ? `cluster ${added.name} is registered, and is home: it coordinates the consumer groups\n`
        : `cluster ${added.name} is registered\n`,
    )
  })

  withExamples(
    noun
      .command('remove <name>')
      .description('forget a cluster on which no topic lives; nothing on it is touched'),
    'braid cluster remove b',
  ).action(async (name: string) => {
    await ask(io, (client) => client.clusters.remove(name))
    io.stdout.write(`cluster ${name} is removed\n`)
  })
}

const clusters = (all: readonly Cluster[]): string =>
  all.length === 0
    ? 'no clusters yet: `braid cluster add NAME host:port`\n'
    : table(
        [
          { head: 'CLUSTER', cell: (cluster) => cluster.name },
          { head: 'HOME', cell: (cluster) => (cluster.homeOf.length > 0 ? 'yes' : '-') },
          { head: 'LOGLETS', cell: (cluster) => String(cluster.loglets), align: 'right' },
          {
            head: 'PARTITIONS MAX',
            cell: (cluster) => String(cluster.capacity.partitions ?? '-'),
            align: 'right',
          },
          { head: 'BOOTSTRAP', cell: (cluster) => cluster.bootstrap.join(',') },
        ],
        all,
      )
