import { type ControlPlaneClient, ControlPlaneError, type Migration } from '@braid/control-api'
import { type Command, Option } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import type { Io } from '../io.ts'
import { duration } from '../output/duration.ts'
import { withExamples } from '../output/examples.ts'
import { moveTitle } from '../output/migration-view.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { migrationProgress } from '../output/progress.ts'
import { integer } from './options.ts'

interface MigrateOptions extends OutputOptions {
  to: string
  detach?: boolean
  wait: 'switched' | 'done'
  timeout: number
}

export function addMigrateCommand(braid: Command, io: Io): void {
  withExamples(
    withOutput(braid.command('migrate <topic>'))
      .description('move a topic to another cluster while its clients go on')
      .requiredOption('--to <cluster>', 'where it goes')
      .option('--detach', 'start it and do not wait')
      .addOption(
        new Option(
          '--wait <state>',
          'switched: clients use the new cluster; done: the old records are gone too',
        )
          .choices(['switched', 'done'])
          .default('switched'),
      )
      .option(
        '--timeout <seconds>',
        'how long to wait; the migration itself goes on',
        integer(1, 86_400),
        600,
      ),
    'braid migrate orders --to b',
    'braid migrate orders --to b --detach -o json',
  ).action((topic: string, options: MigrateOptions) => migrate(io, topic, options))
}

const migrate = (io: Io, topic: string, options: MigrateOptions): Promise<void> =>
  ask(io, async (client) => {
    const [started] = await client.migrations.start({ topics: [topic], to: options.to })
    if (options.detach === true) return print(io, options.output, started, detached)
    print(io, options.output, await watchMigration(io, client, started, options), summary)
  })

/** Waits until the migration is where `wait` says, and shows its steps meanwhile. */
async function watchMigration(
  io: Io,
  client: ControlPlaneClient,
  started: Migration,
  options: MigrateOptions,
): Promise<Migration> {
  // Programs read stdout: with -o json or yaml it holds the result and nothing else.
  const progress = migrationProgress(options.output === 'table' ? io.stdout : io.stderr)
  try {
    progress.show(started)
    return await io.stoppable(async (stopped) => {
      const wait = client.migrations.wait(started.id, {
        until: options.wait,
        timeoutMs: options.timeout * 1000,
        onStep: (migration) => progress.show(migration),
      })
      await Promise.race([wait, untilStopped(stopped, started)])
      const ended = await withSwitchTime(client, started.id)
      progress.show(ended)
      return ended
    })
  } catch (error) {
    if (error instanceof ControlPlaneError && error.code === 'TIMED_OUT') {
      throw new Failure(error.detail, { exit: exitCodes.timedOut, remedy: goesOn(started), cause: error })
    }
    throw error
  } finally {
    progress.close()
  }
}

const SWITCH_TIME_TRIES = 10
const SWITCH_TIME_WAIT_MS = 30

/** How long the switch took is noted a moment after it; it is not waited for long. */
async function withSwitchTime(client: ControlPlaneClient, id: string): Promise<Migration> {
  for (let tries = 1; ; tries++) {
    const migration = await client.migrations.get(id)
    if (migration.switchMs !== null || tries === SWITCH_TIME_TRIES) return migration
    await new Promise((resolve) => setTimeout(resolve, SWITCH_TIME_WAIT_MS))
  }
}

const untilStopped = (stopped: AbortSignal, { id, topic }: Migration): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void =>
      reject(
        new Failure(`stopped waiting; migration ${id} of topic ${topic} goes on`, {
          exit: exitCodes.interrupted,
          remedy: `see \`braid migration show ${id}\`, or stop it before its switch: \`braid migration cancel ${id}\``,
        }),
      )
    if (stopped.aborted) stop()
    else stopped.addEventListener('abort', stop, { once: true })
  })

const goesOn = ({ id }: Migration): string => `see \`braid migration show ${id}\``

const detached = (migration: Migration): string =>
  `${moveTitle(migration)} is started: \`braid migration show ${migration.id}\`\n`

function summary(migration: Migration): string {
  const { topic, from, to, sealMs, switchMs, state } = migration
  const times = [
    sealMs === null ? undefined : `sealed in ${duration(sealMs)}`,
    switchMs === null ? undefined : `switched in ${duration(switchMs)}`,
  ].filter((time) => time !== undefined)
  const left =
    state === 'done'
      ? `nothing of it is left on ${from.cluster}\n`
      : `what is on ${from.cluster} is read from there until retention removes it: braid topic show ${topic}\n`
  return `topic ${topic} is on ${to.cluster} now${times.length > 0 ? `: ${times.join(', ')}` : ''}\n${left}`
}
