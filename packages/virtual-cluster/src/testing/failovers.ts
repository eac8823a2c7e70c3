import { baseSequence, producerEpoch, producerId } from '@braid/kafka-protocol'
import { type Holes, holesToJson, type LogletAway, TopicRoute } from '@braid/routing-model'
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

/**
 * What producers wrote again to later loglets is left out, also of earlier ones that returned before. False: a producer
 * is in the middle of writing again what the loglet has.
 */
export function finishReturn(
  world: World,
  name: string,
  index: number,
  options: { readonly ends?: readonly bigint[]; readonly waits?: boolean } = {},
): boolean {
  const { ends = cutsOf(world, name, index), waits = false } = options
  const found = holesOf(world, name, index)
  if (waits && found.unsettled) return false
  let route = world.route(name).returned(index, ends, found.holes)
  for (let earlier = 0; earlier < index; earlier++) {
    if (route.away(earlier) !== undefined || !wasLost(route, earlier)) continue
    route = withHoles(route, earlier, holesOf(world, name, earlier).holes)
  }
  world.change(route)
  return true
}

function withHoles(route: TopicRoute, index: number, holes: Holes | undefined): TopicRoute {
  const json = route.toJSON()
  const loglets = json.loglets.map((loglet, i) =>
    i === index && holes !== undefined ? { ...loglet, holes: holesToJson(holes) } : loglet,
  )
  return TopicRoute.fromJSON({ ...json, loglets })
}

/** Only a loglet that was lost is followed by a gap. */
const wasLost = (route: TopicRoute, index: number): boolean =>
  route.end(index, 0) - route.start(index, 0) + route.base(index, 0) < route.base(index + 1, 0)

/** A sealed loglet that was lost keeps the end that it had. */
const cutsOf = (world: World, name: string, index: number): bigint[] => {
  const route = world.route(name)
  return Array.from({ length: route.partitions }, (_, partition) => {
    const end = route.end(index, partition)
    return end >= 0n ? end : world.log(name, index, partition).end
  })
}

interface Found {
  readonly holes: Holes | undefined
  readonly unsettled: boolean
}

/** Batches of the loglet that producers have written again to later ones that can be read. */
function holesOf(world: World, name: string, index: number): Found {
  const route = world.route(name)
  const holes = new Map<number, BigInt64Array>()
  let unsettled = false
  for (let partition = 0; partition < route.partitions; partition++) {
    const again = new Map<string, { first: number; last: number }>()
    for (let later = index + 1; later <= route.active; later++) {
      if (route.away(later)?.state === 'lost') continue
      const end = route.end(later, partition)
      for (const { bytes, baseOffset } of world.log(name, later, partition).batches) {
        if (end >= 0n && baseOffset >= end) continue
        const sequence = baseSequence(bytes, 0)
        const range = again.get(producerOf(bytes))
        if (range === undefined) again.set(producerOf(bytes), { first: sequence, last: sequence })
        else if (sequenceDistance(range.last, sequence) > 0) range.last = sequence
        else if (sequenceDistance(range.first, sequence) < 0) range.first = sequence
      }
    }
    const ranges: bigint[] = []
    for (const { bytes, baseOffset, nextOffset } of world.log(name, index, partition).batches) {
      const range = producerId(bytes, 0) < 0n ? undefined : again.get(producerOf(bytes))
      const sequence = baseSequence(bytes, 0)
      const isBehind = range !== undefined && sequenceDistance(range.first, sequence) >= 0
      const isBeyond = range !== undefined && sequenceDistance(range.last, sequence) > 0
      if (isBehind && isBeyond) unsettled = true
      const wasHole = route.pastHole(index, partition, baseOffset) !== baseOffset
      if (!wasHole && (!isBehind || isBeyond)) continue
      if (ranges.at(-1) === baseOffset) ranges[ranges.length - 1] = nextOffset
      else ranges.push(baseOffset, nextOffset)
    }
    if (ranges.length > 0) holes.set(partition, BigInt64Array.from(ranges))
  }
  return { holes: holes.size === 0 ? undefined : holes, unsettled }
}

const producerOf = (bytes: Buffer): string => `${producerId(bytes, 0)}/${producerEpoch(bytes, 0)}`
