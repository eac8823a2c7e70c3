import type { Cluster, ClusterUpdate } from '@braid/control-api'
import { type Command, Option } from 'commander'
import { parseBootstrap } from '../address.ts'
import { ask } from '../control-plane-calls.ts'
import { usage } from '../failure.ts'
import { clustersText, clusterText } from '../output/cluster-view.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { readSecurity } from './cluster-security.ts'
import { addDrainCommand } from './drain.ts'
import { addReturn } from './failover-start.ts'
import { argumentOf, optionOf } from './names.ts'
import { integer, keyValue, limitOf, type None, orNone, rateOption, withDryRun } from './options.ts'

interface ClusterFlags {
  tier?: 'shared' | 'dedicated' | 'read'
  dedicatedTo?: string
  label?: Record<string, string>
  bytesInMax?: number | None
  bytesOutMax?: number | None
  partitionsMax?: number | None
  securityFile?: string
}

type Flags = ClusterFlags & OutputOptions & { dryRun?: boolean }

const withClusterFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        '--tier <tier>',
        'shared: topics of all tenants; dedicated: of one; read: replicas for readers',
      ).choices(['shared', 'dedicated', 'read']),
    )
    .addOption(optionOf('--dedicated-to', 'tenant', 'whose topics it takes; makes it a dedicated cluster'))
    .option(
      '--label <name=value>',
      'for example region=eu-1, failure-domain=rack-7; may be repeated',
      keyValue,
    )
    .option(
      '--bytes-in-max <rate>',
      'what producers may write to it, as 50MB/s; none: no limit',
      orNone(rateOption),
    )
    .option(
      '--bytes-out-max <rate>',
      'what it may send to readers and replicas; none: no limit',
      orNone(rateOption),
    )
    .option(
      '--partitions-max <count>',
      'how many replicas of partitions it has room for; none: no limit',
      orNone(integer(1, 10_000_000)),
    )
    .option(
      '--security-file <file>',
      'how it is connected to: YAML with protocol, sasl and tls; secrets by reference',
    )

export function addClusterCommands(braid: Command, session: Session): void {
  const noun = braid
    .command('cluster')
    .description('register, change, empty, list Kafka clusters, and take lost ones back')
  addList(noun, session)
  addShow(noun, session)
  addAdd(noun, session)
  addUpdate(noun, session)
  addRemove(noun, session)
  addCordon(noun, session)
  addDrainCommand(noun, session)
  addReturn(noun, session)
}

function addList(noun: Command, session: Session): void {
  withExamples(
    withWatch(withNames(noun.command('list'))).description('all clusters, with their state and load'),
    'braid cluster list',
    'braid cluster list -o json',
    'braid cluster list --watch --interval 5',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.clusters.list(), {
      readable: clustersText,
      key: ({ name }) => name,
    }),
  )
}

function addShow(noun: Command, session: Session): void {
  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('a cluster: addresses, labels, capacity and load')
      .addArgument(argumentOf('cluster')),
    'braid cluster show eu-1',
  ).action((name: string, options: WatchOptions) =>
    showOne(session, options, (client) => client.clusters.get(name), clusterText),
  )
}

function addAdd(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withClusterFlags(withOutput(noun.command('add'))))
      .description('register a cluster; the first one becomes home, which coordinates the groups')
      .addArgument(argumentOf('cluster'))
      .argument('<bootstrap>', 'host:port of its brokers, comma separated'),
    'braid cluster add a 127.0.0.1:19092',
    'braid cluster add eu-1 kafka-1:9092,kafka-2:9092 --label region=eu-1 --bytes-in-max 50MB/s --partitions-max 4000',
    'braid cluster add eu-2 kafka-6:9093 --security-file eu-2-security.yaml',
    'braid cluster add shop-1 kafka-3:9092 --dedicated-to shop --dry-run',
  ).action(async (name: string, bootstrap: string, options: Flags) => {
    const addresses = parseBootstrap(bootstrap, `cluster ${name}`)
    const { tier, dedicatedTo } = options
    const security = await securityOf(options)
    const cluster = await ask(session, (client) =>
      client.clusters.register(
        {
          name,
          bootstrap: addresses,
          ...placeOf(tier, dedicatedTo),
          ...(options.label !== undefined && { labels: options.label }),
          capacity: capacityOf(options),
          ...security,
        },
        { dryRun: options.dryRun },
      ),
    )
    const done = options.dryRun === true ? 'could be registered' : 'is registered'
    print(session.io, options.output, cluster, (added) =>
      added.homeOf.length > 0
        ? `cluster ${added.name} ${done}, and is home: it coordinates the consumer groups\n`
        : `cluster ${added.name} ${done}\n`,
    )
  })
}

