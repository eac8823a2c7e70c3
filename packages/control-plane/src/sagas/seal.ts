import type { Cuts } from '@braid/kafka-connection'
import { clusterRefusal } from '../clusters/clusters.ts'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import type { Plane } from '../plane.ts'
import { Refusal } from '../refusal.ts'
import type { MigrationRow } from '../store/rows.ts'
import { sealedMaxMessageBytes } from '../topics/copied-configs.ts'
import { eachMember } from './each-member.ts'
import { type GroupContext, groupOf, type Member, memberOf, routeIfThere } from './group.ts'
import { GroupFailure, type TopicFailure } from './group-failure.ts'
import { indexOfLoglet } from './loglet-index.ts'
import type { Stop } from './saga.ts'
import { switchOf } from './switch.ts'

export interface Sealed {
  /** The physical cut of each partition, by migration id. */
  readonly cuts: ReadonlyMap<string, readonly bigint[]>
  /** From the seal's request to the last partition proven sealed and cut, ms. */
  readonly sealMs: number
  /** At all leaders, until the cuts were final. */
  readonly looks: number
}

/**
 * SEAL: from the first broker's refusal to the SWITCH clients wait, so whatever can be done before is: the configs
 * that an undo puts back are on the disk, connections are open, leaders known, the SWITCH has been rehearsed. Then
 * one request seals all topics, and one pass a look over all leaders reads their cuts.
 */
export async function seal(context: GroupContext, stop: Stop): Promise<void> {
  const { plane } = context
  const { timings } = plane
  const { rows, from, to } = await groupOf(context)
  const members = rows.map((row) => memberOf(plane, row))
  const source = await plane.clusters.open(from)
  try {
    await recordOverrides(context, source, members, stop)
    const target = await plane.clusters.open(to)
    const [soFar, ready] = await Promise.all([
      source.readCuts(
        members.map(({ row, route }) => ({ topic: row.from.topic, partitions: route.partitions })),
      ),
      target.readCuts(
        members.map(({ row, route }) => ({ topic: row.to.topic, partitions: route.partitions })),
      ),
    ])
    refuseSilent(to, members, ready)
    await rehearse(context, members, soFar)
    stop.throwIfAborted()

    const startedAt = performance.now()
    await source.seal(members.map(({ row }) => row.from.topic))
    const { cuts, looks } = await readFinalCuts(source, members.map(toCut), {
      deadline: startedAt + timings.sealMaxMs,
      pause: () => plane.sleep(timings.sealPollMs, stop),
    })
    context.sealed = { cuts, sealMs: performance.now() - startedAt, looks }
  } catch (error) {
    const [first] = rows
    const what = rows.length === 1 ? `topic ${first!.topic}` : `${rows.length} topics`
    throw clusterRefusal(error, `${what} could not be sealed on ${from}`)
  }
}

/** Once only: when SEAL runs again after a crash, what it would read is the seal. */
async function recordOverrides(
  { plane }: GroupContext,
  source: KafkaCluster,
  members: readonly Member[],
  stop: Stop,
): Promise<void> {
  const unknown = members.filter(({ row }) => row.overrideBeforeSeal === undefined)
  if (unknown.length === 0) return
  const overrides = new Map<string, string | null>()
  const what = ({ row }: Member) => `topic ${row.topic} could not be sealed on ${row.from.cluster}`
  await eachMember(unknown, stop, what, async ({ row }) => {
    const limit = (await source.describe(row.from.topic))?.configs.get('max.message.bytes')
    const override = limit?.source === 'topic' ? limit.value : null
    overrides.set(row.id, override === sealedMaxMessageBytes ? null : override)
  })
  await plane.store.transaction(async () => {
    for (const [id, override] of overrides) await plane.store.migrations.setOverrideBeforeSeal(id, override)
  })
}

