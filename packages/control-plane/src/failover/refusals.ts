import { list } from '../planner/words.ts'
import { Refusal } from '../refusal.ts'
import type { PlannedFailovers } from './plan.ts'

/** When something there fails over, and nothing of it can. */
export function nothingMoves(cluster: string, { topics, homes }: PlannedFailovers): Refusal {
  const waiting = topics.filter(({ route }) => route.failover !== 'none')
  const failing = homes.filter(({ to }) => to === null)
  if (waiting.length + failing.length === 0) return nothingFailsOver(cluster)
  const reasons = new Set([...waiting, ...failing].map(({ reason }) => reason))
  return new Refusal(
    'STANDBY_DOWN',
    `nothing of ${cluster} can go on elsewhere: ${list([...reasons], 3)}; bring the standby back, or wait for ${cluster}`,
  )
}

export function nothingFailsOver(cluster: string): Refusal {
  return new Refusal(
    'NOTHING_TO_FAIL_OVER',
    `no topic that is active on ${cluster} has a class that fails over, and no tenant at home there has a standby home: its clients wait for it`,
  )
}
