import type { ControlPlaneClient, Migration } from '@braid/control-api'
import { type MovedEvent, monotonicMs } from '../history/event.ts'

const switchMaxMs = 60_000

/** Moves a topic and resolves when clients write to the new cluster, with the event that the history needs. */
export async function moveTopic(
  client: ControlPlaneClient,
  topic: string,
  to: string,
  onStep?: (migration: Migration) => void,
): Promise<MovedEvent> {
  const startedAt = monotonicMs()
  const [{ id }] = await client.migrations.start({ topics: [topic], to })
  const migration = await client.migrations.wait(id, {
    until: 'switched',
    timeoutMs: switchMaxMs,
    ...(onStep === undefined ? {} : { onStep }),
  })
  return {
    type: 'moved',
    at: monotonicMs(),
    topic,
    from: migration.from.cluster,
    to: migration.to.cluster,
    startedAt,
    sealMs: migration.sealMs ?? 0,
  }
}
