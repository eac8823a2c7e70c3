import type { DesiredTopic, Looks } from './desired.ts'
import type { Difference } from './difference.ts'
import { seen } from './drift.ts'

/**
 * The empty topic on the tenant's standby home under whose name commits are mirrored. The store says which it is; it is
 * in the route from when it is there and what groups had committed before is copied.
 */
export function standbyHomeDrift(topic: DesiredTopic, looks: Looks): Difference[] {
  const { route, home, standbyHome, standbyHomeMade: made } = topic
  const code = 'STANDBY_HOME_DIFFERS'
  const unwanted = made === undefined ? route.standbyHomeTopic !== undefined : made.cluster !== standbyHome
  if (unwanted) {
    const why =
      standbyHome === null ? 'there is no standby home any more' : `the standby home is ${standbyHome}`
    const where = made === undefined ? `${route.standbyHomeTopic}` : `${made.topic} on ${made.cluster}`
    const text = `commits are mirrored to ${where}, and ${why}`
    return [{ code, text, mend: { kind: 'drop-standby-home' } }]
  }
  if (standbyHome === null || standbyHome === home) return []
  // Until it has returned; that commits cannot be mirrored there is said of the tenant, and not of each topic.
  if (looks.get(standbyHome)?.kind === 'away') return []
  const make = { kind: 'make-standby-home', cluster: standbyHome, again: made } as const
  if (made === undefined)
    return [{ code, text: `its topic for mirrored commits is not on ${standbyHome} yet`, mend: make }]
  const look = seen(looks, made)
  if (look === undefined) return []
  const { found } = look
  const where = `${made.topic}, to which commits are mirrored on ${standbyHome},`
  if (found === undefined)
    return [
      {
        code,
        text: `${where} is not there: somebody deleted it, and the mirrored commits with it; it is made again`,
        mend: make,
      },
    ]
  if (found.partitions < route.partitions) {
    return [
      {
        code,
        text: `${where} has ${found.partitions} partitions, should have ${route.partitions}`,
        mend: { kind: 'add-partitions', physical: made, partitions: route.partitions },
      },
    ]
  }
  if (made.filled && route.standbyHomeTopic === made.topic) return []
  return [{ code, text: `what groups had committed before is not on ${standbyHome} yet` }]
}

/** Whether nothing is in the way of copying what groups have committed. */
export function canBeFilled(topic: DesiredTopic, looks: Looks): boolean {
  const { route, home, standbyHome, standbyHomeMade: made } = topic
  if (made === undefined || made.cluster !== standbyHome || standbyHome === home) return false
  if (looks.get(home)?.kind === 'away') return false
  if (made.filled && route.standbyHomeTopic === made.topic) return false
  const found = seen(looks, made)?.found
  return found !== undefined && found.partitions >= route.partitions
}
