import type { Tenant, TenantSpec } from '@braid/control-api'
import { shortText, topicName } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { usage } from '../failure.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { tenantsText, tenantText } from '../output/tenant-view.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { unlessUnknown } from './known.ts'
import { argumentOf, optionOf, parserOf } from './names.ts'
import {
  durationOption,
  fits,
  integer,
  limitOf,
  listOf,
  type None,
  orNone,
  rateOption,
  withDryRun,
} from './options.ts'

interface TenantFlags extends OutputOptions {
  home?: string
  standbyHome?: string | None
  description?: string
  topicsMax?: number | None
  partitionsMax?: number | None
  bytesInMax?: number | None
  sla?: string[]
  partitionsPerTopicMax?: number | None
  retentionMax?: number | None
  topicPrefix?: string | None
  owner?: string[]
  approver?: string[]
  dryRun?: boolean
}

export function addTenantCommands(braid: Command, session: Session): void {
  const noun = braid.command('tenant').description('teams: their home, quotas and who decides')

  withExamples(
    withWatch(withNames(noun.command('list'))).description('all tenants that you see, and what they use'),
    'braid tenant list',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.tenants.list(), {
      readable: tenantsText,
      key: ({ name }) => name,
    }),
  )

  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('a tenant')
      .addArgument(argumentOf('tenant')),
    'braid tenant show shop',
  ).action((name: string, options: WatchOptions) =>
    showOne(session, options, (client) => client.tenants.get(name), tenantText),
  )

  addSet(noun, session)

  withExamples(
    withDryRun(noun.command('remove'))
      .description('remove a tenant that has no topics')
      .addArgument(argumentOf('tenant')),
    'braid tenant remove shop',
  ).action(async (name: string, options: { dryRun?: boolean }) => {
    await ask(session, (client) => client.tenants.remove(name, options))
    session.io.stdout.write(`tenant ${name} ${options.dryRun === true ? 'could be' : 'is'} removed\n`)
  })
}

function addSet(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withOutput(noun.command('set')))
      .description('make or change a tenant; what is not named stays')
      .addArgument(argumentOf('tenant'))
      .addOption(optionOf('--home', 'cluster', 'coordinates its groups, and stays what it is'))
      .option(
        '--standby-home <cluster>',
        'where its groups would go on; none: nowhere',
        orNone(parserOf('cluster')),
      )
      .option('--description <text>', 'for people', fits(shortText))
      .option('--topics-max <count>', 'topics without asking; none: no limit', orNone(integer(0, 1_000_000)))
      .option(
        '--partitions-max <count>',
        'partitions without asking; none: no limit',
        orNone(integer(0, 10_000_000)),
      )
      .option(
        '--bytes-in-max <rate>',
        'what its topics expect together, as 50MB/s; none: no limit',
        orNone(rateOption),
      )
      .option(
        '--sla <sla>',
        'an SLA class that it may take freely; repeated: all of these',
        listOf(parserOf('sla')),
      )
      .option(
        '--partitions-per-topic-max <count>',
        'without asking; none: no limit',
        orNone(integer(1, 100_000)),
      )
      .option('--retention-max <duration>', 'without asking, as 7d; none: no limit', orNone(durationOption))
      .option(
        '--topic-prefix <prefix>',
        'what names of its topics begin with; none: anything',
        orNone(fits(topicName)),
      )
      .option(
        '--owner <principal>',
        'has the role owner; repeated: all of these',
        listOf(parserOf('principal')),
      )
      .option(
        '--approver <principal>',
        'decides on requests; repeated: all of these',
        listOf(parserOf('principal')),
      ),
    'braid tenant set shop --home eu-1 --owner user:ann --approver user:bo --topics-max 50 --bytes-in-max 20MB/s',
    'braid tenant set shop --topic-prefix shop. --retention-max 7d --sla gold --sla silver',
    'braid tenant set shop --topics-max none --dry-run',
  ).action(async (name: string, options: TenantFlags) => {
    const tenant = await ask(session, async (client) => {
      const before = await unlessUnknown('UNKNOWN_TENANT', client.tenants.get(name))
      return client.tenants.put(specOf(name, options, before), { dryRun: options.dryRun })
    })
    const heading = `tenant ${name} ${options.dryRun === true ? 'would be' : 'is'} set\n`
    print(session.io, options.output, tenant, (set) => heading + tenantText(set))
  })
}

function specOf(name: string, options: TenantFlags, before: Tenant | undefined): TenantSpec {
  const home = options.home ?? before?.home
  if (home === undefined) {
    throw usage(
      `tenant ${name} is new: which cluster is its home?`,
      'name it: --home CLUSTER; see `braid cluster list`',
    )
  }
  const description = options.description ?? before?.description ?? undefined
  const now = <T>(option: T | None | undefined, was: T | null | undefined): T | null =>
    option === undefined ? (was ?? null) : limitOf(option)
  return {
    name,
    home,
    ...(description !== undefined && { description }),
    standbyHome: now(options.standbyHome, before?.standbyHome),
    quotas: {
      topicsMax: now(options.topicsMax, before?.quotas.topicsMax),
      partitionsMax: now(options.partitionsMax, before?.quotas.partitionsMax),
      bytesInPerSecondMax: now(options.bytesInMax, before?.quotas.bytesInPerSecondMax),
    },
    policy: {
      slas: now<string[]>(options.sla, before?.policy.slas),
      partitionsPerTopicMax: now(options.partitionsPerTopicMax, before?.policy.partitionsPerTopicMax),
      retentionMaxMs: now(options.retentionMax, before?.policy.retentionMaxMs),
      topicPrefix: now(options.topicPrefix, before?.policy.topicPrefix),
    },
    owners: options.owner ?? before?.owners ?? [],
    approvers: options.approver ?? before?.approvers ?? [],
  }
}
