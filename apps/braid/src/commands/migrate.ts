import type { Migration } from '@braid/control-api'
import { type Command, Option } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { followMigrations, type MigrationFollowOptions } from '../follow/migrations.ts'
import { withExamples } from '../output/examples.ts'
import { moveTitle } from '../output/migration-view.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import type { Session } from '../session.ts'
import { optionOf, parserOf } from './names.ts'
import { integer, listOf } from './options.ts'

interface MigrateOptions extends OutputOptions, MigrationFollowOptions {
  to: string
  detach?: boolean
}

export const withMigrationWait = (command: Command): Command =>
  command
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
      integer(1, 2_592_000),
      600,
    )

export function addMigrateCommand(braid: Command, session: Session): void {
  withExamples(
    withMigrationWait(withOutput(braid.command('migrate')))
      .description(
        'move topics to another cluster while their clients go on; several move together or not at all',
      )
      .argument('<topic...>', 'topics that are on one cluster now', listOf(parserOf('topic')))
      .addOption(optionOf('--to', 'cluster', 'where they go').makeOptionMandatory())
      .option('--detach', 'start it and do not wait'),
    'braid migrate orders --to b',
    'braid migrate orders payments invoices --to b',
    'braid migrate orders --to b --detach -o json',
  ).action((topics: string[], options: MigrateOptions) =>
    ask(session, async (client, { tenant }) => {
      const started = await client.migrations.start({ tenant, topics, to: options.to })
      if (options.detach === true)
        return print(session.io, options.output, onlyOne(started), () => detached(started))
      await followMigrations(session, client, started, options)
    }),
  )
}

/** Programs that move one topic get one record. */
const onlyOne = (migrations: readonly Migration[]): Migration | readonly Migration[] =>
  migrations.length === 1 ? migrations[0]! : migrations

const detached = (migrations: readonly Migration[]): string =>
  migrations
    .map((migration) => `${moveTitle(migration)} is started: \`braid migration show ${migration.id}\`\n`)
    .join('')
