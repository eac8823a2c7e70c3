// What the steps of an apply work on.
import type { TopicRoute } from '@braid/routing-model'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import { type OperationContext, operationEnds, roundOf } from '../operations/context.ts'
import type { SagaServices } from '../sagas/saga-kind.ts'
import { type ApplyWork, inRound, type NewTopic } from './work.ts'

export interface ApplyContext extends OperationContext {
  /** 1, and one more with every retry. */
  readonly round: number
  /** What PREPARE made, for the COMMIT that follows. After a crash in between PREPARE runs again. */
  prepared: Prepared | undefined
}

export interface Prepared {
  readonly topics: readonly {
    readonly topic: NewTopic
    readonly route: TopicRoute
    readonly replicas: number
  }[]
  /** Of clusters that are new. */
  readonly clusterIds: ReadonlyMap<string, string>
}

export const applyContext = (services: SagaServices, saga: string): ApplyContext => ({
  ...operationEnds.context(services, saga),
  round: roundOf(saga),
  prepared: undefined,
})

export async function workIn({ services, id, round }: ApplyContext): Promise<ApplyWork> {
  const work = (await services.plane.store.operations.work(id)) as ApplyWork
  return round === 1 ? work : inRound(work, round)
}

/** Runs `use` with a way to reach clusters: registered ones, and those that the file is about to register. */
export async function withClusters<T>(
  { services: { plane } }: OperationContext,
  work: ApplyWork,
  use: (open: (name: string) => Promise<KafkaCluster>) => Promise<T>,
): Promise<T> {
  const fresh = new Map<string, KafkaCluster>()
  const open = async (name: string): Promise<KafkaCluster> => {
    const known = fresh.get(name)
    if (known !== undefined) return known
    const document = work.clusters.create.find((cluster) => cluster.name === name)
    if (document === undefined || (await plane.store.cluster(name)) !== undefined) {
      return plane.clusters.open(name)
    }
    const again = fresh.get(name)
    if (again !== undefined) return again
    const { bootstrap, security } = document
    const cluster = plane.clusters.openAt({ name, bootstrap, security: security ?? undefined })
    fresh.set(name, cluster)
    return cluster
  }
  try {
    return await use(open)
  } finally {
    await Promise.all(Array.from(fresh.values(), (cluster) => cluster.close()))
  }
}

/** `task` for each, so many at once. The first failure ends it, after what was under way. */
export async function eachOf<T>(
  items: readonly T[],
  atOnceMax: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values()
  let failed = false
  const run = async () => {
    for (const item of queue) {
      if (failed) return
      try {
        await task(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const runs = await Promise.allSettled(Array.from({ length: Math.min(atOnceMax, items.length) }, run))
  for (const result of runs) if (result.status === 'rejected') throw result.reason
}
