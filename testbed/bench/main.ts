/**
 *     npm run bench                            all benchmarks
 *     npm run bench -- NAME                    one of them
 *     npm run -s bench -- NAME --json          ends with one JSON line; progress goes to stderr
 *     npm run bench -- failover --runs 3       fewer runs than it takes for an average
 */
import { parseArgs } from 'node:util'
import type { Benchmark } from './benchmark.ts'
import { controlPlaneBenchmark } from './control-plane.ts'
import { failoverBenchmark } from './failover.ts'
import { migrationBenchmark } from './migration.ts'
import { proxyBenchmark } from './proxy.ts'
import { routingBenchmark } from './routing.ts'

// KafkaJS 2.2.4 computes negative timeouts, which Node 24 warns of.
process.removeAllListeners('warning')

const benchmarks: readonly Benchmark[] = [
  routingBenchmark,
  controlPlaneBenchmark,
  proxyBenchmark,
  migrationBenchmark,
  failoverBenchmark,
]

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, runs: { type: 'string' } },
  allowPositionals: true,
})
const unknown = positionals.find((name) => !benchmarks.some((benchmark) => benchmark.name === name))
if (unknown !== undefined) {
  console.error(`there is no benchmark ${unknown}; there are:`)
  for (const { name, what } of benchmarks) console.error(`  ${name.padEnd(13)} ${what}`)
  process.exit(2)
}

const runs = values.runs === undefined ? undefined : Number(values.runs)
if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) {
  console.error(`--runs ${values.runs}: a number of runs, 1 or more`)
  process.exit(2)
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)))
}
const progress = values.json ? process.stderr : process.stdout
const chosen = benchmarks.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const json: Record<string, unknown> = {}
try {
  for (const { name, what, run } of chosen) {
    progress.write(`\n${name}: ${what}\n`)
    const result = await run((line) => progress.write(`  ${line}\n`), interrupted.signal, { runs })
    progress.write(`\n${result.table.map((line) => `  ${line}`).join('\n')}\n`)
    Object.assign(json, result.json)
  }
  if (values.json) process.stdout.write(`${JSON.stringify(json)}\n`)
} catch (error) {
  console.error(interrupted.signal.aborted ? 'interrupted' : error)
  process.exit(interrupted.signal.aborted ? 130 : 2)
}
process.exit()
