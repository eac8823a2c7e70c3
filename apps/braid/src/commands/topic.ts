import type { Topic, TopicCreated, TopicUpdate } from '@braid/control-api'
import { shortText } from '@braid/control-api'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import { ask } from '../control-plane-calls.ts'
import { usage } from '../failure.ts'
import { chains } from '../output/chains.ts'
import { withExamples } from '../output/examples.ts'
import { placementText } from '../output/placement.ts'
import { type Look, type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { counted } from '../output/quantity.ts'
import { topicsText } from '../output/topics-view.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { argumentOf, optionOf } from './names.ts'
import { fits, integer, keyValue, rateOption, withDryRun, withYes } from './options.ts'
import { addAbandon } from './topic-abandon.ts'
import { type WishFlags, wishOf, withWish } from './topic-flags.ts'

export function addTopicCommands(braid: Command, session: Session): void {
  const noun = braid
    .command('topic')
    .description('create, adopt, show, change, delete topics, and give up what is lost of one')
  addCreate(noun, session)
  addAdopt(noun, session)
  addList(noun, session)
  addShow(noun, session)
  addUpdate(noun, session)
  addDelete(noun, session)
  addAbandon(noun, session)
}

function addCreate(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withWish(withOutput(noun.command('create'))))
      .description('create a topic where placement puts it; --dry-run explains where and why')
      .addArgument(argumentOf('topic'))
      .addOption(optionOf('--cluster', 'cluster', 'pin it there (default: placement decides)')),
    'braid topic create payments --sla gold --bytes-in 5MB/s --readers 6 --dry-run',
    'braid topic create orders --partitions 12 --cluster a',
    'braid topic create audit --partitions 3 --config retention.ms=86400000 --config min.insync.replicas=2',
    'braid topic create clicks --tenant shop --owner "team web" --contact web@shop.example',
  ).action(
    async (name: string, options: WishFlags & OutputOptions & { cluster?: string; dryRun?: boolean }) => {
      const { cluster, dryRun } = options
      const body = { ...wishOf(name, options), ...(cluster !== undefined && { cluster }) }
      const answer = await ask(session, (client, { tenant }) =>
        client.topics.create(body, { tenant, dryRun }),
      )
      print(session.io, options.output, answer, (created, look) =>
        created.topic === null
          ? wouldCreate(name, body.partitions, created, look)
          : createdText(created.topic, created),
      )
    },
  )
}

const wouldCreate = (name: string, partitions: number, { placement }: TopicCreated, look: Look): string =>
  `topic ${name} would be created with ${counted(partitions, 'partition')} on ${placement.cluster}\n${placementText(placement, look)}`

const createdText = (topic: Topic, { placement }: TopicCreated): string =>
  `topic ${topic.name} is created: ${count(topic)} on ${topic.cluster}, as ${topic.physicalTopic}\n` +
  placement.reasons.map((reason) => `  ${reason}\n`).join('')

const count = ({ partitions }: { partitions: number }): string => counted(partitions, 'partition')

function addAdopt(noun: Command, session: Session): void {
  withExamples(
    withOutput(noun.command('adopt'))
      .description('take over a topic that a cluster has: its offsets and groups stay valid')
      .addArgument(argumentOf('topic'))
      .addOption(optionOf('--cluster', 'cluster', 'the cluster that has it').makeOptionMandatory())
      .addOption(optionOf('--sla', 'sla', 'its SLA class from now on'))
      .option('--bytes-in <rate>', 'what producers write, as 5MB/s', rateOption)
      .option('--readers <count>', 'consumer groups that read all of it', integer(0, 100_000))
      .option('--owner <text>', 'whose it is', fits(shortText))
      .option('--contact <text>', 'whom to ask', fits(shortText)),
    'braid topic adopt existing-topic --cluster a',
    'braid topic adopt invoices --cluster a --sla gold --bytes-in 300KB/s --tenant shop',
  ).action(async (name: string, options: WishFlags & OutputOptions & { cluster: string }) => {
    const { partitions: _, ...wish } = wishOf(name, options)
    const topic = await ask(session, (client, { tenant }) =>
      client.topics.adopt({ ...wish, cluster: options.cluster }, { tenant }),
    )
    print(session.io, options.output, topic, adopted)
  })
}

const adopted = (topic: Topic): string =>
  `topic ${topic.name} is adopted: ${count(topic)} on ${topic.cluster}; offsets and commits stay valid\n` +
  'point its clients at a listener before you move it: who writes past it is refused after a seal\n'

function addList(noun: Command, session: Session): void {
  withExamples(
    withWatch(withNames(noun.command('list')))
      .description('all topics of a tenant, and where they are')
      .option('-A, --all-tenants', 'of every tenant that you see'),
    'braid topic list',
    'braid topic list -o json',
    'braid topic list --all-tenants --watch',
    'braid topic list --tenant shop -o name',
  ).action((options: WatchOptions & { allTenants?: boolean }) =>
    showRows(
      session,
      options,
      async (client, { tenant }) => {
        const tenants =
          options.allTenants === true ? (await client.tenants.list()).map(({ name }) => name) : [tenant]
        const lists = []
        for (const name of tenants) lists.push(await client.topics.list({ tenant: name }))
        return lists.flat()
      },
      {
        readable: (rows, look) => topicsText(rows, look, options.allTenants === true),
        key: ({ tenant, name }) => (options.allTenants === true ? `${tenant}/${name}` : name),
      },
    ),
  )
}

