import type { Topic, TopicSummary } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure, usage } from '../failure.ts'
import type { Io } from '../io.ts'
import { chains } from '../output/chains.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'
import { integer, keyValue } from './options.ts'

interface CreateOptions extends OutputOptions {
  partitions: number
  cluster?: string
  replicationFactor?: number
  config?: Record<string, string>
}

export function addTopicCommands(braid: Command, io: Io): void {
  const noun = braid.command('topic').description('create, adopt, show and delete topics')

  withExamples(
    withOutput(noun.command('create <name>'))
      .description('create a topic on a cluster')
      .requiredOption('--partitions <count>', 'how many partitions', integer(1, 100_000))
      .option('--cluster <name>', 'where it begins (default: the home cluster)')
      .option('--replication-factor <count>', "default: the cluster's own", integer(1, 100))
      .option('--config <name=value>', 'a topic config, as Kafka names it; may be repeated', keyValue),
    'braid topic create orders --partitions 12 --cluster a',
    'braid topic create audit --partitions 3 --config retention.ms=86400000 --config min.insync.replicas=2',
  ).action(async (name: string, options: CreateOptions) => {
    const { partitions, cluster, replicationFactor, config } = options
    const { topic } = await ask(io, (client) =>
      client.topics.create({ name, partitions, cluster, replicationFactor, configs: config }),
    )
    print(io, options.output, topic, created)
  })

  withExamples(
    withOutput(noun.command('adopt <name>'))
      .description('take over a topic that a cluster has: its offsets and groups stay valid')
      .requiredOption('--cluster <name>', 'the cluster that has it'),
    'braid topic adopt existing-topic --cluster a',
  ).action(async (name: string, options: OutputOptions & { cluster: string }) => {
    const topic = await ask(io, (client) => client.topics.adopt({ name, cluster: options.cluster }))
    print(io, options.output, topic, adopted)
  })

  withExamples(
    withOutput(noun.command('list')).description('all topics and where they are'),
    'braid topic list',
    'braid topic list -o json',
  ).action(async (options: OutputOptions) => {
    print(io, options.output, await ask(io, (client) => client.topics.list()), topics)
  })

  withExamples(
    withOutput(noun.command('show <name>'))
      .description("a topic's chains, cluster by cluster")
      .option('--all', 'every loglet of a long chain'),
    'braid topic show orders',
    'braid topic show orders -o yaml',
  ).action(async (name: string, options: OutputOptions & { all?: boolean }) => {
    const topic = await ask(io, (client) => client.topics.get(name, { logEnds: true }))
    print(io, options.output, topic, (shown) => chains(shown, options.all === true ? 'all' : 'latest'))
  })

  withExamples(
    noun
      .command('delete <name>')
      .description('delete a topic and its records on every cluster of its chain')
      .option('-y, --yes', 'do not ask'),
    'braid topic delete orders',
    'braid topic delete orders --yes',
  ).action(async (name: string, options: { yes?: boolean }) => {
    const topic = await ask(io, (client) => client.topics.get(name))
    const clusters = [...new Set(topic.chain.map((loglet) => loglet.cluster))].join(', ')
    if (options.yes !== true) await confirm(io, `Delete topic ${name} and its records on ${clusters}?`)
    await ask(io, (client) => client.topics.delete(name))
    io.stdout.write(`topic ${name} is deleted on ${clusters}\n`)
  })
}

async function confirm(io: Io, question: string): Promise<void> {
  const answer = await io.ask(`${question} [y/N] `)
  if (answer === undefined) throw usage('nobody is here to be asked', 'run it with --yes')
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure('not deleted', { exit: exitCodes.failed })
}

const count = (topic: TopicSummary): string =>
  `${topic.partitions} partition${topic.partitions === 1 ? '' : 's'}`

const created = (topic: Topic): string =>
  `topic ${topic.name} is created: ${count(topic)} on ${topic.cluster}, as ${topic.physicalTopic}\n`

const adopted = (topic: Topic): string =>
  `topic ${topic.name} is adopted: ${count(topic)} on ${topic.cluster}; offsets and commits stay valid\n` +
  'point its clients at a listener before you move it: who writes past it is refused after a seal\n'

const topics = (all: readonly TopicSummary[]): string =>
  all.length === 0
    ? 'no topics yet: `braid topic create NAME --partitions N --cluster C`\n'
    : table(
        [
          { head: 'TOPIC', cell: (topic) => topic.name },
          { head: 'PARTITIONS', cell: (topic) => String(topic.partitions), align: 'right' },
          { head: 'CLUSTER', cell: (topic) => topic.cluster },
          { head: 'LOGLETS', cell: (topic) => String(topic.loglets), align: 'right' },
          { head: 'MIGRATION', cell: (topic) => topic.migration ?? '-' },
        ],
        all,
      )
