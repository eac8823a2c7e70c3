import type { OperationStarted } from '@braid/control-api'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import { ask } from '../control-plane-calls.ts'
import { type FollowOptions, followOperation, withFollow } from '../follow/operation.ts'
import { withExamples } from '../output/examples.ts'
import { movePlanText } from '../output/move-plan.ts'
import { operationText } from '../output/operation-view.ts'
import { lookOf, type OutputOptions, print, withOutput } from '../output/print.ts'
import { counted } from '../output/quantity.ts'
import { safeData } from '../output/safe-text.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'
import { fraction, integer, withDryRun, withYes } from './options.ts'

interface MoveOptions extends OutputOptions, FollowOptions {
  concurrency?: number
  dryRun?: boolean
  yes?: boolean
}

const withConcurrency = (command: Command): Command =>
  command.option('--concurrency <count>', 'topics that move at once, at most (default: 10)', integer(1, 200))

export function addDrainCommand(noun: Command, session: Session): void {
  withExamples(
    withFollow(withYes(withDryRun(withConcurrency(withOutput(noun.command('drain'))))))
      .description('cordon a cluster and move its topics away, a bounded number at once')
      .addArgument(argumentOf('cluster')),
    'braid cluster drain eu-1 --dry-run',
    'braid cluster drain eu-1',
    'braid cluster drain eu-1 --yes --detach --concurrency 20',
  ).action((cluster: string, options: MoveOptions) => {
    const { concurrency } = options
    return runMoves(session, options, `Drain cluster ${cluster}`, (client, dryRun) =>
      client.clusters.drain(cluster, concurrency === undefined ? {} : { concurrency }, { dryRun }),
    )
  })
}

export function addRebalanceCommand(braid: Command, session: Session): void {
  withExamples(
    withFollow(withYes(withDryRun(withConcurrency(withOutput(braid.command('rebalance'))))))
      .description('even the load of the clusters by few moves')
      .option('--moves-max <count>', 'moves at most (default: 50)', integer(1, 10_000))
      .option('--threshold <fraction>', 'how far above the mean a cluster may be (default: 0.1)', fraction),
    'braid rebalance --dry-run',
    'braid rebalance --moves-max 20 --threshold 0.2 --yes',
  ).action((options: MoveOptions & { movesMax?: number; threshold?: number }) => {
    const { movesMax, threshold, concurrency } = options
    return runMoves(session, options, 'Rebalance', (client, dryRun) =>
      client.operations.rebalance({ movesMax, threshold, concurrency }, { dryRun }),
    )
  })
}

type Client = Parameters<Parameters<typeof ask>[1]>[0]

/** Shows the plan, asks, starts, and watches. */
async function runMoves(
  session: Session,
  options: MoveOptions,
  title: string,
  start: (client: Client, dryRun: boolean) => Promise<OperationStarted>,
): Promise<void> {
  const { io } = session
  if (options.dryRun === true || options.yes !== true) {
    const { plan } = await ask(session, (client) => start(client, true))
    if (options.dryRun === true) return print(io, options.output, plan, movePlanText)
    io.stderr.write(movePlanText(safeData(plan), lookOf(io, io.stderr)))
    await confirm(io, `${title}: ${counted(plan.moves.length, 'move')}?`, options)
  }
  const started = await ask(session, (client) => start(client, false))
  const { operation } = started
  if (operation === null)
    return print(io, options.output, started, ({ plan }, look) => movePlanText(plan, look))
  await followOperation(session, operation, options, operationText)
}
