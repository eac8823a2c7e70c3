import type { DesiredTopic, Looks } from './desired.ts'
import type { Difference } from './difference.ts'
import { configDrift, seen } from './drift.ts'

/** The empty topic that waits on another cluster. It is in no route; the store says which it is. */
export function standbyDrift(topic: DesiredTopic, looks: Looks): Difference[] {
  const { route, standby, standbyMade: made } = topic
  const code = 'STANDBY_DIFFERS'
  if (topic.standsByItself && made === undefined) {
    const text = `it has moved to ${route.cluster(route.active)}, which was its standby, and has no other one yet`
    return [{ code, text, mend: { kind: 'choose-standby' } }]
  }
  if (made !== undefined && made.cluster !== standby) {
    const why = standby === null ? 'it has no standby any more' : `its standby is ${standby}`
    const text = `${made.topic} waits on ${made.cluster} for a failover, and ${why}`
    return [{ code, text, mend: { kind: 'drop-standby', physical: made } }]
  }
  if (standby === null) return []
  if (looks.get(standby)?.kind === 'away') {
    return made === undefined ? [{ code, text: `its topic for a failover waits for ${standby}` }] : []
  }
  const make = { kind: 'make-standby', cluster: standby, again: made } as const
  if (made === undefined)
    return [{ code, text: `its topic for a failover is not on ${standby} yet`, mend: make }]
  const look = seen(looks, made)
  if (look === undefined) return []
  const { found } = look
  const where = `${made.topic}, which waits on ${standby} for a failover,`
  if (found === undefined)
    return [{ code, text: `${where} is not there: somebody deleted it; it is made again`, mend: make }]
  const differences: Difference[] = []
  if (found.partitions < route.partitions) {
    differences.push({
      code,
      text: `${where} has ${found.partitions} partitions, should have ${route.partitions}`,
      mend: { kind: 'add-partitions', physical: made, partitions: route.partitions },
    })
  }
  const limit = String(route.maxMessageBytes)
  const asRouted = { ...topic, configs: { ...topic.configs, 'max.message.bytes': limit } }
  return [...differences, ...configDrift(asRouted, made, found, () => true)]
}
