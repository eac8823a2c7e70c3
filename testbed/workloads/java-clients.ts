import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { KafkaVersion } from '../clusters/cluster.ts'
import { javaProgram } from '../clusters/java.ts'
import { decodeEvent, monotonicMs } from '../history/event.ts'
import type { Recorder } from '../history/recorder.ts'
import { loadClasspath } from './java/compiled-load.ts'
import type { GroupWorkload, ProducerWorkload } from './workload.ts'
import { settledWithin } from './workload.ts'

const startMaxMs = 60_000
const endMaxMs = 60_000

export interface JavaProducerOptions {
  bootstrap: string
  topic: string
  version?: KafkaVersion
  recordsPerSecond?: number
  keys?: number
  valueBytes?: number
  name?: string
  /** Producer properties; Kafka's defaults are idempotent with five requests in flight. */
  properties?: Readonly<Record<string, string>>
}

export async function startJavaProducer(
  recorder: Recorder,
  options: JavaProducerOptions,
): Promise<ProducerWorkload> {
  const { topic, name = 'java', recordsPerSecond = 2_000, keys = 100, valueBytes = 100 } = options
  let sent = 0
  let acknowledged = 0
  const java = await startJava(name, recorder, options.version, [
    ...['produce', name, topic, String(recordsPerSecond), String(keys), String(valueBytes)],
    ...properties({ 'bootstrap.servers': options.bootstrap, 'client.id': name, ...options.properties }),
  ])
  java.onEvent = (type) => {
    if (type === 'sent') sent++
    if (type === 'acknowledged') acknowledged++
  }
  await java.ready
  return {
    get sent() {
      return sent
    },
    get acknowledged() {
      return acknowledged
    },
    stop: java.stop,
  }
}

export interface JavaGroupOptions {
  bootstrap: string
  topic: string
  group: string
  version?: KafkaVersion
  members?: number
  properties?: Readonly<Record<string, string>>
}

export async function startJavaGroup(
  recorder: Recorder,
  options: JavaGroupOptions,
): Promise<Pick<GroupWorkload, 'received' | 'stop'> & { position(partition: number): bigint }> {
  const { topic, group, members = 2 } = options
  const positions = new Map<number, bigint>()
  let received = 0
  const javas = await Promise.all(
    Array.from({ length: members }, async (_, index) => {
      const member = `java-m${index}`
      const java = await startJava(member, recorder, options.version, [
        ...['consume', member, topic, group],
        ...properties({ 'bootstrap.servers': options.bootstrap, 'client.id': member, ...options.properties }),
      ])
      java.onReceived = (partition, end, count) => {
        received += count
        if (end > (positions.get(partition) ?? 0n)) positions.set(partition, end)
      }
      return java
    }),
  )
  const stop = async () => {
    await Promise.all(javas.map((java) => java.stop()))
  }
  try {
    await Promise.all(javas.map((java) => java.ready))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get received() {
      return received
    },
    position: (partition) => positions.get(partition) ?? 0n,
    stop,
  }
}

interface JavaProcess {
  ready: Promise<void>
  onEvent: (type: string) => void
  onReceived: (partition: number, end: bigint, count: number) => void
  stop(): Promise<void>
}

async function startJava(
  name: string,
  recorder: Recorder,
  version: KafkaVersion | undefined,
  args: readonly string[],
): Promise<JavaProcess> {
  const classpath = await loadClasspath(version ?? '4.3.1')
  const child = spawn(
    javaProgram(),
    ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classpath, 'Load', ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  child.stdin.on('error', () => {}) // it has exited; its exit code tells
  const complaints: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaints.push(line)
    if (complaints.length > 50) complaints.shift()
  })
  const report = (error: string) => recorder.record({ type: 'error', at: monotonicMs(), client: name, error })
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      report(error.message)
      resolve()
    })
    child.once('close', (code) => {
      if (code !== 0) report(`java ended with ${code}: ${complaints.slice(-10).join(' | ')}`)
      resolve()
    })
  })
  let isReady: () => void
  const said = new Promise<void>((resolve) => {
    isReady = resolve
  })
  const java: JavaProcess = {
    ready: readyWithin(name, said, ended, complaints),
    onEvent: () => {},
    onReceived: () => {},
    async stop() {
      child.stdin.end()
      if (await settledWithin(ended, endMaxMs)) return
      report(`did not end within ${endMaxMs} ms after its input ended`)
      child.kill('SIGKILL')
      await ended
    },
  }
  java.ready.catch(() => {}) // whoever awaits it later sees it
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{"event":"ready"')) return isReady()
    const event = decodeEvent(line)
    recorder.record(event)
    java.onEvent(event.type)
    if (event.type === 'received') {
      java.onReceived(event.partition, event.offsets.at(-1)! + 1n, event.offsets.length)
    }
  })
  return java
}

async function readyWithin(
  name: string,
  said: Promise<void>,
  ended: Promise<void>,
  complaints: readonly string[],
): Promise<void> {
  const first = Promise.race([said.then(() => 'ready'), ended.then(() => 'ended')])
  if (!(await settledWithin(first, startMaxMs)) || (await first) === 'ended') {
    throw new Error(
      [`${name} is not ready after ${startMaxMs} ms, or has ended`, ...complaints.slice(-20)].join('\n'),
    )
  }
}

function properties(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([key, value]) => `${key}=${value}`)
}
