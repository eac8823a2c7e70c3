import type { FailoverSettings } from '@braid/control-api'
import { Argument, type Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { followFailover } from '../follow/failover.ts'
import { type FollowOptions, withTimeout } from '../follow/operation.ts'
import { withExamples } from '../output/examples.ts'
import { failoverStatusText, settingsText } from '../output/failover-status.ts'
import { failoversText, failoverText, failoverTitle } from '../output/failover-view.ts'
import { type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { addFailoverStart } from './failover-start.ts'
import { argumentOf } from './names.ts'
import { durationOption } from './options.ts'

export function addFailoverCommands(braid: Command, session: Session): void {
  const noun = braid
    .command('failover')
    .description('give a lost cluster up; see how clusters are seen, and what is done about it')
  addFailoverStart(noun, session)
  addStatus(noun, session)
  addList(noun, session)
  addShow(noun, session)
  addWait(noun, session)
  addCancel(noun, session)
  addAuto(noun, session)
}

function addStatus(noun: Command, session: Session): void {
  withExamples(
    withWatch(withOutput(noun.command('status')))
      .description('how every cluster is seen and by whom, what is done about it, and the settings')
      .option('--votes', 'each vantage point, also of clusters that nobody sees down'),
    'braid failover status',
    'braid failover status --watch --interval 1',
    'braid failover status --votes',
    'braid failover status -o json',
  ).action((options: WatchOptions & { votes?: boolean }) =>
    showOne(
      session,
      options,
      (client) => client.failovers.status(),
      (status, look) => failoverStatusText(status, look, options.votes === true),
    ),
  )
}

function addList(noun: Command, session: Session): void {
  withExamples(
    withWatch(withNames(noun.command('list'))).description('failovers and returns, the latest first'),
    'braid failover list',
    'braid failover list --watch',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.failovers.list({ limit: 1_000 }), {
      readable: failoversText,
      key: ({ id }) => id,
    }),
  )
}

function addShow(noun: Command, session: Session): void {
  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('one of them: how far it is, who saw what, and what became of each topic')
      .addArgument(argumentOf('id')),
    'braid failover show f-7',
    'braid failover show f-7 -o yaml',
  ).action((id: string, options: WatchOptions) =>
    showOne(
      session,
      options,
      async (client) => ({ ...(await client.failovers.get(id)), topics: await client.failovers.topics(id) }),
      failoverText,
    ),
  )
}

function addWait(noun: Command, session: Session): void {
  withExamples(
    withTimeout(withOutput(noun.command('wait')))
      .description('show its steps until it ends')
      .addArgument(argumentOf('id')),
    'braid failover wait f-7',
    'braid failover wait f-7 --timeout 600 -o json',
  ).action(async (id: string, options: OutputOptions & FollowOptions) =>
    followFailover(session, await ask(session, (client) => client.failovers.get(id)), options),
  )
}

function addCancel(noun: Command, session: Session): void {
  withExamples(
    withOutput(noun.command('cancel'))
      .description('undo a failover that has not switched yet; its topics stay where they are')
      .addArgument(argumentOf('id')),
    'braid failover cancel f-7',
  ).action(async (id: string, options: OutputOptions) => {
    const failover = await ask(session, (client) => client.failovers.cancel(id))
    print(session.io, options.output, failover, (shown) =>
      shown.state === 'cancelled'
        ? `${failoverTitle(shown)} is cancelled: all is as it was\n`
        : `${failoverTitle(shown)} is being undone: \`braid failover show ${id}\`\n`,
    )
  })
}

interface AutoOptions extends OutputOptions {
  quiet?: number
  downFor?: number
}

function addAuto(noun: Command, session: Session): void {
  withExamples(
    withOutput(noun.command('auto'))
      .description('switch automatic failover on or off, or change its limits; with neither, show them')
      .addArgument(
        new Argument('[state]', 'whether clusters are given up by themselves').choices(['on', 'off']),
      )
      .option(
        '--quiet <duration>',
        'after one is given up automatically, no other is for so long, as 10m',
        durationOption,
      )
      .option('--down-for <duration>', 'how long a cluster must have been seen down, as 1s', durationOption),
    'braid failover auto off',
    'braid failover auto on --quiet 10m --down-for 1s',
    'braid failover auto --down-for 5s',
    'braid failover auto',
  ).action(async (state: 'on' | 'off' | undefined, options: AutoOptions) => {
    const change = settingsIn(state, options)
    const settings = await ask(session, async (client) =>
      Object.keys(change).length === 0
        ? (await client.failovers.status()).settings
        : client.failovers.configure(change),
    )
    print(session.io, options.output, settings, settingsText)
  })
}

const settingsIn = (
  state: 'on' | 'off' | undefined,
  { quiet, downFor }: AutoOptions,
): Partial<FailoverSettings> => ({
  ...(state !== undefined && { automatic: state === 'on' }),
  ...(quiet !== undefined && { quietMs: quiet }),
  ...(downFor !== undefined && { downForMs: downFor }),
})
