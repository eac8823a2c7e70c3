import { inject } from 'vitest'
import { attachCluster, type KafkaCluster } from './cluster.ts'
import { ClusterError } from './errors.ts'

const descriptions = inject('sharedClusters') ?? []
const clusters: readonly KafkaCluster[] = await Promise.all(descriptions.map(attachCluster))

/**
 * Three one-broker clusters, a and b on 4.3.1, c on 3.9.2, started once for all scenarios. A test may break them:
 * before the next file they are up again. It uses topics of its own, and stops none of them.
 */
export function sharedClusters(): KafkaCluster[] {
  if (clusters.length === 0)
    throw new ClusterError(
      'STOPPED',
      'clusters are shared by tests in testbed/scenarios only: use startClusters here',
    )
  return clusters.map((cluster) => ({
    ...cluster,
    stop: () =>
      Promise.reject(
        new ClusterError('STOPPED', `cluster ${cluster.name} is shared: the run stops it at its end`),
      ),
  }))
}
