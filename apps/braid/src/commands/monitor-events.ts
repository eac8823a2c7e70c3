import type { Command } from 'commander'
import { withExamples } from '../output/examples.ts'
import { monitorEventsText } from '../output/monitor-events-view.ts'
import { withOutput } from '../output/print.ts'
import { showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { integer } from './options.ts'

export function addMonitorEvents(noun: Command, session: Session): void {
  withExamples(
    withWatch(withOutput(noun.command('events')))
      .description('what monitors have found, the latest first; the evidence is in -o json')
      .option('--limit <count>', 'how many at most', integer(1, 1_000), 100),
    'braid monitor events',
    'braid monitor events --limit 20 -o json',
    'braid monitor events --watch',
  ).action((options: WatchOptions & { limit: number }) =>
    showRows(session, options, (client) => client.monitors.events({ limit: options.limit }), {
      readable: monitorEventsText,
      key: ({ monitor, id }) => `${monitor} ${id}`,
    }),
  )
}
