/**
 * Random faults on three real clusters under load, from a seed, for as long as you like; then the judge.
 *
 *     npm run soak -- --minutes 30
 *     npm run soak -- --minutes 5 --seed 4711      the same choices again, though not the same timing
 *
 * Exit status 1 when the verdict is not clean, 2 when there is none, 130 when it was interrupted.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { Ending, unlessEnded } from '../demo/ending.ts'
import { soak } from './soak.ts'
import { Timeline } from './timeline.ts'

// KafkaJS 2.2.4 computes negative timeouts, which Node 24 warns of.
process.removeAllListeners('warning')

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
})
const minutes = Number(values.minutes)
const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('npm run soak -- --minutes N --seed S: minutes above 0, and a whole number as seed')
  process.exit(2)
}

const timeline = new Timeline((line) => process.stdout.write(`${line}\n`))
const ending = new Ending()
try {
  process.exitCode = await run()
} catch (error) {
  if (ending.signal.aborted) {
    timeline.say('interrupted: removing clusters, proxies and clients')
    process.exitCode = 130
  } else {
    console.error(error)
    console.error(`no verdict: seed ${seed}`)
    process.exitCode = 2
  }
} finally {
  await ending.end()
}
// Nothing of ours is left; a client library's idle timer must not keep the process.
process.exit()

async function run(): Promise<number> {
  timeline.say(`seed ${seed}, ${minutes} minutes; starting three Kafka clusters`)
  const starting = startClusters([
    { name: 'a', version: '4.3.1' },
    { name: 'b', version: '4.3.1' },
    { name: 'c', version: '3.9.2' },
  ])
  ending.add(async () => {
    const started = await starting.catch((): KafkaCluster[] => [])
    await Promise.all(started.map((cluster) => cluster.stop()))
  })
  const clusters = await unlessEnded(ending.signal, starting)
  const soaking = soak({ clusters, forMs: minutes * 60_000, seed, timeline, signal: ending.signal })
  ending.add(async () => {
    await soaking.catch(() => {})
  })
  const { verdict, line } = await unlessEnded(ending.signal, soaking)
  if (verdict.verdict !== 'clean') {
    console.error(`findings of seed ${seed}; the time line is above:`)
    for (const evidence of verdict.evidence) console.error(`  ${evidence}`)
  }
  process.stdout.write(`${line}\n`)
  return verdict.verdict === 'clean' ? 0 : 1
}
