import { spawn } from 'node:child_process'
import type { KafkaVersion } from '../clusters/cluster.ts'
import { javaProgram } from '../clusters/java.ts'
import { kafkaJavaClasspath } from '../clusters/kafka-jars.ts'

/** What a tool of Kafka's said, in full up to a bound. */
export interface ToolRun {
  code: number | null
  stdout: string
  stderr: string
}

const outputMaxChars = 1 << 20

/** Runs a tool of Kafka's own, by its class, to its end; killed at the deadline, which is an error. */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
  { version = '4.3.1', timeoutMs = 120_000 }: { version?: KafkaVersion; timeoutMs?: number } = {},
): Promise<ToolRun> {
  const classpath = await kafkaJavaClasspath(version)
  const child = spawn(javaProgram(), ['-Xmx256m', '-XX:+UseSerialGC', '-cp', classpath, mainClass, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const run: ToolRun = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    if (run.stdout.length < outputMaxChars) run.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    if (run.stderr.length < outputMaxChars) run.stderr += chunk.toString()
  })
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, timeoutMs)
  try {
    run.code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
  } finally {
    clearTimeout(timer)
  }
  if (late) throw new Error(`${mainClass} did not end within ${timeoutMs} ms:\n${run.stdout}\n${run.stderr}`)
  return run
}

export interface PerformanceRun {
  records: number
  latencyMaxMs: number
  /** Lines that name an error or a warning of the client. */
  errors: string[]
}

/** ProducerPerformance with Kafka's defaults (idempotent, five in flight), its records numbered from 0. */
export async function produceWithKafkaTool(options: {
  bootstrap: string
  topic: string
  records: number
  recordsPerSecond: number
  version?: KafkaVersion
  timeoutMs?: number
}): Promise<PerformanceRun> {
  const run = await runKafkaTool(
    'org.apache.kafka.tools.ProducerPerformance',
    [
      ...['--topic', options.topic, '--num-records', String(options.records), '--payload-monotonic'],
      ...['--throughput', String(options.recordsPerSecond)],
      ...['--producer-props', `bootstrap.servers=${options.bootstrap}`, 'acks=all'],
    ],
    options,
  )
  const summary =
    run.stdout
      .trim()
      .split('\n')
      .findLast((line) => line.includes('records sent')) ?? ''
  return {
    records: Number(/^(\d+) records sent/.exec(summary)?.[1] ?? 0),
    latencyMaxMs: Number(/([\d.]+) ms max latency/.exec(summary)?.[1] ?? Number.NaN),
    errors: complaintsOf(run),
  }
}

/** ConsumerPerformance in a group, until it has read this many records or ten seconds bring none. */
export async function consumeWithKafkaTool(options: {
  bootstrap: string
  topic: string
  group: string
  records: number
  version?: KafkaVersion
  timeoutMs?: number
}): Promise<Omit<PerformanceRun, 'latencyMaxMs'>> {
  const run = await runKafkaTool(
    'org.apache.kafka.tools.ConsumerPerformance',
    [
      ...['--bootstrap-server', options.bootstrap, '--topic', options.topic, '--group', options.group],
      ...['--messages', String(options.records), '--timeout', '10000', '--hide-header'],
    ],
    options,
  )
  // start, end, MB, MB/s, records, records/s, ...
  const line =
    run.stdout
      .trim()
      .split('\n')
      .findLast((candidate) => candidate.split(',').length >= 6) ?? ''
  return { records: Number(line.split(',')[4]?.trim() ?? 0), errors: complaintsOf(run) }
}

function complaintsOf(run: ToolRun): string[] {
  const lines = `${run.stdout}\n${run.stderr}`.split('\n')
  const errors = lines.filter((line) => /\b(ERROR|FATAL)\b|Exception|Exiting before consuming/.test(line))
  if (run.code !== 0) errors.push(`exit status ${run.code}: ${run.stderr.slice(-500)}`)
  return errors
}
