// For tests: a topic that could go on elsewhere this moment.
import type { ControlPlaneClient } from '@braid/control-api'
import { expect } from 'vitest'

/** Asked of the plan of a failover: until a round has looked at a topic, nothing of it has drifted. */
export async function standsBy(client: ControlPlaneClient, topic: string): Promise<void> {
  await expect
    .poll(async () => {
      const { cluster, failover } = await client.topics.get(topic)
      const { plan } = await client.failovers.start(cluster, { force: true }, { dryRun: true })
      const to = plan.topics.find((planned) => planned.topic === topic)?.to ?? null
      return { fails: failover !== 'none', isReady: to !== null }
    })
    .toEqual({ fails: true, isReady: true })
}
