// The fleet as a document: shown, compared with a file, and made to be as the file says.
import { randomUUID } from 'node:crypto'
import type { Fleet, FleetApplied, FleetInput, FleetPlan } from '@braid/control-api'
import { sagaOf } from '../operations/context.ts'
import type { Operations } from '../operations/operations.ts'
import type { Plane } from '../plane.ts'
import { list } from '../planner/words.ts'
import { randomName } from '../random-name.ts'
import { Refusal } from '../refusal.ts'
import type { SagaRunner } from '../sagas/saga-runner.ts'
import { applySaga } from './apply.ts'
import { diffFleet } from './diff.ts'
import { exportFleet } from './document.ts'
import { reachNew } from './new-clusters.ts'
import { planOf } from './plan.ts'
import { stalePlan } from './prepare.ts'
import { worldRevision } from './revision.ts'
import { workOf } from './work.ts'
import { worldNow } from './world-now.ts'

/** Topics that an apply moves at once. */
const concurrency = 10
const namedMax = 5

export class Fleets {
  private readonly plane: Plane
  private readonly sagas: SagaRunner
  private readonly operations: Operations

  constructor(plane: Plane, sagas: SagaRunner, operations: Operations) {
    this.plane = plane
    this.sagas = sagas
    this.operations = operations
  }

  async export(): Promise<{ revision: string; fleet: FleetInput }> {
    const world = await worldNow(this.plane)
    return { revision: worldRevision(world), fleet: exportFleet(world.declared) }
  }

  async plan(file: Fleet, { prune }: { readonly prune: boolean }): Promise<FleetPlan> {
    await this.askClusters()
    const world = await worldNow(this.plane)
    return planOf(diffFleet(world, file, { prune, reached: await reachNew(this.plane, world, file) }))
  }

  /** `record` is called in the transaction that begins it. */
  async apply(
    file: Fleet,
    { basedOn, prune, by }: { readonly basedOn: string; readonly prune: boolean; readonly by: string },
    record: (applied: FleetApplied) => Promise<void> = async () => {},
  ): Promise<FleetApplied> {
    const { store, board, now, random } = this.plane
    await this.askClusters()
    const reached = await reachNew(this.plane, await worldNow(this.plane), file)
    return store.transaction(async () => {
      const world = await worldNow(this.plane)
      const revision = worldRevision(world)
      if (revision !== basedOn) throw stalePlan(basedOn, revision)
      const [underway] = await store.operations.underway('apply')
      if (underway !== undefined) {
        throw new Refusal(
          'OPERATION_IN_PROGRESS',
          `operation ${underway.id} applies a file at this moment: wait for it, or cancel it`,
        )
      }
      const diff = diffFleet(world, file, { prune, reached })
      const plan = planOf(diff)
      if (plan.obstacles.length > 0) {
        const named = plan.obstacles.map(({ what, reason }) => `${what}: ${reason}`)
        throw new Refusal('PLAN_HAS_OBSTACLES', `the file cannot be applied: ${list(named, namedMax)}`)
      }
      const id = randomName(12, random)
      const saga = sagaOf(id, 1)
      await store.operations.add({
        id,
        kind: 'apply',
        title: 'apply of a fleet file',
        cluster: null,
        saga,
        concurrency,
        options: { prune },
        work: workOf(diff, {
          random,
          newId: randomUUID,
          idOf: ({ tenant, name }) => board.table.topic(tenant, name)?.id,
        }),
        by,
        createdAt: now(),
      })
      await store.operations.addMoves(id, diff.moves)
      await this.sagas.start(applySaga.name, saga)
      const applied = { plan, operation: await this.operations.shown(id) }
      await record(applied)
      return applied
    })
  }

  private async askClusters(): Promise<void> {
    const { store, facts } = this.plane
    await facts.refresh((await store.clusters()).map(({ name }) => name))
  }
}
