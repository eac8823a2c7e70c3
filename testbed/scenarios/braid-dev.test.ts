import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ControlPlaneClient, type Migration, type Topic } from '@braid/control-api'
import { ClusterConnections } from '@braid/kafka-connection'
import { apiVersions } from '@braid/kafka-protocol'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { portIsFree } from '../clusters/ports.ts'
import { sharedClusters } from '../clusters/shared.ts'

/** What a person does in the first ten minutes, by the programs that a person has: braid and kcat. */

interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

const repository = fileURLToPath(new URL('../..', import.meta.url))
/** What npx runs. Not npx itself: that ends by the signal that it forwards, whatever its program ends with. */
const program = join(repository, 'node_modules/.bin/braid')
const run = Math.random().toString(36).slice(2, 8)
const named = (name: string): string => `${name}-${run}`

let clusters: Record<'a' | 'b' | 'c', KafkaCluster>
let listenPort: number
let apiPort: number
let temporary: string
let dev: Dev
/** What is so, asked past the command line that is under test. */
let controlPlane: ControlPlaneClient

/** A port with the next `more` ones free too: a proxy takes one for each cluster after its own. */
async function portsInARow(more: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 9_000)
    const free = await Promise.all(Array.from({ length: more + 1 }, (_, i) => portIsFree(first + i)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`no ${more + 1} free ports in a row`)
}

async function ended(child: ChildProcess, timeoutMs: number): Promise<Ended> {
  const result: Ended = { status: null, stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()))
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  return { ...result, status }
}

function braid(...args: string[]): Promise<Ended> {
  const env = { ...process.env, BRAID_API: `127.0.0.1:${apiPort}`, TMPDIR: temporary }
  return ended(spawn(program, args, { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] }), 90_000)
}

async function json<T>(...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await braid(...args, '-o', 'json')
  expect(stderr.replace(/^npm .*\n/gm, '')).toBe('')
  expect(status).toBe(0)
  return JSON.parse(stdout) as T
}

