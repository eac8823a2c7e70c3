import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FailoverRun, failoverStep } from './testing/failover-run.ts'
import { realTime, virtualTime } from './testing/virtual-time.ts'

const seedFromEnvironment = process.env.BRAID_SEED

describe('idempotent producers, while clusters are lost and return', { timeout: 60_000 }, () => {
  beforeEach(virtualTime)
  afterEach(realTime)

  const parameters = {
    numRuns: Number(process.env.BRAID_RUNS ?? 200),
    interruptAfterTimeLimit: 13_000,
    ...(seedFromEnvironment !== undefined && { seed: Number(seedFromEnvironment) }),
  }

  for (const [engines, producers, policy] of [
    [1, 'fresh', 'strict'],
    [2, 'fresh', 'strict'],
    [2, 'known', 'available'],
  ] as const) {
    it(`have each acknowledged batch once, in order, where it was said to be: ${engines} access point(s), ${producers} producers, ${policy}`, async () => {
      const steps = fc.array(failoverStep, { minLength: 20, maxLength: 300, size: 'max' })
      await fc.assert(
        fc.asyncProperty(steps, async (schedule) => {
          const run = new FailoverRun(engines, producers, policy)
          for (const each of schedule) await run.take(each)
          await run.finish()
          expect(await run.faultsAlsoRead()).toEqual([])
        }),
        parameters,
      )
    })
  }
})
