import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs, UNKNOWN_OFFSET } from '../history/event.ts'
import type { Recorder } from '../history/recorder.ts'
import { idOf, paddedValue } from './record-value.ts'
import { type GroupWorkload, type ProducerWorkload, settledWithin } from './workload.ts'

/**
 * librdkafka, by way of kcat. It says how many records were delivered, not which: so all of them are acknowledged in
 * the history when it says that none is outstanding and none failed, and the judge looks for each in the topic.
 * For the same reason nothing can be said of how long a record waited: pauses of such a history mean nothing.
 */
export interface KcatProducerOptions {
  bootstrap: string
  topic: string
  recordsPerSecond?: number
  keys?: number
  valueBytes?: number
  idempotent?: boolean
  name?: string
  properties?: Readonly<Record<string, string>>
}

export async function startKcatProducer(
  recorder: Recorder,
  options: KcatProducerOptions,
): Promise<ProducerWorkload> {
  const {
    topic,
    recordsPerSecond = 2_000,
    keys = 100,
    valueBytes = 100,
    idempotent = true,
    name = 'kcat',
  } = options
  const child = spawn(
    'kcat',
    [
      ...['-P', '-b', options.bootstrap, '-t', topic, '-K', ':', '-v', '-v'],
      ...properties({
        'enable.idempotence': String(idempotent),
        acks: 'all',
        'linger.ms': '5',
        ...(idempotent ? {} : { 'max.in.flight': '1' }),
        ...options.properties,
      }),
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  )
  const ended = exitOf(child)
  let delivered = 0
  let sent = 0
  let call = 0
  let stopping = false
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.includes('Message delivered')) delivered++
    else reportComplaint(recorder, name, line)
  })
  child.stdin.on('error', () => {}) // it has exited; its exit code tells

  const feed = async () => {
    const everyMs = 10
    const perTick = Math.max(1, Math.round((recordsPerSecond * everyMs) / 1_000))
    let next = performance.now()
    while (!stopping && child.exitCode === null) {
      const lines = Array.from({ length: perTick }, (_, index) => {
        const key = `${name}-k${(sent + index) % keys}`
        return { key, id: `${name}#${sent + index}` }
      })
      recorder.record({
        type: 'sent',
        at: monotonicMs(),
        producer: name,
        call: call++,
        topic,
        keys: lines.map(({ key }) => key),
        ids: lines.map(({ id }) => id),
      })
      sent += perTick
      const room = child.stdin.write(
        lines.map(({ key, id }) => `${key}:${paddedValue(id, valueBytes)}\n`).join(''),
      )
      if (!room) await settledWithin(new Promise((resolve) => child.stdin.once('drain', resolve)), 30_000)
      next = Math.max(next + everyMs, performance.now() - 1_000)
      await sleep(Math.max(0, next - performance.now()))
    }
  }
  const feeding = feed()
  return {
    get sent() {
      return sent
    },
    get acknowledged() {
      return delivered
    },
    async stop() {
      stopping = true
      await feeding
      child.stdin.end()
      if (!(await settledWithin(ended, 60_000))) {
        child.kill('SIGKILL')
        reportError(recorder, name, 'kcat did not end within 60 s after its input ended')
      }
      const code = await ended
      const at = monotonicMs()
      if (code !== 0 || delivered !== sent) {
        reportError(recorder, name, `kcat ended with ${code}: ${delivered} of ${sent} records were delivered`)
        return
      }
      for (const event of [...recorder.events]) {
        if (event.type !== 'sent' || event.producer !== name) continue
        recorder.record({
          type: 'acknowledged',
          at,
          producer: name,
          call: event.call,
          partitions: event.ids.map(() => -1),
          offsets: event.ids.map(() => UNKNOWN_OFFSET),
        })
      }
    },
  }
}

export interface KcatGroupOptions {
  bootstrap: string
  topic: string
  group: string
  members?: number
  properties?: Readonly<Record<string, string>>
}

/** `partition offset key value` on a line of its own. */
const format = '%p\t%o\t%k\t%s\n'

/** Members of a group, each a kcat. Commits are librdkafka's automatic ones; its final ones are read from the coordinator. */
export async function startKcatGroup(recorder: Recorder, options: KcatGroupOptions): Promise<KcatGroup> {
  const { topic, group, members = 2 } = options
  const received = new Map<number, bigint>()
  let records = 0
  const children = Array.from({ length: members }, (_, index) => {
    const member = `kcat-m${index}`
    const child = spawn(
      'kcat',
      [
        ...['-b', options.bootstrap, '-u', '-f', format],
        ...properties({
          'auto.offset.reset': 'earliest',
          'auto.commit.interval.ms': '500',
          'session.timeout.ms': '30000',
          ...options.properties,
        }),
        ...['-G', group, topic],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [partition, offset, key = '', value = ''] = line.split('\t')
      const at = { partition: Number(partition), offset: BigInt(offset ?? '-1') }
      recorder.record({
        type: 'received',
        at: monotonicMs(),
        group,
        member,
        topic,
        partition: at.partition,
        offsets: [at.offset],
        keys: [key],
        ids: [idOf(value)],
      })
      records++
      received.set(at.partition, maxOf(received.get(at.partition), at.offset + 1n))
    })
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.includes('rebalanced')) {
        const partitions = line.includes('assigned') ? assignedPartitions(line, topic) : []
        recorder.record({ type: 'assigned', at: monotonicMs(), group, member, topic, partitions })
      } else reportComplaint(recorder, member, line)
    })
    return { child, member, ended: exitOf(child) }
  })
  return {
    get received() {
      return records
    },
    position: (partition) => received.get(partition) ?? 0n,
    async stop() {
      for (const { child } of children) child.kill('SIGTERM')
      for (const { child, member, ended } of children) {
        if (await settledWithin(ended, 15_000)) continue
        child.kill('SIGKILL')
        reportError(recorder, member, 'kcat did not end within 15 s after SIGTERM')
      }
    },
  }
}

export interface KcatGroup extends Pick<GroupWorkload, 'received' | 'stop'> {
  /** One past the last offset of the partition that any member has read. */
  position(partition: number): bigint
}

/** `% Group g rebalanced (memberid x): assigned: orders [0], orders [1]` */
function assignedPartitions(line: string, topic: string): number[] {
  return [...line.matchAll(/(\S+) \[(\d+)\]/g)]
    .filter(([, name]) => name === topic)
    .map(([, , number]) => Number(number))
}

function properties(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ['-X', `${key}=${value}`])
}

function maxOf(left: bigint | undefined, right: bigint): bigint {
  return left !== undefined && left > right ? left : right
}

/** What kcat says at any time: its mode, ends of partitions, retried connections' ups and downs are no errors. */
function reportComplaint(recorder: Recorder, client: string, line: string): void {
  if (/Delivery failed|ERROR|FATAL/.test(line)) reportError(recorder, client, line)
}

function reportError(recorder: Recorder, client: string, error: string): void {
  recorder.record({ type: 'error', at: monotonicMs(), client, error })
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code))
    child.once('error', () => resolve(null))
  })
}