function addUpdate(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withClusterFlags(withOutput(noun.command('update'))))
      .description('change addresses, tier, labels or capacity; what is not named stays')
      .addArgument(argumentOf('cluster'))
      .option('--bootstrap <host:port,...>', 'where its brokers are now; the same cluster must answer there')
      .option('--remove-label <name...>', 'labels to take away'),
    'braid cluster update eu-1 --bytes-in-max 80MB/s',
    'braid cluster update eu-1 --label region=eu-2 --remove-label rack --dry-run',
    'braid cluster update eu-1 --bootstrap kafka-4:9092,kafka-5:9092',
  ).action(async (name: string, options: Flags & { bootstrap?: string; removeLabel?: string[] }) => {
    const bootstrap =
      options.bootstrap === undefined ? undefined : parseBootstrap(options.bootstrap, '--bootstrap')
    const security = await securityOf(options)
    const cluster = await ask(session, async (client) => {
      const update = { ...changeOf(options, bootstrap, await client.clusters.get(name)), ...security }
      if (Object.keys(update).length === 0)
        throw usage('nothing to change was named', 'see `braid cluster update --help`')
      return client.clusters.update(name, update, { dryRun: options.dryRun })
    })
    const heading = `cluster ${name} ${options.dryRun === true ? 'would be changed' : 'is changed'}\n`
    print(session.io, options.output, cluster, (changed) => heading + clusterText(changed))
  })
}

/** Capacity and labels are replaced as a whole by the API: what is not named is what it was. */
function changeOf(
  options: Flags & { removeLabel?: string[] },
  bootstrap: string[] | undefined,
  before: Cluster,
): ClusterUpdate {
  const { tier, dedicatedTo, label, removeLabel = [] } = options
  const capacity = capacityOf(options)
  const labels = Object.fromEntries(
    Object.entries({ ...before.labels, ...label }).filter(([key]) => !removeLabel.includes(key)),
  )
  return {
    ...(bootstrap !== undefined && { bootstrap }),
    ...placeOf(tier, dedicatedTo),
    ...((label !== undefined || removeLabel.length > 0) && { labels }),
    ...(Object.keys(capacity).length > 0 && { capacity: { ...before.capacity, ...capacity } }),
  }
}

/** A cluster is dedicated when, and only when, it says to whom. */
function placeOf(
  tier: Flags['tier'],
  dedicatedTo: string | undefined,
): Pick<ClusterUpdate, 'tier' | 'dedicatedTo'> {
  if (dedicatedTo !== undefined) {
    if (tier !== undefined && tier !== 'dedicated')
      throw usage(`--dedicated-to goes with --tier dedicated, not ${tier}`)
    return { tier: 'dedicated', dedicatedTo }
  }
  if (tier === 'dedicated')
    throw usage('--tier dedicated: to whom?', 'name the tenant: --dedicated-to TENANT')
  return tier === undefined ? {} : { tier, dedicatedTo: null }
}

const securityOf = async ({ securityFile }: ClusterFlags) =>
  securityFile === undefined ? {} : { security: await readSecurity(securityFile) }

const capacityOf = ({ bytesInMax, bytesOutMax, partitionsMax }: ClusterFlags) => ({
  ...(bytesInMax !== undefined && { bytesInPerSecond: limitOf(bytesInMax) }),
  ...(bytesOutMax !== undefined && { bytesOutPerSecond: limitOf(bytesOutMax) }),
  ...(partitionsMax !== undefined && { partitions: limitOf(partitionsMax) }),
})

function addRemove(noun: Command, session: Session): void {
  withExamples(
    withDryRun(noun.command('remove'))
      .description('forget a cluster on which no topic lives; nothing on it is touched')
      .addArgument(argumentOf('cluster')),
    'braid cluster remove b',
  ).action(async (name: string, options: { dryRun?: boolean }) => {
    await ask(session, (client) => client.clusters.remove(name, options))
    session.io.stdout.write(`cluster ${name} ${options.dryRun === true ? 'could be' : 'is'} removed\n`)
  })
}

function addCordon(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withOutput(noun.command('cordon')))
      .description('place no new topics there; what is there stays')
      .addArgument(argumentOf('cluster')),
    'braid cluster cordon eu-1',
  ).action(async (name: string, options: OutputOptions & { dryRun?: boolean }) => {
    const cluster = await ask(session, (client) => client.clusters.cordon(name, options))
    const done = options.dryRun === true ? 'would be' : 'is'
    print(
      session.io,
      options.output,
      cluster,
      () => `cluster ${name} ${done} cordoned: it takes no new topics\n`,
    )
  })
  withExamples(
    withDryRun(withOutput(noun.command('uncordon')))
      .description('place topics there again')
      .addArgument(argumentOf('cluster')),
    'braid cluster uncordon eu-1',
  ).action(async (name: string, options: OutputOptions & { dryRun?: boolean }) => {
    const cluster = await ask(session, (client) => client.clusters.uncordon(name, options))
    const done = options.dryRun === true ? 'would take' : 'takes'
    print(session.io, options.output, cluster, () => `cluster ${name} ${done} topics again\n`)
  })
}
