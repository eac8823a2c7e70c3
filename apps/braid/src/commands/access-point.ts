import type { AccessPoint } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import type { Io } from '../io.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withOutput } from '../output/print.ts'
import { table } from '../output/table.ts'

export function addAccessPointCommands(braid: Command, io: Io): void {
  const noun = braid.command('access-point').description('what clients connect to')
  withExamples(
    withOutput(noun.command('list')).description('live access points, their listeners and route versions'),
    'braid access-point list',
  ).action(async (options: OutputOptions) => {
    print(io, options.output, await ask(io, (client) => client.accessPoints.list()), accessPoints)
  })
}

const accessPoints = (all: readonly AccessPoint[]): string =>
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
      )
