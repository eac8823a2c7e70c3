// Clusters that a file names and that are not registered, or not at these addresses.
import type { Fleet } from '@braid/control-api'
import type { KafkaCluster } from '../clusters/kafka-cluster.ts'
import { reasonOf } from '../log.ts'
import type { Plane } from '../plane.ts'
import { connectionOf } from './impossible.ts'
import type { ClusterDocument, Reached, World } from './world.ts'

const askedAtOnceMax = 32
const answerMaxMs = 10_000

/** Asks those that are new, or at new addresses: what they say, or why they say nothing. */
export async function reachNew(
  plane: Plane,
  { declared }: Pick<World, 'declared'>,
  { clusters }: Pick<Fleet, 'clusters'>,
): Promise<Map<string, Reached>> {
  const known = new Map(declared.clusters.map((cluster) => [cluster.name, connectionOf(cluster)]))
  const asked = clusters.filter((cluster) => known.get(cluster.name) !== connectionOf(cluster))
  const answers = new Map<string, Reached>()
  const queue = asked.values()
  const ask = async () => {
    for (const cluster of queue) answers.set(cluster.name, await reach(plane, cluster))
  }
  await Promise.all(Array.from({ length: Math.min(askedAtOnceMax, asked.length) }, ask))
  return answers
}

async function reach(plane: Plane, document: ClusterDocument): Promise<Reached> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await withCluster(plane, document, async (cluster) => {
      const late = new Promise<never>((_, reject) => {
        const error = new Error(`no answer within ${answerMaxMs} ms`)
        timer = setTimeout(() => reject(error), answerMaxMs).unref()
      })
      const facts = await Promise.race([cluster.facts(), late])
      await Promise.race([cluster.checkSupported(), late])
      return { kind: 'reached', ...facts }
    })
  } catch (error) {
    return { kind: 'not-reached', reason: reasonOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

/** A connection of our own, for as long as `use` takes. */
export async function withCluster<T>(
  plane: Plane,
  { name, bootstrap, security }: ClusterDocument,
  use: (cluster: KafkaCluster) => Promise<T>,
): Promise<T> {
  const cluster = plane.clusters.openAt({ name, bootstrap, security: security ?? undefined })
  try {
    return await use(cluster)
  } finally {
    await cluster.close()
  }
}
