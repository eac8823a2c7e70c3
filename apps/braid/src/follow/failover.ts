import type { Failover, FailoverTopic } from '@braid/control-api'
import { ask } from '../control-plane-calls.ts'
import { failoverCounts, failoverTitle, timesOf } from '../output/failover-view.ts'
import { type OutputOptions, print } from '../output/print.ts'
import { counted } from '../output/quantity.ts'
import type { Session } from '../session.ts'
import { failoverProgress, recoveredText } from './failover-progress.ts'
import type { FollowOptions } from './operation.ts'
import { waitUnlessStopped } from './stop-waiting.ts'

/** Shows a failover or a return until it ends, and says what it came to. */
export async function followFailover(
  session: Session,
  started: Failover,
  options: OutputOptions & FollowOptions,
): Promise<void> {
  const { io } = session
  const { id } = started
  if (options.detach === true) {
    return print(
      io,
      options.output,
      started,
      () => `${failoverTitle(started)} is started: \`braid failover wait ${id}\`\n`,
    )
  }
  const { ended, topics } = await ask(session, async (client) => {
    // Programs read stdout: with -o json or yaml it holds the result and nothing else.
    const progress = failoverProgress(options.output === 'table' ? io.stdout : io.stderr, {
      leases: () => client.leases.list(),
      topics: () => client.failovers.topics(id),
    })
    try {
      progress.show(started)
      const waiting = { what: `the ${failoverTitle(started)}`, remedy: remedyOf(started) }
      const last = await waitUnlessStopped(io, waiting, () =>
        client.failovers.wait(id, {
          timeoutMs: options.timeout * 1000,
          onStep: (now) => progress.show(now),
        }),
      )
      return { ended: last, topics: last.kind === 'return' ? await client.failovers.topics(id) : [] }
    } finally {
      progress.close()
    }
  })
  print(io, options.output, ended, (shown) =>
    shown.kind === 'failover' ? movedText(shown) : backText(shown, topics),
  )
}

const remedyOf = ({ id, kind }: Failover): string =>
  kind === 'failover'
    ? `see \`braid failover wait ${id}\`; before its SWITCH \`braid failover cancel ${id}\` undoes it`
    : `see \`braid failover wait ${id}\`; a return is not undone, it goes on when what it waits for is there`

function movedText(failover: Failover): string {
  const { cluster, counts } = failover
  const lines = [
    `cluster ${cluster} is given up: ${failoverCounts(failover)}`,
    ...timesOf(failover),
    `what only ${cluster} has can be read when it is back: \`braid cluster return ${cluster}\``,
  ]
  if (counts.waiting > 0)
    lines.push(
      `${counted(counts.waiting, 'topic')} ${counts.waiting === 1 ? 'waits' : 'wait'} for it: \`braid failover show ${failover.id}\` says why`,
    )
  return lines.map((line) => `${line}\n`).join('')
}

const backText = (failover: Failover, topics: readonly FailoverTopic[]): string =>
  [`cluster ${failover.cluster} is back: ${failoverCounts(failover)}`, ...recoveredText(topics)]
    .map((line) => `${line}\n`)
    .join('')
