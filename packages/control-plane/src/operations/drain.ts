// Emptying a cluster.
//
//     CORDON   nothing new is placed there            undo: the state that it had
//     PLAN     what goes where, and why
//     MOVE     until nothing is left that can move    undo: what is under way ends, nothing further begins
//     END      topics that stood by there stand by elsewhere; the cluster is cordoned, and what stays is named
import type { ClusterState, PlannedMove } from '@braid/control-api'
import { fleetSnapshot } from '../placement/fleet-snapshot.ts'
import { type DrainPlan, type FleetSnapshot, planDrain, topicKey } from '../planner/index.ts'
import { count, list } from '../planner/words.ts'
import { givenUp, unknownCluster } from '../refusal.ts'
import type { Nap, Stop } from '../sagas/saga.ts'
import { defineSaga } from '../sagas/saga-kind.ts'
import { setStandby } from '../topics/set-standby.ts'
import { type OperationContext, operationEnds, operationIn } from './context.ts'
import { type MovePlanner, Mover } from './mover.ts'

export const drainSaga = defineSaga<'CORDON' | 'PLAN' | 'MOVE' | 'END', OperationContext>({
  name: 'drain',
  steps: [
    { kind: 'action', name: 'CORDON', do: cordon, undo: uncordon },
    { kind: 'action', name: 'PLAN', do: async (context) => (await moverOf(context)).plan() },
    {
      kind: 'action',
      name: 'MOVE',
      do: async (context, stop: Stop) => (await moverOf(context)).run(stop),
      undo: async (context, stop: Stop, nap: Nap) => (await moverOf(context)).letEnd(stop, nap),
    },
    { kind: 'commit', name: 'END', commit: end },
  ],
  ...operationEnds,
})

/** Another plan for every snapshot: what leaves the cluster, and nothing else. */
export function drainPlanner(cluster: string): MovePlanner {
  return {
    plan: (snapshot) => movesOf(planDrain(snapshot, cluster)),
    whyNot: (snapshot, move) => whyStays(planDrain(snapshot, cluster), move),
    concerns: ({ from, to }) => from === cluster || to === cluster,
    movesAgain: true,
  }
}

export const movesOf = ({ moves }: Pick<DrainPlan, 'moves'>): PlannedMove[] =>
  moves.map(({ topic, from, to, reason }) => ({ tenant: topic.tenant, topic: topic.name, from, to, reason }))

function whyStays(
  { obstacles }: DrainPlan,
  { tenant, topic }: Pick<PlannedMove, 'tenant' | 'topic'>,
): string {
  const key = topicKey({ tenant, name: topic })
  const obstacle = obstacles.find(
    ({ kind, what }) => kind === 'topic' && 'name' in what && topicKey(what) === key,
  )
  return obstacle?.reason ?? 'the plan that was made anew has no move for it'
}

async function moverOf(context: OperationContext): Promise<Mover> {
  const { cluster } = await operationIn(context)
  return new Mover(context.services, context.id, drainPlanner(cluster!))
}

async function cordon(context: OperationContext): Promise<void> {
  const { store } = context.services.plane
  await store.transaction(async () => {
    const { cluster: name, stateBefore } = await operationIn(context)
    const cluster = await store.cluster(name!)
    if (cluster === undefined) throw unknownCluster(name!, [])
    if (cluster.state === 'unavailable') throw givenUp(cluster.name)
    // Once only: what a second try would find is draining.
    if (stateBefore === null) await store.operations.setStateBefore(context.id, cluster.state)
    await store.updateCluster({ ...cluster, state: 'draining' })
  })
}

async function uncordon(context: OperationContext): Promise<void> {
  const { store } = context.services.plane
  await store.transaction(async () => {
    const { cluster: name, stateBefore } = await operationIn(context)
    const cluster = await store.cluster(name!)
    if (stateBefore === null || cluster?.state !== 'draining') return
    await store.updateCluster({ ...cluster, state: stateBefore as ClusterState })
  })
}

async function end(context: OperationContext): Promise<void> {
  const { plane } = context.services
  const { store } = plane
  const { cluster } = await operationIn(context)
  const snapshot = await fleetSnapshot(plane)
  const left = await whatStays(context, snapshot, cluster!)
  for (const { topic, to } of planDrain(snapshot, cluster!).standbys) {
    const route = plane.board.table.topic(topic.tenant, topic.name)
    if (route !== undefined) await setStandby(plane, route.id, to)
  }
  const row = await store.cluster(cluster!)
  // One that was given up meanwhile stays so.
  if (row !== undefined && row.state !== 'unavailable')
    await store.updateCluster({ ...row, state: 'cordoned' })
  await store.operations.end(context.id, left === null ? 'done' : 'failed', left, plane.now())
}

const namedMax = 5

async function whatStays(
  { services, id }: OperationContext,
  snapshot: FleetSnapshot,
  cluster: string,
): Promise<{ code: string; detail: string } | null> {
  const here = snapshot.topics.filter((topic) => topic.cluster === cluster)
  if (here.length === 0) return null
  const { operations } = services.plane.store
  const failed = new Map(
    (await operations.moves(id, { states: ['failed'] })).map((move) => [
      topicKey({ tenant: move.tenant, name: move.topic }),
      move.error,
    ]),
  )
  const plan = planDrain(snapshot, cluster)
  const why = here.map((topic) => {
    const error = failed.get(topicKey(topic))
    const reason = error?.detail ?? whyStays(plan, { tenant: topic.tenant, topic: topic.name })
    return { code: error?.code ?? 'NO_PLACE', words: `${topicKey(topic)} (${reason})` }
  })
  const detail = `${count(here.length, 'topic')} stay on ${cluster}: ${list(
    why.map(({ words }) => words),
    namedMax,
  )}. The cluster stays cordoned; retry the operation once that is mended`
  return { code: why[0]!.code, detail }
}
