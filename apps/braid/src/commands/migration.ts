import { ControlPlaneError, type Migration } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { Failure } from '../failure.ts'
import type { Io } from '../io.ts'
import { duration } from '../output/duration.ts'
import { withExamples } from '../output/examples.ts'
import { migrationText } from '../output/migration-view.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'

const cancelWaitMs = 60_000

export function addMigrationCommands(braid: Command, io: Io): void {
  const noun = braid.command('migration').description('list, show and cancel migrations')

  withExamples(
    withOutput(noun.command('list')).description('all migrations, the newest first'),
    'braid migration list',
  ).action(async (options: OutputOptions) => {
    print(io, options.output, await ask(io, (client) => client.migrations.list()), migrations)
  })

  withExamples(
    withOutput(noun.command('show <id>')).description('the steps of a migration'),
    'braid migration show m-7',
  ).action(async (id: string, options: OutputOptions) => {
    const migration = await ask(io, (client) => client.migrations.get(id))
    print(io, options.output, migration, (shown) => migrationText(shown, Date.now()))
  })

  withExamples(
    withOutput(noun.command('cancel <id>')).description(
      'undo a migration that has not switched yet; the topic stays where it is',
    ),
    'braid migration cancel m-7',
  ).action((id: string, options: OutputOptions) => cancel(io, id, options))
}

const cancel = (io: Io, id: string, options: OutputOptions): Promise<void> =>
  ask(io, async (client) => {
    await client.migrations.cancel(id)
    const switched = await client.migrations
      .wait(id, { until: 'switched', timeoutMs: cancelWaitMs })
      .catch(cancelledIsFine)
    if (switched !== undefined) {
      throw new Failure(
        `migration ${id} had switched before it could be cancelled: topic ${switched.topic} is on ${switched.to.cluster}`,
        {
          remedy: `to have it back, move it: \`braid migrate ${switched.topic} --to ${switched.from.cluster}\``,
        },
      )
    }
    print(
      io,
      options.output,
      await client.migrations.get(id),
      ({ topic, from }) => `migration ${id} is cancelled: topic ${topic} stays on ${from.cluster}\n`,
    )
  })

/** wait() throws what a migration ended with; that it was cancelled is what we want. */
function cancelledIsFine(error: unknown): undefined {
  if (!(error instanceof ControlPlaneError && error.code === 'MIGRATION_CANCELLED')) throw error
}

const migrations = (all: readonly Migration[]): string =>
  all.length === 0
    ? 'no migrations yet: `braid migrate TOPIC --to CLUSTER`\n'
    : table(
        [
          { head: 'MIGRATION', cell: (migration) => migration.id },
          { head: 'TOPIC', cell: (migration) => migration.topic },
          { head: 'FROM', cell: (migration) => migration.from.cluster },
          { head: 'TO', cell: (migration) => migration.to.cluster },
          { head: 'STATE', cell: (migration) => migration.state },
          { head: 'STEP', cell: (migration) => migration.step },
          {
            head: 'SEALED IN',
            cell: ({ sealMs }) => (sealMs === null ? '-' : duration(sealMs)),
            align: 'right',
          },
          { head: 'STARTED', cell: (migration) => migration.createdAt },
        ],
        all,
      )
