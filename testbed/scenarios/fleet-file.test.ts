import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FleetInput, formatFleet } from '@braid/control-api'
import { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { currentRun, runFolder } from '../clusters/run.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningControlPlane, startControlPlaneProcess } from '../components/running.ts'
import { braidCommand } from '../workloads/braid-command.ts'

// A fleet as a reviewed file: put into force on real clusters, written back, and refused when the world has changed.

const stalePlan = 7

let clusters: Record<string, KafkaCluster>
let controlPlane: RunningControlPlane
let folder: string
let document: FleetInput
beforeAll(async () => {
  clusters = Object.fromEntries(sharedClusters().map((cluster) => [cluster.name, cluster]))
  const run = runFolder(currentRun())
  await mkdir(run, { recursive: true })
  folder = await mkdtemp(join(run, 'fleet-'))
  controlPlane = await startControlPlaneProcess({ store: join(folder, 'control-plane') })
  document = {
    version: 1,
    clusters: ['a', 'b'].map((name) => ({
      name,
      bootstrap: clusters[name]!.bootstrap.split(','),
      labels: { site: name === 'a' ? 'east' : 'west' },
    })),
    slas: [{ name: 'western', durability: { replicationFactor: 1 }, latency: { labels: { site: 'west' } } }],
    tenants: [
      { name: 'default', home: 'a' },
      { name: 'shop', home: 'a', owners: ['user:ann'], quotas: { topicsMax: 5 } },
    ],
    topics: [
      { name: 'audit', partitions: 2, replicationFactor: 1, configs: { 'retention.ms': '3600000' } },
      {
        name: 'orders',
        tenant: 'shop',
        partitions: 3,
        sla: 'western',
        expected: { bytesInPerSecond: 1_000 },
      },
    ],
  }
})
afterAll(async () => {
  await controlPlane?.process.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a file is applied onto real clusters, written back as it is, and its plan is empty then', async () => {
  const file = await written('fleet.yaml', document)
  expect(await braid('apply', '-f', file, '--yes')).toMatchObject({ status: 0 })

  const orders = await controlPlane.client.topics.get('orders', { tenant: 'shop', logEnds: true })
  expect(orders).toMatchObject({ cluster: 'b', logEnds: ['0', '0', '0'] })
  const audit = await controlPlane.client.topics.get('audit')
  expect(audit.cluster).toBe('a')
  expect(await retentionMs('a', audit.physicalTopic)).toBe('3600000')
  // Under this name groups commit on the tenant's home.
  expect(await partitionsOf('a', orders.homeTopic)).toBe(3)

  const { status, stdout } = await braid('export')
  expect(status).toBe(0)
  expect(stdout).toBe(await readFile(file, 'utf8'))
  expect(await braid('plan', '-f', file, '--prune', '--detailed-exitcode')).toMatchObject({ status: 0 })
})

test('a plan of a world that has changed since is refused, and nothing of it is done', async () => {
  const more = {
    ...document,
    topics: [...document.topics!, { name: 'late', partitions: 1, replicationFactor: 1 }],
  }
  const file = await written('more.yaml', more)
  const plan = join(folder, 'plan.json')
  expect(await braid('plan', '-f', file, '--out', plan)).toMatchObject({ status: 0 })
  await controlPlane.client.clusters.cordon('b')
  expect(await braid('apply', plan, '--yes')).toMatchObject({ status: stalePlan })
  expect((await controlPlane.client.topics.list()).map(({ name }) => name)).toEqual(['audit'])
  expect(await physicalTopics('a')).not.toContainEqual(expect.stringMatching(/^late\./))
})

test('a file that says where a topic must be moves it, live, and removes what it does not name', async () => {
  await controlPlane.client.clusters.uncordon('b')
  const [audit] = document.topics!
  const moved = { ...document, topics: [{ ...audit!, sla: 'western' }] }
  const file = await written('moved.yaml', moved)
  expect(await braid('apply', '-f', file, '--prune', '--yes')).toMatchObject({ status: 0 })
  expect(await controlPlane.client.topics.get('audit')).toMatchObject({ cluster: 'b' })
  expect(await controlPlane.client.topics.list({ tenant: 'shop' })).toEqual([])
  expect((await braid('export')).stdout).toBe(await readFile(file, 'utf8'))
})

async function written(name: string, fleet: FleetInput): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, formatFleet(fleet))
  return file
}

const braid = (...args: readonly string[]) => braidCommand(controlPlane.url, ...args)

async function admin<T>(cluster: string, ask: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const client = new Kafka({ brokers: clusters[cluster]!.bootstrap.split(','), logLevel: 0 }).admin()
  await client.connect()
  try {
    return await ask(client)
  } finally {
    await client.disconnect()
  }
}

const physicalTopics = (cluster: string) => admin(cluster, (client) => client.listTopics())

const partitionsOf = (cluster: string, topic: string) =>
  admin(cluster, async (client) => {
    const { topics } = await client.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions.length
  })

const retentionMs = (cluster: string, topic: string) =>
  admin(cluster, async (client) => {
    const resources = [{ type: 2, name: topic, configNames: ['retention.ms'] }]
    const described = await client.describeConfigs({ includeSynonyms: false, resources })
    return described.resources[0]?.configEntries[0]?.configValue
  })
