import type { Command } from 'commander'
import { withExamples } from '../output/examples.ts'
import { leasesText } from '../output/lease-view.ts'
import { withNames } from '../output/print.ts'
import { showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'

/**
 * A noun of its own, beside `access-point`: SDKs hold leases too and are no access points, and what is asked here is
 * who may write, and for whom a failover would wait. An access point is what clients are sent to.
 */
export function addLeaseCommands(braid: Command, session: Session): void {
  const noun = braid.command('lease').description('who may write to topics that fail over')
  withExamples(
    withWatch(withNames(noun.command('list'))).description(
      'proxies and SDKs with their leases: the routes that they follow, and which clusters they see down',
    ),
    'braid lease list',
    'braid lease list --watch --interval 1',
    'braid lease list -o json',
  ).action((options: WatchOptions) =>
    showRows(session, options, (client) => client.leases.list(), {
      readable: leasesText,
      key: ({ id }) => id,
    }),
  )
}
