// CONFIGURE, MOVE and DELETE: what follows from what is in force. Nothing is undone any more.

import { type MovePlanner, Mover } from '../operations/mover.ts'
import { topicKey } from '../planner/index.ts'
import { count, list } from '../planner/words.ts'
import { Refusal, unknownTopic } from '../refusal.ts'
import type { Stop } from '../sagas/saga.ts'
import { Topics } from '../topics/topics.ts'
import { type ApplyContext, workIn } from './context.ts'
import { movesOfMisplaced } from './misplaced.ts'
import type { ApplyWork } from './work.ts'

/** Clusters at new addresses are reached there. What topics should be, the reconciler sees to. */
export async function configureApply(context: ApplyContext): Promise<void> {
  const { clusters, facts } = context.services.plane
  const { clusters: changed } = await workIn(context)
  for (const { name } of changed.update) await clusters.reconnect(name)
  for (const { name } of [...changed.create, ...changed.update]) await facts.look(name)
}

export async function moveApply(context: ApplyContext, stop: Stop): Promise<void> {
  const work = await workIn(context)
  await new Mover(context.services, context.id, applyPlanner(work)).run(stop)
}

/** Of the topics that the plan named: those that still may not stay where they are. */
export function applyPlanner({ moves }: Pick<ApplyWork, 'moves'>): MovePlanner {
  const keys = new Set(moves.map(({ tenant, topic }) => topicKey({ tenant, name: topic })))
  return {
    plan: (snapshot) => movesOfMisplaced(snapshot, keys).moves,
    whyNot: (snapshot, { tenant, topic }) =>
      movesOfMisplaced(snapshot, keys).stuck.get(topicKey({ tenant, name: topic })) ??
      'it may stay where it is by now',
    concerns: () => false,
    movesAgain: false,
  }
}

/** Codes of what somebody began to use since: it stays, and is said to. */
const inUse: ReadonlySet<string> = new Set(['CLUSTER_IN_USE', 'TENANT_IN_USE', 'SLA_IN_USE'])

/** In the order in which they stand on each other. What is gone already is gone. */
export async function deleteApply(context: ApplyContext, stop: Stop): Promise<void> {
  const { plane } = context.services
  const { store } = plane
  const { topics, tenants, slas, clusters } = await workIn(context)
  const kept: string[] = []
  const remove = async (what: string, work: () => Promise<void>) => {
    stop.throwIfAborted()
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.code.startsWith('UNKNOWN_')) return
      if (!inUse.has(error.code)) throw error
      kept.push(`${what} (${error.message})`)
    }
  }
  const deleting = new Topics(plane)
  for (const [i, { tenant, name }] of topics.remove.entries()) {
    await remove(`topic ${tenant}/${name}`, () =>
      deleting.delete(tenant!, name, async ({ id }) => {
        // The one that was to be removed is gone, by an earlier try or somebody else: this one came since.
        if (id !== topics.removedIds[i]) throw unknownTopic(name, tenant)
      }),
    )
  }
  for (const { name } of tenants.remove) await remove(`tenant ${name}`, () => removeTenant(plane, name))
  for (const { name } of slas.remove) {
    await remove(`SLA class ${name}`, () =>
      store.transaction(async () => {
        const used = await store.slas.topicCount(name)
        if (used > 0) throw new Refusal('SLA_IN_USE', `${count(used, 'topic')} have it`)
        await store.slas.remove(name)
      }),
    )
  }
  for (const { name } of clusters.remove) await remove(`cluster ${name}`, () => plane.clusters.remove(name))
  if (kept.length === 0) return
  const detail = `what came into use meanwhile stays: ${list(kept)}`
  await store.operations.setError(context.id, { code: 'PLAN_HAS_OBSTACLES', detail })
}

function removeTenant({ store, board }: ApplyContext['services']['plane'], name: string): Promise<void> {
  return store.transaction(async () => {
    if ((await store.tenantSpecs.get(name)) === undefined) return
    const { topics } = await store.tenantSpecs.usage(name)
    if (topics > 0) throw new Refusal('TENANT_IN_USE', `it has ${count(topics, 'topic')}`)
    await board.change({ removedTenants: [name] }, async () => {
      // Who comes later under the same name must not be served with their credentials.
      await store.tokens.removeOfTenant(name)
      await store.tenantSpecs.remove(name)
    })
  })
}

/** In the transaction that ends the saga. */
export async function endApply({ services, id }: ApplyContext): Promise<void> {
  const { store, now } = services.plane
  const error = (await store.operations.get(id))?.error ?? null
  const failed = await store.operations.moves(id, { states: ['failed'] })
  const named = failed.map(
    ({ tenant, topic, error: why }) => `${tenant}/${topic} (${why?.detail ?? 'unknown'})`,
  )
  const why =
    failed.length === 0
      ? error
      : {
          code: failed[0]!.error?.code ?? 'INTERNAL',
          detail: `${count(failed.length, 'topic')} could not be moved: ${list(named)}; the file is in force all the same, retry moves them once that is mended`,
        }
  await store.operations.end(id, why === null ? 'done' : 'failed', why, now())
}