function refuseSilent(to: string, members: readonly Member[], ready: readonly Cuts[]): void {
  const failures: TopicFailure[] = []
  for (const [i, { row }] of members.entries()) {
    const { pending, cuts } = ready[i]!
    const [silent] = pending.filter(({ partition }) => cuts[partition]! < 0n)
    if (silent === undefined) continue
    const refusal = new Refusal(
      'CLUSTER_UNREACHABLE',
      `${to} went away after topic ${row.topic} was prepared there (partition ${silent.partition}: ${silent.reason}), so it was not sealed`,
    )
    failures.push({ migration: row.id, topic: row.topic, refusal })
  }
  const [first, ...more] = failures
  if (first !== undefined) throw new GroupFailure([first, ...more])
}

async function rehearse(
  context: GroupContext,
  members: readonly Member[],
  soFar: readonly Cuts[],
): Promise<void> {
  const cuts = new Map<string, readonly bigint[]>()
  for (const [i, { row, route }] of members.entries()) {
    const found = soFar[i]!.cuts
    if (!found.every((cut, partition) => cut >= route.start(route.active, partition))) return
    cuts.set(row.id, found)
  }
  const { changes, write } = switchOf(context, members, { cuts, sealMs: 0, looks: 0 })
  await context.plane.board.rehearse(changes, write)
}

/** A physical topic whose seal was asked for. */
export interface TopicToCut {
  /** By which its cuts are found. */
  readonly id: string
  /** As people call the topic. */
  readonly name: string
  readonly physical: string
  readonly partitions: number
}

const toCut = ({ row, route }: Member): TopicToCut => ({
  id: row.id,
  name: row.topic,
  physical: row.from.topic,
  partitions: route.partitions,
})

/**
 * The log ends of all partitions, by id, once every broker refuses appends and nothing moves any more. An append that
 * was validated just before the seal may land just after the first look, so two looks must agree.
 */
export async function readFinalCuts(
  source: KafkaCluster,
  topics: readonly TopicToCut[],
  { deadline, pause }: { deadline: number; pause: () => Promise<void> },
): Promise<Pick<Sealed, 'cuts' | 'looks'>> {
  const final = new Map<string, readonly bigint[]>()
  const before = new Map<string, readonly bigint[]>()
  let left = topics
  for (let looks = 1; ; looks++) {
    const found = await source.readCuts(
      left.map(({ physical, partitions }) => ({ topic: physical, partitions })),
    )
    const unsealed: TopicFailure[] = []
    for (const [i, { id, name, physical, partitions }] of left.entries()) {
      const { sealed, cuts, pending } = found[i]!
      if (sealed.every(Boolean)) {
        const earlier = before.get(id)
        if (earlier?.every((cut, partition) => cut === cuts[partition])) final.set(id, cuts)
        else before.set(id, cuts)
        continue
      }
      before.delete(id)
      const [first] = pending
      const refusal = new Refusal(
        'SEAL_FAILED',
        `${pending.length} of ${partitions} partitions of ${physical} on ${source.name} do not refuse records yet (partition ${first?.partition}: ${first?.reason}); its brokers may be overloaded or away`,
      )
      unsealed.push({ migration: id, topic: name, refusal })
    }
    left = left.filter(({ id }) => !final.has(id))
    if (left.length === 0) return { cuts: final, looks }
    const [first, ...more] = unsealed
    if (first === undefined) continue // the second look at once
    if (performance.now() > deadline) throw new GroupFailure([first, ...more])
    await pause()
  }
}

/**
 * Only before SWITCH. What was sealed and switched is sealed for ever, and so is what a failover has moved on from. On a
 * cluster that was given up nobody can be asked: the reconciler takes the seal off when it has returned.
 */
export async function unseal(context: GroupContext): Promise<void> {
  const { plane } = context
  const { rows, from } = await groupOf(context)
  if ((await plane.store.cluster(from))?.state === 'unavailable') return
  // Without its override the seal was never asked for; and a topic that was deleted needs none.
  const sealed = rows.filter((row) => row.overrideBeforeSeal !== undefined && isStillActive(plane, row))
  if (sealed.length === 0) return
  const source = await plane.clusters.open(from)
  await source.unseal(
    sealed.map((row) => ({ topic: row.from.topic, override: row.overrideBeforeSeal!.value })),
  )
}

function isStillActive(plane: Plane, row: MigrationRow): boolean {
  const route = routeIfThere(plane, row)
  return route !== undefined && indexOfLoglet(route, row.from) === route.active
}
