import type { Operation } from '@braid/control-api'
import type { Command } from 'commander'
import { integer } from '../commands/options.ts'
import { ask } from '../control-plane-calls.ts'
import { Failure } from '../failure.ts'
import { type OutputOptions, print, type View } from '../output/print.ts'
import type { Session } from '../session.ts'
import { operationProgress } from './operation-progress.ts'
import { waitUnlessStopped } from './stop-waiting.ts'

export interface FollowOptions {
  detach?: boolean
  timeout: number
}

const daySeconds = 86_400

export const withFollow = (command: Command): Command =>
  withTimeout(command).option('--detach', 'start it and do not wait')

export const withTimeout = (command: Command): Command =>
  command.option(
    '--timeout <seconds>',
    'how long to wait; what was started goes on',
    integer(1, 30 * daySeconds),
    daySeconds,
  )

/** Shows a drain, rebalance or apply until it ends. */
export async function followOperation(
  session: Session,
  started: Operation,
  options: OutputOptions & FollowOptions,
  readable: View<Operation>['readable'],
): Promise<void> {
  const { io } = session
  const { id, title } = started
  if (options.detach === true) {
    return print(io, options.output, started, () => `${title} is started: \`braid operation wait ${id}\`\n`)
  }
  const ended = await ask(session, async (client) => {
    // Programs read stdout: with -o json or yaml it holds the result and nothing else.
    const progress = operationProgress(options.output === 'table' ? io.stdout : io.stderr, () =>
      client.operations.moves(id),
    )
    try {
      progress.show(started)
      const waiting = {
        what: `operation ${id} (${title})`,
        remedy: `see \`braid operation wait ${id}\`; \`braid operation pause ${id}\` holds it, \`braid operation cancel ${id}\` ends it`,
      }
      return await waitUnlessStopped(io, waiting, () =>
        client.operations.wait(id, {
          timeoutMs: options.timeout * 1000,
          onStep: (now) => progress.show(now),
        }),
      )
    } finally {
      progress.close()
    }
  })
  print(io, options.output, ended, readable)
  if (ended.state === 'paused') {
    throw new Failure(`${ended.title} is paused`, {
      remedy: `go on with it: \`braid operation resume ${id}\``,
    })
  }
  if (ended.state === 'cancelled') throw new Failure(`${ended.title} was cancelled`)
}
