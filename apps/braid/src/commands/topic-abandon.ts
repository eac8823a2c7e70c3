import type { Abandoned } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { usage } from '../failure.ts'
import { withExamples } from '../output/examples.ts'
import { lookOf, type OutputOptions, print, rendered, withOutput } from '../output/print.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'
import { integer, withDryRun } from './options.ts'

interface AbandonOptions extends OutputOptions {
  loglet: number
  dryRun?: boolean
  yes?: boolean
}

/** It names its price, and is never done by a hurried y: only --yes, written after the price was read, does it. */
export function addAbandon(noun: Command, session: Session): void {
  withExamples(
    withDryRun(withOutput(noun.command('abandon')))
      .description(
        'give up a lost loglet for good, with the records that only it has; without --yes the price',
      )
      .addArgument(argumentOf('topic'))
      .requiredOption('--loglet <number>', 'which, as `braid topic show` numbers them', integer(0, 1_000))
      .option('-y, --yes', 'do it; it is never asked for'),
    'braid topic abandon orders --loglet 0 --dry-run',
    'braid topic abandon orders --loglet 0 --yes',
  ).action(async (name: string, options: AbandonOptions) => {
    const { io } = session
    const confirmed = options.yes === true && options.dryRun !== true
    const answer = await ask(session, (client, { tenant }) =>
      client.topics.abandon(name, options.loglet, { tenant, confirm: confirmed }),
    )
    const readable = (shown: Abandoned): string => abandonText(name, options.loglet, shown)
    if (confirmed || options.dryRun === true) return print(io, options.output, answer, readable)
    io.stderr.write(rendered('table', answer, { readable }, lookOf(io, io.stderr)))
    throw usage(
      `loglet ${options.loglet} of topic ${name} is not abandoned: that cannot be undone, and has to be confirmed`,
      `when that is the price you pay: run it with --yes; when ${answer.cluster} comes back: \`braid cluster return ${answer.cluster}\``,
    )
  })
}

const abandonText = (name: string, loglet: number, { cluster, topic, price, done }: Abandoned): string =>
  `loglet ${loglet} of topic ${name} (${topic} on ${cluster}) ${done ? 'is abandoned' : 'would be abandoned'}\n` +
  `price: ${price}\n`
