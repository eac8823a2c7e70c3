import { expect, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'
import { soak } from '../soak/soak.ts'
import { Timeline } from '../soak/timeline.ts'

// What `npm run soak` does, for a minute, with the choices of one seed; BRAID_SEED names another. Timing is never the
// same twice.

const RUN_MS = 60_000
const seed = Number(process.env.BRAID_SEED ?? 20)

test(`a minute of random faults, BRAID_SEED=${seed}`, async () => {
  const timeline = new Timeline(() => {})
  const { verdict, line } = await soak({
    clusters: sharedClusters(),
    forMs: RUN_MS,
    seed,
    timeline,
    signal: new AbortController().signal,
  })
  console.info([...timeline.lines, line].join('\n'))
  expect(verdict, `seed ${seed}`).toMatchObject({ evidence: [], verdict: 'clean' })
})
