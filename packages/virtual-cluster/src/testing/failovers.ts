import { baseSequence, producerEpoch, producerId } from '@braid/kafka-protocol'
import type { LogletAway } from '@braid/routing-model'
import { sequenceDistance } from '../sequence.ts'
import type { World } from './world.ts'

/** Beyond anything that a log in a test holds. */
export const GAP = 1_000_000n

/** The cluster falls silent: connections stay as they are, and nothing comes of them. */
export function lose(world: World, cluster: string): void {
  world.kafka(cluster).silent = true
}

export function comeBack(world: World, cluster: string): void {
  const kafka = world.kafka(cluster)
  kafka.silent = false
  for (const connection of [...kafka.connections]) connection.break()
  kafka.changed()
}

/** The routes say that the cluster is given up, or that it is not any more. */
export function fence(world: World, cluster: string, fenced = true): void {
  const { fenced: _, ...route } = world.table.clusters.get(cluster)!
  world.publish({ clusters: [fenced ? { ...route, fenced } : route] })
}

/** The topic goes on elsewhere; what it had on the lost cluster is lost with it. */
export function failOver(
  world: World,
  name: string,
  to: string,
  readers: LogletAway['readers'] = 'wait',
): void {
  const before = world.route(name)
  const lost = before.cluster(before.active)
  const base = before.base(before.active, 0) + GAP
  const topic = world.createNext(name, to)
  world.change(before.lostAndAppended(base, { cluster: to, topic }, readers).sealedLost(lost, readers))
}

/** The newest loglet that is lost; -1: none is. */
export function newestLost(world: World, name: string): number {
  const route = world.route(name)
  let index = route.active
  while (index >= 0 && route.away(index)?.state !== 'lost') index--
  return index
}

/** It is sealed, and its ends are read. */
export function startReturn(world: World, name: string, index: number): void {
  const route = world.route(name)
  world.kafka(route.cluster(index)).seal(route.physicalTopic(index))
  world.change(route.returning(index, cutsOf(world, name, index)))
}

/** What producers wrote again to later loglets is left out. */
export function finishReturn(world: World, name: string, index: number, ends?: readonly bigint[]): void {
  const route = world.route(name)
  const holes = new Map<number, BigInt64Array>()
  for (let partition = 0; partition < route.partitions; partition++) {
    const ranges = holesOf(world, name, index, partition)
    if (ranges.length > 0) holes.set(partition, BigInt64Array.from(ranges))
  }
  world.change(
    route.returned(index, ends ?? cutsOf(world, name, index), holes.size === 0 ? undefined : holes),
  )
}

/** A sealed loglet that was lost keeps the end that it had. */
const cutsOf = (world: World, name: string, index: number): bigint[] => {
  const route = world.route(name)
  return Array.from({ length: route.partitions }, (_, partition) => {
    const end = route.end(index, partition)
    return end >= 0n ? end : world.log(name, index, partition).end
  })
}

/** Batches of a producer whose sequence is at or behind its first one in later loglets. */
function holesOf(world: World, name: string, index: number, partition: number): bigint[] {
  const route = world.route(name)
  const firsts = new Map<string, number>()
  for (let later = index + 1; later <= route.active; later++) {
    const end = route.end(later, partition)
    for (const { bytes, baseOffset } of world.log(name, later, partition).batches) {
      const who = `${producerId(bytes, 0)}/${producerEpoch(bytes, 0)}`
      if ((end < 0n || baseOffset < end) && !firsts.has(who)) firsts.set(who, baseSequence(bytes, 0))
    }
  }
  const ranges: bigint[] = []
  for (const { bytes, baseOffset, nextOffset } of world.log(name, index, partition).batches) {
    const first = firsts.get(`${producerId(bytes, 0)}/${producerEpoch(bytes, 0)}`)
    if (producerId(bytes, 0) < 0n || first === undefined) continue
    if (sequenceDistance(first, baseSequence(bytes, 0)) < 0) continue
    if (ranges.at(-1) === baseOffset) ranges[ranges.length - 1] = nextOffset
    else ranges.push(baseOffset, nextOffset)
  }
  return ranges
}
