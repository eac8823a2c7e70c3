import { setTimeout as sleep } from 'node:timers/promises'
import { removeProcesses } from './left-behind.ts'

/** Started by reaper.ts with the run's name; waits for the end of its standard input. */
const run = process.argv[2] ?? ''
const REAP_MAX_MS = 120_000

let containers = false
for await (const chunk of process.stdin) if (String(chunk).includes('containers')) containers = true

// Several passes: what the run was just about to start when it died may appear a little later.
setTimeout(() => process.exit(1), REAP_MAX_MS).unref()
for (let emptyPasses = 0; emptyPasses < 3; ) {
  let removed = 0
  try {
    removed = await removeProcesses(run)
    if (containers) removed += await (await import('./docker-left-behind.ts')).removeContainers(run)
  } catch {
    removed = 1 // try again
  }
  emptyPasses = removed === 0 ? emptyPasses + 1 : 0
  await sleep(1_000)
}
