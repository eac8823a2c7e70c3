import { chooseProvider, startClusters } from '../clusters/cluster.ts'
import { currentRun } from '../clusters/run.ts'

/**
 * A run of its own for clusters.test.ts: starts a cluster, with `stop` stops it again, says the run's name, and
 * waits to be ended. With `exit` it ends by itself without stopping anything.
 */
const [mode] = process.argv.slice(2)
await chooseProvider()
const [cluster] = await startClusters([{ name: 'own' }])
if (mode === 'stop') await cluster?.stop()
console.log(currentRun())
if (mode === 'exit') process.exit(0)
setTimeout(() => process.exit(1), 120_000)
