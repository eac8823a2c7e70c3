import type { Operation } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { type FollowOptions, followOperation, withTimeout } from '../follow/operation.ts'
import { withExamples } from '../output/examples.ts'
import { topicTitle } from '../output/move-plan.ts'
import { operationMovesText, operationsText, operationText } from '../output/operation-view.ts'
import { type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'

export function addOperationCommands(braid: Command, session: Session): void {
  const noun = braid
    .command('operation')
    .description('drains, rebalances and applies: follow, hold and end them')

  withExamples(
    withWatch(withNames(noun.command('list'))).description(
      'drains, rebalances and applies, the latest first',
    ),
    'braid operation list',
    'braid operation list --watch',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.operations.list({ limit: 1_000 }), {
      readable: operationsText,
      key: ({ id }) => id,
    }),
  )

  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('one of them')
      .addArgument(argumentOf('id')),
    'braid operation show o-7',
  ).action((id: string, options: WatchOptions) =>
    showOne(session, options, (client) => client.operations.get(id), operationText),
  )

  withExamples(
    withWatch(withOutput(noun.command('moves')))
      .description('its moves, each with its reason and its migration')
      .addArgument(argumentOf('id')),
    'braid operation moves o-7',
    'braid operation moves o-7 --watch',
  ).action((id: string, options: WatchOptions) =>
    showRows(session, options, (client) => client.operations.moves(id), {
      readable: operationMovesText,
      key: topicTitle,
    }),
  )

  for (const [verb, description, call] of verbs) {
    withExamples(
      withOutput(noun.command(verb)).description(description).addArgument(argumentOf('id')),
      `braid operation ${verb} o-7`,
    ).action(async (id: string, options: OutputOptions) => {
      print(
        session.io,
        options.output,
        await ask(session, (client) => call(client.operations, id)),
        operationText,
      )
    })
  }

  withExamples(
    withTimeout(withOutput(noun.command('wait')))
      .description('show its progress until it ends')
      .addArgument(argumentOf('id')),
    'braid operation wait o-7',
    'braid operation wait o-7 --timeout 3600 -o json',
  ).action(async (id: string, options: OutputOptions & FollowOptions) => {
    const operation = await ask(session, (client) => client.operations.get(id))
    await followOperation(session, operation, options, operationText)
  })
}

type Operations = { [verb in 'pause' | 'resume' | 'cancel' | 'retry']: (id: string) => Promise<Operation> }

const verbs: readonly [string, string, (operations: Operations, id: string) => Promise<Operation>][] = [
  ['pause', 'begin no further move; what moves now goes on to its end', (all, id) => all.pause(id)],
  ['resume', 'go on with one that is paused', (all, id) => all.resume(id)],
  ['cancel', 'let the moves under way end, and begin no further one', (all, id) => all.cancel(id)],
  ['retry', 'try again the moves that failed', (all, id) => all.retry(id)],
]
