import { createHash } from 'node:crypto'
import { byText, topicKey } from '../planner/fleet.ts'
import { exportFleet } from './document.ts'
import type { World } from './world.ts'

/**
 * Changes with everything that a plan depends on: what is declared, where topics are, which clusters take topics.
 * Not with measurements, which are never the same twice, nor with whether a cluster answers at the moment.
 */
export function worldRevision({ declared, snapshot, clusterStates }: World): string {
  const where = snapshot.topics
    .map((topic) => [topicKey(topic), topic.cluster] as const)
    .sort(([a], [b]) => byText(a, b))
  const states = [...clusterStates].sort(([a], [b]) => byText(a, b))
  const text = JSON.stringify({ fleet: exportFleet(declared), states, where })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
