import { ControlPlaneError, type MigrationStepName, migrationSteps } from '@braid/control-api'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type MigrationPoint, type RunningBraid, startBraid } from '../components/running.ts'
import { neededTopics, physicalTopics } from '../workloads/physical-topics.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

// The control plane is a process that is killed (SIGKILL) at every point of a migration where a crash means something
// else, and started again on its data. Each point is of a migration of its own; the load goes on over all of them.

const PHASES = ['before', 'doing', 'after'] as const
/** A loglet with records is drained when retention has emptied it, so those points are of a topic without. */
const DRAINS: readonly MigrationStepName[] = ['DRAIN', 'RETIRE']
/** What can be undone: all before SWITCH that leaves something. */
const UNDONE = ['undo SEAL', 'undo PREPARE'] as const

let clusters: KafkaCluster[]
let braid: RunningBraid
beforeAll(async () => {
  clusters = sharedClusters()
  const timings = { strayChecksMs: [100], drainCheckMs: 200, retireAfterMs: 300, sweepEveryMs: 500 }
  braid = await startBraid(clusters, { timings })
})
afterAll(() => braid?.stop())

test('at every point of every step, under load: the topic is on one side or on the other, never between', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'plane-dies', on: 'a', partitions: 4 })
  onTestFinished(() => load.stop())
  let at = 'a'
  for (const point of pointsOf(migrationSteps.filter((step) => !DRAINS.includes(step)))) {
    const to = at === 'a' ? 'b' : 'a'
    const id = await moveAndDie(load.topic, to, point)
    await braid.controlPlane.client.migrations.wait(id, { until: 'switched', timeoutMs: 30_000 })
    await expectSettled(load.topic, to, point)
    at = to
  }
  for (const point of pointsOf(UNDONE)) {
    const to = at === 'a' ? 'b' : 'a'
    await braid.controlPlane.dieAt(point)
    const { id, ended } = await cancelWhenSealed(load.topic, to)
    await startAgainAfterDeath(point)
    await expect(ended, pointName(point)).rejects.toMatchObject({ code: 'MIGRATION_CANCELLED' })
    expect(await braid.controlPlane.client.migrations.get(id)).toMatchObject({ state: 'cancelled' })
    await expectSettled(load.topic, at, point)
  }
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
  await expectNothingLeft(load.topic)
})

test('while a sealed loglet drains and retires: it leaves the chain once, and its topic with it', async () => {
  const load = await TopicUnderLoad.start(braid, { topic: 'plane-dies-later', on: 'a', partitions: 4 })
  onTestFinished(() => load.stop())
  const { migrations, topics } = braid.controlPlane.client
  const topic = 'plane-dies-draining'
  // Not on home: there the emptied topic lives on for the groups' commits.
  await topics.create({ name: topic, partitions: 4, cluster: 'b' })
  let at = 'b'
  for (const point of pointsOf(DRAINS)) {
    const to = at === 'b' ? 'c' : 'b'
    const id = await moveAndDie(topic, to, point)
    await migrations.wait(id, { until: 'done', timeoutMs: 30_000 })
    expect((await topics.get(topic)).chain, pointName(point)).toHaveLength(1)
    await expectSettled(topic, to, point)
    at = to
  }
  await expectNothingLeft(topic)
  await load.worksOn()
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})

function pointsOf(steps: readonly string[]): MigrationPoint[] {
  return steps.flatMap((step) => PHASES.map((phase) => ({ step, phase })))
}

function pointName({ step, phase }: MigrationPoint): string {
  return `killed ${phase} ${step}`
}

/** Resolves when a control plane is there again, with the migration that it goes on with. */
async function moveAndDie(topic: string, to: string, point: MigrationPoint): Promise<string> {
  const { migrations } = braid.controlPlane.client
  await braid.controlPlane.dieAt(point)
  const started = migrations.start({ topics: [topic], to }).catch((error: unknown) => {
    if (!(error instanceof ControlPlaneError)) throw error
    return error
  })
  await startAgainAfterDeath(point)
  const answer = await started
  if (Array.isArray(answer)) return answer[0].id
  // Killed before it could answer. What it was asked for is on its disk by then, and nowhere else.
  expect(answer, pointName(point)).toMatchObject({ code: 'UNAVAILABLE' })
  const found = (await migrations.list()).find(
    (migration) => migration.topic === topic && migration.to.cluster === to,
  )
  expect(found, pointName(point)).toMatchObject({ cancelRequested: false })
  return found!.id
}

async function startAgainAfterDeath(point: MigrationPoint): Promise<void> {
  const { signal } = await braid.controlPlane.process.exited
  expect(signal, pointName(point)).toBe('SIGKILL')
  await braid.startControlPlaneAgain()
}

/** Cancelled after the brokers refuse records, before the switch: what is undone is a sealed topic. */
async function cancelWhenSealed(topic: string, to: string): Promise<{ id: string; ended: Promise<unknown> }> {
  const { client } = braid.controlPlane
  const held = await braid.controlPlane.holdAt({ step: 'SEAL', phase: 'doing' })
  const [{ id }] = await client.migrations.start({ topics: [topic], to })
  await held.reached
  await client.migrations.cancel(id)
  const ended = client.migrations.wait(id, { until: 'done', timeoutMs: 30_000 })
  ended.catch(() => {})
  held.goOn()
  return { id, ended }
}

/** The topic is there and is going nowhere. */
async function expectSettled(topic: string, cluster: string, point: MigrationPoint): Promise<void> {
  const found = await braid.controlPlane.client.topics.get(topic)
  expect(found, pointName(point)).toMatchObject({ cluster, migration: null })
  expect(found.chain.map(({ state }) => state).indexOf('active')).toBe(found.chain.length - 1)
}

/** On the clusters are the loglets of the chain, the topic that groups commit under, and no other. */
async function expectNothingLeft(topic: string): Promise<void> {
  const expected = neededTopics(await braid.controlPlane.client.topics.get(topic), 'a')
  const found = () => physicalTopics(clusters, `${topic}.`)
  await expect.poll(found, { timeout: 10_000, interval: 200 }).toEqual(expected)
}
