import { ControlPlaneError, type Migration } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { Failure } from '../failure.ts'
import { followMigrations, type MigrationFollowOptions } from '../follow/migrations.ts'
import { waitUnlessStopped } from '../follow/stop-waiting.ts'
import { duration } from '../output/duration.ts'
import { withExamples } from '../output/examples.ts'
import { migrationText, moveTitle } from '../output/migration-view.ts'
import { topicTitle } from '../output/move-plan.ts'
import { type Look, type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { withMigrationWait } from './migrate.ts'
import { argumentOf } from './names.ts'

const cancelWaitMs = 60_000

export function addMigrationCommands(braid: Command, session: Session): void {
  const noun = braid.command('migration').description('list, show, hold and cancel migrations')

  withExamples(
    withWatch(withNames(noun.command('list'))).description('the latest 1,000 migrations, the newest first'),
    'braid migration list',
    'braid migration list --watch',
  ).action((options: WatchOptions) =>
    showRows(
      session,
      options,
      (client, { tenantNamed }) => client.migrations.list({ tenant: tenantNamed, limit: 1_000 }),
      { readable: migrations, key: ({ id }) => id },
    ),
  )

  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('the steps of a migration')
      .addArgument(argumentOf('id')),
    'braid migration show m-7',
    'braid migration show m-7 --watch',
  ).action((id: string, options: WatchOptions) =>
    showOne(
      session,
      options,
      (client) => client.migrations.get(id),
      (shown) => migrationText(shown, Date.now()),
    ),
  )

  addVerbs(noun, session)

  withExamples(
    withMigrationWait(withOutput(noun.command('wait')))
      .description('show its steps until it has switched, or is done')
      .addArgument(argumentOf('id')),
    'braid migration wait m-7',
    'braid migration wait m-7 --wait done --timeout 86400',
  ).action((id: string, options: OutputOptions & MigrationFollowOptions) =>
    ask(session, async (client) =>
      followMigrations(session, client, [await client.migrations.get(id)], options),
    ),
  )

  withExamples(
    withOutput(noun.command('cancel'))
      .description(
        'undo a migration that has not switched yet, with its group; the topics stay where they are',
      )
      .addArgument(argumentOf('id')),
    'braid migration cancel m-7',
  ).action((id: string, options: OutputOptions) => cancel(session, id, options))
}

function addVerbs(noun: Command, session: Session): void {
  withExamples(
    withOutput(noun.command('pause'))
      .description('hold it, with its group, before its next step; never while clients wait for it')
      .addArgument(argumentOf('id')),
    'braid migration pause m-7',
  ).action(async (id: string, options: OutputOptions) => {
    const migration = await ask(session, (client) => client.migrations.pause(id))
    print(session.io, options.output, migration, (shown) => migrationText(shown, Date.now()))
  })

  withExamples(
    withOutput(noun.command('resume'))
      .description('go on with one that is paused; what it waits for is tried again at once')
      .addArgument(argumentOf('id')),
    'braid migration resume m-7',
  ).action(async (id: string, options: OutputOptions) => {
    const migration = await ask(session, (client) => client.migrations.resume(id))
    print(session.io, options.output, migration, (shown) => migrationText(shown, Date.now()))
  })

  withExamples(
    withOutput(noun.command('retry'))
      .description('start one that failed or was cancelled once more, as a new one')
      .addArgument(argumentOf('id')),
    'braid migration retry m-7',
  ).action(async (id: string, options: OutputOptions) => {
    const started = await ask(session, (client) => client.migrations.retry(id))
    print(session.io, options.output, started, (all) =>
      all.map((one) => `${moveTitle(one)} is started: \`braid migration wait ${one.id}\`\n`).join(''),
    )
  })
}

const cancel = (session: Session, id: string, options: OutputOptions): Promise<void> =>
  ask(session, async (client) => {
    await client.migrations.cancel(id)
    const waiting = { what: `the undoing of migration ${id}`, remedy: `see \`braid migration show ${id}\`` }
    const switched = await waitUnlessStopped(session.io, waiting, () =>
      client.migrations.wait(id, { until: 'switched', timeoutMs: cancelWaitMs }).catch(cancelledIsFine),
    )
    if (switched !== undefined) {
      throw new Failure(
        `migration ${id} had switched before it could be cancelled: topic ${switched.topic} is on ${switched.to.cluster}`,
        {
          remedy: `to have it back, move it: \`braid migrate ${switched.topic} --to ${switched.from.cluster}\``,
        },
      )
    }
    print(
      session.io,
      options.output,
      await client.migrations.get(id),
      ({ topic, from }) => `migration ${id} is cancelled: topic ${topic} stays on ${from.cluster}\n`,
    )
  })

/** wait() throws what a migration ended with; that it was cancelled is what we want. */
function cancelledIsFine(error: unknown): undefined {
  if (!(error instanceof ControlPlaneError && error.code === 'MIGRATION_CANCELLED')) throw error
}

export const migrations = (all: readonly Migration[], look: Look): string =>
  all.length === 0
    ? 'no migrations yet: `braid migrate TOPIC --to CLUSTER`\n'
    : table(
        [
          { head: 'MIGRATION', cell: (migration) => migration.id },
          { head: 'TOPIC', cell: topicTitle },
          { head: 'FROM', cell: (migration) => migration.from.cluster },
          { head: 'TO', cell: (migration) => migration.to.cluster },
          {
            head: 'STATE',
            cell: (migration) => (migration.pauseRequested ? `${migration.state}, held` : migration.state),
          },
          { head: 'STEP', cell: (migration) => migration.step },
          {
            head: 'SEALED IN',
            cell: ({ sealMs }) => (sealMs === null ? '-' : duration(sealMs)),
            align: 'right',
          },
          { head: 'STARTED', cell: (migration) => migration.createdAt },
        ],
        all,
        look,
      )
