import type { ControlPlaneClient, Migration } from '@braid/control-api'
import { duration } from '../output/duration.ts'
import { migrationProgress } from '../output/migration-progress.ts'
import { type OutputOptions, print } from '../output/print.ts'
import { counted } from '../output/quantity.ts'
import { safeData } from '../output/safe-text.ts'
import type { Session } from '../session.ts'
import { waitUnlessStopped } from './stop-waiting.ts'

export interface MigrationFollowOptions {
  wait: 'switched' | 'done'
  timeout: number
}

/** Waits until all of them are where `wait` says, and shows their steps meanwhile. Prints what they ended as. */
export async function followMigrations(
  session: Session,
  client: ControlPlaneClient,
  started: readonly Migration[],
  options: OutputOptions & MigrationFollowOptions,
): Promise<void> {
  const { io } = session
  const [first] = started
  if (first === undefined) return
  // Programs read stdout: with -o json or yaml it holds the result and nothing else.
  const progress = migrationProgress(options.output === 'table' ? io.stdout : io.stderr)
  const what =
    started.length === 1
      ? `migration ${first.id} of topic ${first.topic}`
      : `the migration of ${counted(started.length, 'topic')} (${first.id} and others)`
  const waiting = {
    what,
    remedy: `see \`braid migration show ${first.id}\`, or stop it before its switch: \`braid migration cancel ${first.id}\``,
  }
  let ended: Migration[]
  try {
    progress.show(started.map(safeData))
    const latest = new Map(started.map((migration) => [migration.id, migration]))
    const follow = async ({ id }: Migration): Promise<Migration> => {
      await client.migrations.wait(id, {
        until: options.wait,
        timeoutMs: options.timeout * 1000,
        onStep: (migration) => {
          latest.set(id, migration)
          progress.show([...latest.values()].map(safeData))
        },
      })
      return withSwitchTime(client, id)
    }
    ended = await waitUnlessStopped(io, waiting, () => Promise.all(started.map(follow)))
    progress.show(ended.map(safeData))
  } finally {
    progress.close()
  }
  const data = ended.length === 1 ? ended[0]! : ended
  print(io, options.output, data, () => ended.map(safeData).map(summary).join(''))
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
