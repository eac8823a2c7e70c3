import { type FailoverKind, type FailoverStarted, shortText } from '@braid/control-api'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import { ask } from '../control-plane-calls.ts'
import { defaultCommand } from '../default-command.ts'
import { followFailover } from '../follow/failover.ts'
import { type FollowOptions, withFollow } from '../follow/operation.ts'
import { withExamples } from '../output/examples.ts'
import { failoverPlanText, whatGoesWhere } from '../output/failover-plan.ts'
import { lookOf, type OutputOptions, print, withOutput } from '../output/print.ts'
import { safeData } from '../output/safe-text.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'
import { fits, withDryRun, withYes } from './options.ts'

interface GivingUpOptions extends OutputOptions, FollowOptions {
  dryRun?: boolean
  yes?: boolean
}

/** Who has to decide within seconds reads no longer list. */
const topicsAskedAboutMax = 20

export function addFailoverStart(noun: Command, session: Session): void {
  withExamples(
    withFollow(withYes(withDryRun(withOutput(defaultCommand(noun, 'start')))))
      .description(
        'give a cluster up: its topics go on elsewhere, as their classes say, and the homes it was',
      )
      .addArgument(argumentOf('cluster'))
      .option('--reason <text>', 'why, for those who look at it later', fits(shortText))
      .option('--force', 'although the cluster answers, or another one was given up a short while ago'),
    'braid failover eu-1 --dry-run',
    'braid failover eu-1',
    'braid failover eu-1 --reason "power is out in dc-1" --yes',
    'braid failover start status --dry-run',
  ).action((cluster: string, options: GivingUpOptions & { reason?: string; force?: boolean }) => {
    const { reason, force } = options
    const body = { ...(reason !== undefined && { reason }), ...(force === true && { force }) }
    return runGivingUp(
      session,
      options,
      'failover',
      (plan) => `Give up cluster ${cluster}: ${whatGoesWhere(plan)}?`,
      (client, dryRun) => client.failovers.start(cluster, body, { dryRun }),
    )
  })
}

export function addReturn(noun: Command, session: Session): void {
  withExamples(
    withFollow(withYes(withDryRun(withOutput(noun.command('return')))))
      .description(
        'take a cluster that was given up back: what only it has is recovered and can be read again',
      )
      .addArgument(argumentOf('cluster'))
      .option('--move-back', 'move its topics back afterwards, live, as ordinary migrations'),
    'braid cluster return eu-1 --dry-run',
    'braid cluster return eu-1',
    'braid cluster return eu-1 --move-back --yes',
  ).action((cluster: string, options: GivingUpOptions & { moveBack?: boolean }) =>
    runGivingUp(
      session,
      options,
      'return',
      ({ summary }) => `Take cluster ${cluster} back (${summary})?`,
      (client, dryRun) =>
        client.failovers.return(cluster, options.moveBack === true ? { moveBack: true } : {}, { dryRun }),
    ),
  )
}

type Client = Parameters<Parameters<typeof ask>[1]>[0]

/** Shows the plan, asks, starts, and watches. */
async function runGivingUp(
  session: Session,
  options: GivingUpOptions,
  kind: FailoverKind,
  question: (plan: FailoverStarted['plan']) => string,
  start: (client: Client, dryRun: boolean) => Promise<FailoverStarted>,
): Promise<void> {
  const { io } = session
  if (options.dryRun === true || options.yes !== true) {
    const { plan } = await ask(session, (client) => start(client, true))
    if (options.dryRun === true)
      return print(io, options.output, plan, (shown, look) => failoverPlanText(shown, kind, look))
    const shown = safeData(plan)
    io.stderr.write(failoverPlanText(shown, kind, lookOf(io, io.stderr), topicsAskedAboutMax))
    await confirm(io, question(shown), options)
  }
  const { failover, plan } = await ask(session, (client) => start(client, false))
  if (failover === null)
    return print(io, options.output, plan, (shown, look) => failoverPlanText(shown, kind, look))
  await followFailover(session, failover, options)
}
