import { beforeAll } from 'vitest'
import { sharedClusters } from './shared.ts'

// A scenario that failed half way must not fail the next one.
beforeAll(async () => {
  await Promise.all(sharedClusters().flatMap(({ brokers }) => brokers.map((broker) => broker.start())))
})
