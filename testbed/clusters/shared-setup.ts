import type { TestProject } from 'vitest/node'
import { type ClusterDescription, startClusters } from './cluster.ts'

declare module 'vitest' {
  interface ProvidedContext {
    sharedClusters: ClusterDescription[]
  }
}

/** Starts the clusters of all scenarios once. Tests have them by sharedClusters(). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const clusters = await startClusters([{ name: 'a' }, { name: 'b' }, { name: 'c', version: '3.9.2' }])
  project.provide(
    'sharedClusters',
    clusters.map(({ description }) => description),
  )
  return async () => {
    await Promise.all(clusters.map((cluster) => cluster.stop()))
  }
}
