import type { Sla } from '@braid/control-api'
import { shortText } from '@braid/control-api'
import { type Command, Option } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { slasText, slaText } from '../output/sla-view.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { unlessUnknown } from './known.ts'
import { argumentOf } from './names.ts'
import { durationOption, fits, integer, keyValue, limitOf, type None, orNone, withDryRun } from './options.ts'

interface SlaFlags extends OutputOptions {
  description?: string
  failover?: 'none' | 'strict' | 'available'
  replicationFactor?: number
  minInSync?: number
  dedicated?: boolean
  label?: Record<string, string>
  retentionMax?: number | None
  dryRun?: boolean
}

export function addSlaCommands(braid: Command, session: Session): void {
  const noun = braid.command('sla').description('classes of topics: what they are promised')

  withExamples(
    withWatch(withNames(noun.command('list'))).description('all SLA classes'),
    'braid sla list',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.slas.list(), {
      readable: slasText,
      key: ({ name }) => name,
    }),
  )

  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('an SLA class')
      .addArgument(argumentOf('sla')),
    'braid sla show gold',
  ).action((name: string, options: WatchOptions) =>
    showOne(session, options, (client) => client.slas.get(name), slaText),
  )

  addSet(noun, session)

  withExamples(
    withDryRun(noun.command('remove'))
      .description('remove an SLA class that no topic has')
      .addArgument(argumentOf('sla')),
    'braid sla remove bronze',
  ).action(async (name: string, options: { dryRun?: boolean }) => {
    await ask(session, (client) => client.slas.remove(name, options))
    session.io.stdout.write(`SLA class ${name} ${options.dryRun === true ? 'could be' : 'is'} removed\n`)
  })
}

function addSet(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withOutput(noun.command('set')))
      .description('make or change an SLA class; what is not named stays')
      .addArgument(argumentOf('sla'))
      .option('--description <text>', 'for people', fits(shortText))
      .addOption(
        new Option(
          '--failover <how>',
          'when the cluster is lost: none waits for it; strict goes on elsewhere and keeps the order; available goes on at once',
        ).choices(['none', 'strict', 'available']),
      )
      .option('--replication-factor <count>', 'replicas of each partition', integer(1, 32))
      .option('--min-in-sync <count>', 'replicas that must have a record', integer(1, 32))
      .option('--dedicated', "only on clusters dedicated to the topic's tenant")
      .option('--no-dedicated', 'also on shared clusters')
      .option('--label <name=value>', 'only on clusters that have it; may be repeated', keyValue)
      .option(
        '--retention-max <duration>',
        'the longest retention of its topics, as 7d; none: no limit',
        orNone(durationOption),
      ),
    'braid sla set gold --failover strict --replication-factor 3 --min-in-sync 2 --retention-max 7d',
    'braid sla set eu --label region=eu-1 --description "stays in the EU"',
    'braid sla set gold --retention-max none --dry-run',
  ).action(async (name: string, options: SlaFlags) => {
    const sla = await ask(session, async (client) => {
      const before = await unlessUnknown('UNKNOWN_SLA', client.slas.get(name))
      return client.slas.put(specOf(name, options, before), { dryRun: options.dryRun })
    })
    const heading = `SLA class ${name} ${options.dryRun === true ? 'would be' : 'is'} set\n`
    print(session.io, options.output, sla, (set) => heading + slaText(set))
  })
}

const specOf = (name: string, options: SlaFlags, before: Sla | undefined) => {
  const description = options.description ?? before?.description ?? undefined
  return {
    name,
    ...(description !== undefined && { description }),
    availability: { ...before?.availability, ...(options.failover && { failover: options.failover }) },
    durability: {
      ...before?.durability,
      ...(options.replicationFactor !== undefined && { replicationFactor: options.replicationFactor }),
      ...(options.minInSync !== undefined && { minInSyncReplicas: options.minInSync }),
    },
    latency: {
      ...before?.latency,
      ...(options.dedicated !== undefined && { dedicated: options.dedicated }),
      ...(options.label !== undefined && { labels: { ...before?.latency.labels, ...options.label } }),
    },
    retentionMaxMs:
      options.retentionMax === undefined ? (before?.retentionMaxMs ?? null) : limitOf(options.retentionMax),
  }
}
