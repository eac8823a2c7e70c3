import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ModelRun, migrationStep } from './testing/model-run.ts'
import { realTime, virtualTime } from './testing/virtual-time.ts'

const seedFromEnvironment = process.env.BRAID_SEED

describe('idempotent producers, whatever happens', { timeout: 60_000 }, () => {
  beforeEach(virtualTime)
  afterEach(realTime)

  const parameters = {
    numRuns: Number(process.env.BRAID_RUNS ?? 300),
    interruptAfterTimeLimit: 13_000,
    ...(seedFromEnvironment !== undefined && { seed: Number(seedFromEnvironment) }),
  }

  for (const [engines, producers] of [
    [1, 'known'],
    [2, 'known'],
    [1, 'fresh'],
    [2, 'fresh'],
  ] as const) {
    it(`keeps each acknowledged batch once, in order, where it was said to be: ${engines} access point(s), ${producers} producers`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(migrationStep, { minLength: 1, maxLength: 150, size: 'max' }),
          async (steps) => {
            const run = new ModelRun(engines, producers)
            for (const each of steps) await run.take(each)
            await run.finish()
            expect(run.faults()).toEqual([])
          },
        ),
        parameters,
      )
    })
  }
})
