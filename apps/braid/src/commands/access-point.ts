import type { AccessPoint } from '@braid/control-api'
import type { Command } from 'commander'
import { confirm } from '../confirm.ts'
import { ask } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { type Look, withNames } from '../output/print.ts'
import { table } from '../output/table.ts'
import { showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'
import { withYes } from './options.ts'

export function addAccessPointCommands(braid: Command, session: Session): void {
  const noun = braid.command('access-point').description('what clients connect to')
  withExamples(
    withWatch(withNames(noun.command('list'))).description(
      'live access points, their listeners and route versions',
    ),
    'braid access-point list',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.accessPoints.list(), {
      readable: accessPoints,
      key: ({ id }) => id,
    }),
  )

  withExamples(
    withYes(noun.command('remove'))
      .description('take one out of the routes that is gone for good; one that lives comes back by itself')
      .addArgument(argumentOf('access-point')),
    'braid access-point remove proxy-1 --yes',
  ).action(async (id: string, options: { yes?: boolean }) => {
    await confirm(session.io, `Take access point ${id} out of the routes?`, options)
    await ask(session, (client) => client.accessPoints.remove(id))
    session.io.stdout.write(`access point ${id} is removed\n`)
  })
}

const accessPoints = (all: readonly AccessPoint[], look: Look): string =>
  all.length === 0
    ? 'no access points: start one with `braid proxy`\n'
    : table(
        [
          { head: 'ACCESS POINT', cell: (point) => point.id },
          { head: 'BOOTSTRAP', cell: (point) => point.bootstrap },
          { head: 'ROUTES', cell: (point) => String(point.routeVersion), align: 'right' },
          {
            head: 'LISTENERS',
            cell: (point) =>
              Object.entries(point.listeners)
                .map(([cluster, address]) => `${cluster}=${address}`)
                .join(' '),
          },
        ],
        all,
        look,
      )