function addShow(noun: Command, session: Session): void {
  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description("a topic's chains, cluster by cluster; what it should be, and what differs")
      .addArgument(argumentOf('topic'))
      .option('--all', 'every loglet of a long chain'),
    'braid topic show orders',
    'braid topic show orders -o yaml',
    'braid topic show orders --watch',
  ).action((name: string, options: WatchOptions & { all?: boolean }) =>
    showOne(
      session,
      options,
      (client, { tenant }) => client.topics.get(name, { tenant, logEnds: true }),
      (topic) => chains(topic, options.all === true ? 'all' : 'latest'),
    ),
  )
}

interface UpdateFlags extends Omit<WishFlags, 'replicationFactor'>, OutputOptions {
  cluster?: string
  unpin?: boolean
  removeConfig?: string[]
  dryRun?: boolean
}

function addUpdate(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withOutput(noun.command('update')))
      .description('change what a topic should be; what is not named stays')
      .addArgument(argumentOf('topic'))
      .option('--partitions <count>', 'they only grow', integer(1, 100_000))
      .addOption(optionOf('--sla', 'sla', 'another SLA class'))
      .addOption(optionOf('--cluster', 'cluster', 'pin it there; it moves by `braid migrate` or a rebalance'))
      .option('--unpin', 'let placement decide where it is')
      .option('--config <name=value>', 'a topic config, as Kafka names it; may be repeated', keyValue)
      .option('--remove-config <name...>', "configs that are the cluster's default again")
      .option('--bytes-in <rate>', 'what producers will write, as 5MB/s', rateOption)
      .option('--readers <count>', 'consumer groups that read all of it', integer(0, 100_000))
      .option('--owner <text>', 'whose it is', fits(shortText))
      .option('--contact <text>', 'whom to ask', fits(shortText)),
    'braid topic update orders --partitions 24',
    'braid topic update orders --sla gold --bytes-in 8MB/s --dry-run',
    'braid topic update orders --config retention.ms=604800000 --remove-config segment.ms',
  ).action(async (name: string, options: UpdateFlags) => {
    if (options.unpin === true && options.cluster !== undefined)
      throw usage('--unpin and --cluster contradict each other')
    const topic = await ask(session, async (client, { tenant }) => {
      const update = changeOf(options, await client.topics.get(name, { tenant }))
      if (Object.keys(update).length === 0)
        throw usage('nothing to change was named', 'see `braid topic update --help`')
      return client.topics.update(name, update, { tenant, dryRun: options.dryRun })
    })
    const done = options.dryRun === true ? 'would be changed' : 'is changed; the reconciler makes it so'
    print(session.io, options.output, topic, () => `topic ${name} ${done}\n`)
  })
}

/** Configs and expectations are replaced as a whole by the API: what is not named is what it was. */
function changeOf(options: UpdateFlags, before: Topic): TopicUpdate {
  const { name: _, partitions: __, configs, expected, ...rest } = wishOf('', options)
  const { removeConfig = [] } = options
  const kept = Object.entries({ ...before.configs, ...configs }).filter(
    ([key]) => !removeConfig.includes(key),
  )
  return {
    ...rest,
    ...(options.partitions !== undefined && { partitions: options.partitions }),
    ...((configs !== undefined || removeConfig.length > 0) && { configs: Object.fromEntries(kept) }),
    ...(expected !== undefined && { expected: { ...before.expected, ...expected } }),
    ...(options.cluster !== undefined && { cluster: options.cluster }),
    ...(options.unpin === true && { cluster: null }),
  }
}

function addDelete(noun: Command, session: Session): void {
  withExamples(
    withYes(withDryRun(noun.command('delete')))
      .description('delete a topic and its records on every cluster of its chain')
      .addArgument(argumentOf('topic')),
    'braid topic delete orders',
    'braid topic delete orders --yes',
    'braid topic delete orders --dry-run',
  ).action(async (name: string, { yes, dryRun }: { yes?: boolean; dryRun?: boolean }) => {
    const topic = await ask(session, (client, { tenant }) => client.topics.get(name, { tenant }))
    const clusters = [...new Set(topic.chain.map((loglet) => loglet.cluster))].join(', ')
    if (dryRun !== true) {
      await confirm(session.io, `Delete topic ${name} and its records on ${clusters}?`, { yes: yes === true })
    }
    await ask(session, (client, { tenant }) => client.topics.delete(name, { tenant, dryRun }))
    session.io.stdout.write(`topic ${name} ${dryRun === true ? 'would be' : 'is'} deleted on ${clusters}\n`)
  })
}