async function kcat(args: readonly string[], input = ''): Promise<string[]> {
  const child = spawn('kcat', args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const { status, stdout, stderr } = await ended(child, 60_000)
  expect(`kcat ${args.join(' ')}: ${status} ${status === 0 ? '' : stderr}`.trim()).toBe(
    `kcat ${args.join(' ')}: 0`,
  )
  return stdout.split('\n').filter((line) => line !== '')
}

const listener = (): string => `127.0.0.1:${listenPort}`

/** Values `from` up to, not including, `to`, keyed so that they spread over partitions. */
const values = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** A topic that nobody told Braid of. */
async function createOnCluster({ bootstrap, name }: KafkaCluster, topic: string): Promise<void> {
  const kafka = new Kafka({ clientId: name, brokers: bootstrap.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
}

const produce = (bootstrap: string, topic: string, from: number, to: number): Promise<string[]> =>
  kcat(
    ['-P', '-b', bootstrap, '-t', topic, '-K', ':', '-X', 'enable.idempotence=true'],
    values(from, to)
      .map((value) => `key-${value % 17}:${value}\n`)
      .join(''),
  )

interface Read {
  partition: number
  offset: number
  key: string
  value: number
}

const readFormat = '%p %o %k %s\n'
const parseRead = (line: string): Read => {
  const [partition, offset, key, value] = line.split(' ')
  return { partition: Number(partition), offset: Number(offset), key: key!, value: Number(value) }
}

const readAll = async (topic: string): Promise<Read[]> =>
  (await kcat(['-C', '-e', '-q', '-b', listener(), '-t', topic, '-f', readFormat])).map(parseRead)

/** The next `count` records that a group reads; its position is committed when it leaves. */
const readByGroup = async (bootstrap: string, group: string, topic: string, count: number): Promise<Read[]> =>
  (
    await kcat([
      ...['-b', bootstrap, '-q', '-c', String(count), '-f', readFormat],
      ...['-X', 'auto.offset.reset=earliest', '-G', group, topic],
    ])
  ).map(parseRead)

/** Each value once, offsets of a partition without a gap, each key's values in the order of their writing. */
function expectExactly(read: readonly Read[], from: number, to: number): void {
  expect(read.map(({ value }) => value).sort((a, b) => a - b)).toEqual(values(from, to))
  const next = new Map<number, number>()
  const latest = new Map<string, number>()
  for (const { partition, offset, key, value } of read) {
    expect(offset).toBe(next.get(partition) ?? 0)
    next.set(partition, offset + 1)
    expect(value).toBeGreaterThan(latest.get(key) ?? -1)
    latest.set(key, value)
  }
}

/** `braid dev` in a process group of its own, so that it gets signals as a terminal sends them. */
class Dev {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''

  constructor(args: readonly string[]) {
    this.child = spawn(program, ['dev', ...args], {
      cwd: repository,
      detached: true,
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.ended = ended(this.child, 280_000)
  }

  async up(): Promise<void> {
    const early = this.ended.then(({ status, stderr }) => {
      throw new Error(`braid dev ended with ${status}:\n${stderr}`)
    })
    const up = (async () => {
      while (!this.stdout.includes('Ctrl-C')) await sleep(50)
    })()
    await Promise.race([up, early])
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(-this.child.pid!, signal)
  }

  /** Whether any process of its group is still there. */
  get alive(): boolean {
    try {
      process.kill(-this.child.pid!, 0)
      return true
    } catch {
      return false
    }
  }
}

beforeAll(async () => {
  const [a, b, c] = sharedClusters()
  clusters = { a: a!, b: b!, c: c! }
  temporary = await mkdtemp(join(tmpdir(), 'braid-dev-test-'))
  listenPort = await portsInARow(4)
  apiPort = await portsInARow(0)
  dev = new Dev([
    ...['--attach', `a=${clusters.a.bootstrap},b=${clusters.b.bootstrap}`],
    ...['--listen', listener(), '--api', `127.0.0.1:${apiPort}`],
  ])
  await dev.up()
  controlPlane = new ControlPlaneClient({ url: `http://127.0.0.1:${apiPort}` })
})

afterAll(async () => {
  if (dev.alive) dev.signal('SIGKILL')
  await rm(temporary, { recursive: true, force: true })
})

describe('braid dev on clusters that are there', () => {
  it('says what listens where', () => {
    expect(dev.stdout).toMatch(new RegExp(`cluster a +${clusters.a.bootstrap} +home`))
    expect(dev.stdout).toContain(`http://127.0.0.1:${apiPort}`)
    expect(dev.stdout).toMatch(new RegExp(`Kafka +${listener()}`))
  })

  it('is what npx finds', async () => {
    const npx = await ended(spawn('npx', ['braid', '--version'], { cwd: repository }), 60_000)
    expect(npx).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it('offers the APIs and versions that the reference names', async () => {
    const connections = new ClusterConnections({ name: 'listener', bootstrap: [listener()] })
    try {
      const { apiKeys } = await (await connections.any()).call(apiVersions, {})
      const offered = apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion])
      const page = await readFile(join(repository, 'docs/reference/kafka-apis.md'), 'utf8')
      const rows = [...page.matchAll(/^\| (\d+) \| \w+ \| (\d+)-(\d+) \|/gm)]
      expect(offered).toEqual(rows.map((row) => row.slice(1, 4).map(Number)))
    } finally {
      await connections.close()
    }
  })

  it('moves a topic whose offsets, order and records stay', async () => {
    const topic = named('orders')
    const created = await braid('topic', 'create', topic, '--partitions', '12', '--cluster', 'a')
    expect(created).toMatchObject({ status: 0, stdout: expect.stringContaining('12 partitions on a') })
    await produce(listener(), topic, 0, 500)

    const moved = await braid('migrate', topic, '--to', 'b')
    expect(moved.stdout).toMatch(/SEAL +done .* sealed and cut in [\d.]+ ms/)
    expect(moved.stdout).toMatch(/SWITCH +done/)
    expect(moved.stdout).toMatch(new RegExp(`topic ${topic} is on b now: sealed in .* ms, switched in .* ms`))
    expect(moved.status).toBe(0)

    await produce(listener(), topic, 500, 1_000)
    expectExactly(await readAll(topic), 0, 1_000)

    const shown = await json<Topic>('topic', 'show', topic)
    expect(shown.chain.map(({ cluster, state }) => [cluster, state])).toEqual([
      ['a', 'sealed'],
      ['b', 'active'],
    ])
    expect(shown.logEnds!.reduce((sum, end) => sum + Number(end), 0)).toBe(1_000)
    const [migration] = (await json<Migration[]>('migration', 'list')).filter((m) => m.topic === topic)
    expect(migration!.sealMs).toBeGreaterThan(0)
    expect((await braid('topic', 'show', topic)).stdout).toMatch(/LOGLET +CLUSTER/)
  })

  it.each(['a', 'b'] as const)('adopts a topic of %s, and its group goes on where it was', async (name) => {
    const topic = named(`existing-${name}`)
    const group = named(`readers-${name}`)
    const { bootstrap } = clusters[name]
    await createOnCluster(clusters[name], topic)
    await produce(bootstrap, topic, 0, 100)
    const before = await readByGroup(bootstrap, group, topic, 40)
    expect(before.map(({ value }) => value)).toEqual(values(0, 40))

    expect(await braid('topic', 'adopt', topic, '--cluster', name)).toMatchObject({ status: 0 })
    const after = await readByGroup(listener(), group, topic, 30)
    expect(after.map(({ offset }) => offset)).toEqual(values(40, 70))

    const other = name === 'a' ? 'b' : 'a'
    expect(await braid('migrate', topic, '--to', other)).toMatchObject({ status: 0 })
    await produce(listener(), topic, 100, 130)
    const last = await readByGroup(listener(), group, topic, 60)
    expect(last.map(({ offset, value }) => [offset, value])).toEqual(values(70, 130).map((v) => [v, v]))
  })

  it('deletes a topic on every cluster of its chain', async () => {
    const topic = named('gone')
    await braid('topic', 'create', topic, '--partitions', '2')
    await braid('migrate', topic, '--to', 'b')
    const unasked = await braid('topic', 'delete', topic)
    expect(unasked).toMatchObject({ status: 2, stderr: expect.stringContaining('--yes') })
    expect(await braid('topic', 'delete', topic, '--yes')).toMatchObject({ status: 0 })
    for (const { bootstrap } of [clusters.a, clusters.b]) {
      const metadata = (await kcat(['-L', '-b', bootstrap])).join('\n')
      expect(metadata).not.toContain(topic)
    }
  })
})

describe('bad input changes nothing', () => {
  const topic = named('steady')

  beforeAll(async () => {
    expect(await braid('topic', 'create', topic, '--partitions', '3', '--cluster', 'a')).toMatchObject({
      status: 0,
    })
    await produce(listener(), topic, 0, 50)
    // Room for one partition, of which others take some: nothing fits.
    const added = await braid('cluster', 'add', 'c', clusters.c.bootstrap, '--partitions-max', '1')
    expect(added).toMatchObject({ status: 0 })
  })

  /** The topic has one loglet, on a, that is not sealed: it takes records, and gives them back. */
  async function expectUnchanged(): Promise<void> {
    const { chain, migration } = await controlPlane.topics.get(topic)
    expect(chain.map(({ cluster, state }) => [cluster, state])).toEqual([['a', 'active']])
    expect(migration).toBeNull()
  }

  it.each([
    [['topic', 'show', 'nowhere'], 4, 'has no topic nowhere'],
    [['migrate', 'nowhere', '--to', 'b'], 4, 'has no topic nowhere'],
    [['migrate', topic, '--to', 'mars'], 4, 'there is no cluster mars'],
    [['migrate', topic, '--to', 'a'], 5, topic],
    [['migrate', topic, '--to', 'c'], 5, 'c has no room for the 3 partitions'],
    [['topic', 'create', topic, '--partitions', '1'], 5, `topic ${topic} exists`],
    [
      ['topic', 'create', named('lost'), '--partitions', '1', '--cluster', 'mars'],
      4,
      'there is no cluster mars',
    ],
    [['topic', 'create', named('lost'), '--partitions', '3', '--cluster', 'c'], 5, 'c has no room'],
    [['topic', 'create', named('lost'), '--partitions', '1', '--replication-factor', '3'], 5, 'has 1 broker'],
    [['topic', 'create', named('lost'), '--partitions', '1', '--config', 'no.such=1'], 1, 'no.such'],
    [['topic', 'create', 'a b', '--partitions', '1'], 2, 'topic name'],
    [['topic', 'adopt', named('lost'), '--cluster', 'b'], 4, 'b has no topic'],
    [['cluster', 'add', 'a2', 'A'], 5, 'registered as a'],
    [['cluster', 'add', 'd', '127.0.0.1:1'], 1, 'd does not answer at 127.0.0.1:1'],
    [['cluster', 'remove', 'a'], 5, 'live on a'],
    [['migration', 'cancel', 'nothing'], 4, 'nothing'],
  ])('%j: status %d and why', async (words, status, why) => {
    const args = words.map((word) => (word === 'A' ? clusters.a.bootstrap : word))
    const refused = await braid(...args)
    expect(refused.stderr).toContain(why)
    expect(refused.stderr).not.toMatch(/^ {4}at /m)
    expect(refused.status).toBe(status)
    await expectUnchanged()
    expect((await controlPlane.topics.list()).map(({ name }) => name)).not.toContain(named('lost'))
    expect((await controlPlane.clusters.list()).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  it('no cluster has a trace of what was refused', async () => {
    for (const { bootstrap } of Object.values(clusters)) {
      expect((await kcat(['-L', '-b', bootstrap])).join('\n')).not.toContain(named('lost'))
    }
  })

  it('a compacted topic does not move', async () => {
    const compacted = named('compacted')
    await braid('topic', 'create', compacted, '--partitions', '1', '--config', 'cleanup.policy=compact')
    const refused = await braid('migrate', compacted, '--to', 'b')
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('is compacted') })
    expect((await controlPlane.topics.get(compacted)).chain).toHaveLength(1)
  })

  it('a target that is frozen: the second move is refused, the first is cancelled', async () => {
    const [broker] = clusters.c.brokers
    await broker!.pause()
    try {
      const first = await json<Migration>('migrate', topic, '--to', 'c', '--detach')
      const second = await braid('migrate', topic, '--to', 'b')
      expect(second).toMatchObject({ status: 5, stderr: expect.stringContaining('is being moved to c') })
      const cancelled = await braid('migration', 'cancel', first.id)
      expect(cancelled).toMatchObject({ status: 0, stdout: expect.stringContaining('stays on a') })
    } finally {
      await broker!.resume()
    }
    await expectUnchanged()
  })

  it('a target that is down', async () => {
    const [broker] = clusters.c.brokers
    await broker!.kill()
    try {
      const refused = await braid('migrate', topic, '--to', 'c')
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('c does not answer') })
    } finally {
      await broker!.start()
    }
    await expectUnchanged()
  })

  it('after all of it the topic works, and moves', async () => {
    await produce(listener(), topic, 50, 100)
    expect(await braid('migrate', topic, '--to', 'b')).toMatchObject({ status: 0 })
    expectExactly(await readAll(topic), 0, 100)
  })

  it('a port in use: the second dev starts nothing', async () => {
    const attach = ['--attach', `a=${clusters.a.bootstrap}`]
    const freeApi = `127.0.0.1:${await portsInARow(0)}`
    const freeListen = `127.0.0.1:${await portsInARow(1)}`
    const before = await readdir(temporary)
    const sameApi = await new Dev([...attach, '--api', `127.0.0.1:${apiPort}`, '--listen', freeListen]).ended
    expect(sameApi).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(
        `the control plane cannot listen on 127.0.0.1:${apiPort}: the port is in use`,
      ),
    })
    const sameListen = await new Dev([...attach, '--api', freeApi, '--listen', listener()]).ended
    expect(sameListen).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining(`the proxy cannot listen on ${listener()}: the port is in use`),
    })
    expect(await readdir(temporary)).toEqual(before)
  })

  it.each([
    ['a=127.0.0.1:1', 1, 'a does not answer at 127.0.0.1:1'],
    ['127.0.0.1:9092', 2, 'has no name'],
    ['a=127.0.0.1', 2, 'is not an address'],
  ])('--attach %s: status %d, nothing left', async (attach, status, why) => {
    const listenAt = await portsInARow(1)
    const before = await readdir(temporary)
    const failed = new Dev(['--attach', attach, '--api', '127.0.0.1:0', '--listen', `127.0.0.1:${listenAt}`])
    expect(await failed.ended).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(why) })
    expect(failed.alive).toBe(false)
    expect(await readdir(temporary)).toEqual(before)
    expect(await portIsFree(listenAt)).toBe(true)
  })
})

describe('at the end', () => {
  it('SIGINT leaves nothing behind', async () => {
    expect(await readdir(temporary)).not.toEqual([])
    dev.signal('SIGINT')
    expect(await dev.ended).toMatchObject({ status: 0 })
    expect(dev.alive).toBe(false)
    expect(await readdir(temporary)).toEqual([])
    for (const port of [apiPort, ...values(listenPort, listenPort + 4)]) {
      expect(await portIsFree(port)).toBe(true)
    }
    // The clusters are not its own.
    for (const { bootstrap } of Object.values(clusters)) await kcat(['-L', '-b', bootstrap])
  })

  it('without a control plane the other commands say so', async () => {
    const refused = await braid('topic', 'list')
    expect(refused).toMatchObject({ status: 3, stderr: expect.stringContaining(`127.0.0.1:${apiPort}`) })
  })
})
