import { setTimeout as sleep } from 'node:timers/promises'
import type { Operation, OperationMove } from '@braid/control-api'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { KnownFacts } from '../placement/known-facts.ts'
import { fakeClusters, startTestPlane, type TestPlane } from '../testing/test-plane.ts'

const isEnded = ({ state }: Operation) => state === 'done' || state === 'failed' || state === 'cancelled'

async function until(
  { client }: TestPlane,
  id: string,
  holds: (operation: Operation) => boolean,
): Promise<Operation> {
  for (let i = 0; i < 2_000; i++) {
    const operation = await client.operations.get(id)
    if (holds(operation)) return operation
    if (isEnded(operation)) throw new Error(`it ended: ${JSON.stringify(operation)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`waited in vain: ${JSON.stringify(await client.operations.get(id))}`)
}

async function createTopics({ client }: TestPlane, count: number, cluster: string | null = null) {
  for (let i = 0; i < count; i++) {
    await client.topics.create({ name: `t${String(i).padStart(3, '0')}`, partitions: 1, cluster })
  }
}

/** Topics that are placed on `cluster`, and not pinned there. */
async function onCluster(plane: TestPlane, count: number, cluster: string) {
  await createTopics(plane, count, cluster)
  for (let i = 0; i < count; i++) {
    await plane.client.topics.update(`t${String(i).padStart(3, '0')}`, { cluster: null })
  }
}

const where = async ({ client }: TestPlane): Promise<Record<string, string>> =>
  Object.fromEntries((await client.topics.list()).map(({ name, cluster }) => [name, cluster]))

const start = async (plane: TestPlane, cluster: string, concurrency = 10): Promise<string> =>
  (await plane.client.clusters.drain(cluster, { concurrency })).operation!.id

const movesOf = async (plane: TestPlane, id: string, state?: OperationMove['state']) =>
  (await plane.client.operations.moves(id)).filter((move) => state === undefined || move.state === state)

describe('a drain', () => {
  test('empties a cluster, each topic with its reason and its migration, and leaves it cordoned', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 12, 'b')
    const { operation, plan } = await plane.client.clusters.drain('b', { concurrency: 5 })
    expect(operation).toMatchObject({ kind: 'drain', title: 'drain of b', cluster: 'b', state: 'running' })
    expect(plan).toMatchObject({ obstacles: [], summary: '12 topics leave b' })
    const ended = await plane.client.operations.wait(operation!.id, { timeoutMs: 10_000 })
    expect(ended).toMatchObject({
      state: 'done',
      step: 'END',
      counts: { waiting: 0, moving: 0, moved: 12, failed: 0, skipped: 0 },
      error: null,
      by: 'anonymous',
    })
    expect(Object.values(await where(plane))).not.toContain('b')
    expect(await plane.client.clusters.get('b')).toMatchObject({ state: 'cordoned', topics: 0 })
    for (const { from, reason, migration } of await movesOf(plane, ended.id)) {
      expect(from).toBe('b')
      expect(reason).toMatch(/^b is drained: /)
      expect(await plane.client.migrations.get(migration!)).toMatchObject({ operation: ended.id })
    }
  })

  test('moves as one what goes the same way, never more at once than it may', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 9, 'b')
    const id = await start(plane, 'b', 4)
    let most = 0
    await until(plane, id, (operation) => {
      most = Math.max(most, operation.counts.moving)
      return isEnded(operation)
    })
    expect(most).toBeLessThanOrEqual(4)
    const migrations = await plane.client.migrations.list()
    const sizes = Map.groupBy(migrations, ({ group }) => group)
    expect(Math.max(...Array.from(sizes.values(), (group) => group.length))).toBeGreaterThan(1)
  })

  test('a dry run says what it would do, and does nothing', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 3, 'b')
    const { operation, plan } = await plane.client.clusters.drain('b', {}, { dryRun: true })
    expect(operation).toBeNull()
    expect(plan.moves.map(({ topic, from }) => `${topic} ${from}`)).toEqual(['t000 b', 't001 b', 't002 b'])
    expect(await plane.client.operations.list()).toEqual([])
    expect(await plane.client.clusters.get('b')).toMatchObject({ state: 'active', topics: 3 })
  })

  test('of a home says that groups stay coordinated there, and empties the rest', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 4, 'a')
    const { operation, plan } = await plane.client.clusters.drain('a', {})
    expect(plan.obstacles).toEqual([
      { what: 'home of tenant default', reason: expect.stringContaining('its groups and transactions') },
    ])
    await plane.client.operations.wait(operation!.id, { timeoutMs: 10_000 })
    expect(Object.values(await where(plane))).not.toContain('a')
  })

  test('is refused for a cluster that is being drained, or that is not there; uncordon says to cancel', async () => {
    const plane = await startTestPlane(fakeClusters(), { migrationHooks: hold('CHECK') })
    await onCluster(plane, 2, 'b')
    const id = await start(plane, 'b')
    await until(plane, id, ({ counts }) => counts.moving === 2)
    await expect(plane.client.clusters.drain('b', {})).rejects.toMatchObject({
      code: 'CLUSTER_BUSY',
      detail: expect.stringContaining(`operation ${id} (0 of 2 topics moved)`),
    })
    for (const call of [plane.client.clusters.uncordon('b'), plane.client.clusters.cordon('b')]) {
      await expect(call).rejects.toMatchObject({ code: 'CLUSTER_BUSY' })
    }
    await expect(plane.client.clusters.drain('x', {})).rejects.toMatchObject({ code: 'UNKNOWN_CLUSTER' })
  })

  test('two at once are never planned onto each other', async () => {
    const clusters = { ...fakeClusters(), d: fakeClusters().a }
    clusters.d.clusterId = 'id-of-d'
    const plane = await startTestPlane(clusters)
    await createTopics(plane, 16)
    await onCluster(plane, 0, 'b')
    for (const [i, name] of ['b', 'c'].entries()) {
      for (let n = 0; n < 6; n++) {
        const topic = `${name}${n}`
        await plane.client.topics.create({ name: topic, partitions: 1 + i, cluster: name })
        await plane.client.topics.update(topic, { cluster: null })
      }
    }
    const ids = await Promise.all([start(plane, 'b', 2), start(plane, 'c', 2)])
    for (const id of ids) {
      const ended = await plane.client.operations.wait(id, { timeoutMs: 10_000 })
      expect(ended.state).toBe('done')
    }
    const places = new Set(Object.values(await where(plane)))
    expect([...places].filter((name) => name === 'b' || name === 'c')).toEqual([])
  })

  test('pause holds, also over a restart; resume goes on', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 20, 'b')
    const id = await start(plane, 'b', 2)
    await until(plane, id, ({ counts }) => counts.moved > 2)
    await plane.client.operations.pause(id)
    const held = await until(plane, id, ({ state, counts }) => state === 'paused' && counts.moving === 0)
    const again = await plane.restart()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await again.client.operations.get(id)).counts).toEqual(held.counts)
    expect(held.counts.waiting).toBeGreaterThan(0)
    await again.client.operations.resume(id)
    expect(await again.client.operations.wait(id, { timeoutMs: 10_000 })).toMatchObject({
      state: 'done',
      counts: { moved: 20 },
    })
  })

  test('cancel lets end what is under way, begins nothing more, and the cluster is what it was', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 20, 'b')
    const id = await start(plane, 'b', 3)
    await until(plane, id, ({ counts }) => counts.moving > 0)
    const asked = await plane.client.operations.cancel(id)
    expect(asked.state).toBe('cancelling')
    const ended = await until(plane, id, isEnded)
    expect(ended).toMatchObject({ state: 'cancelled', counts: { waiting: 0, moving: 0, failed: 0 } })
    expect(ended.counts.skipped).toBeGreaterThan(0)
    expect(await plane.client.clusters.get('b')).toMatchObject({
      state: 'active',
      topics: ended.counts.skipped,
    })
    expect(new Set((await plane.client.migrations.list()).map(({ state }) => state))).not.toContain('running')
    for (const call of ['cancel', 'pause', 'resume'] as const) {
      await expect(plane.client.operations[call](id)).rejects.toMatchObject({ code: 'OPERATION_ENDED' })
    }
    await expect(plane.client.operations.retry(id)).rejects.toMatchObject({ code: 'OPERATION_NOT_FAILED' })
  })

  test('one bad topic fails alone and is named with its reason; retry moves it once it is mended', async () => {
    const clusters = fakeClusters()
    const plane = await startTestPlane(clusters)
    await onCluster(plane, 6, 'b')
    const { physicalTopic } = await plane.client.topics.get('t003')
    const bad = clusters.b.topic(physicalTopic)
    bad.configs.set('cleanup.policy', { value: 'compact', source: 'topic' })
    const id = await start(plane, 'b', 6)
    const ended = await until(plane, id, isEnded)
    expect(ended).toMatchObject({ state: 'failed', counts: { moved: 5, failed: 1 } })
    expect(ended.error).toMatchObject({
      code: 'TOPIC_COMPACTED',
      detail: expect.stringMatching(/^1 topic stay on b: default\/t003 \(.*compacted.*retry the operation/),
    })
    expect((await movesOf(plane, id, 'failed')).map(({ topic }) => topic)).toEqual(['t003'])
    expect(await plane.client.clusters.get('b')).toMatchObject({ state: 'cordoned' })

    bad.configs.set('cleanup.policy', { value: 'delete', source: 'default' })
    expect(await plane.client.operations.retry(id)).toMatchObject({ id, state: 'running' })
    expect(await until(plane, id, isEnded)).toMatchObject({ state: 'done', counts: { moved: 6, failed: 0 } })
  })

  test('what was planned for a target that is cordoned or goes away meanwhile goes elsewhere', async () => {
    const clusters = fakeClusters()
    const plane = await startTestPlane(clusters)
    await onCluster(plane, 12, 'a')
    const first = await plane.client.clusters.drain('a', { concurrency: 1 })
    const id = first.operation!.id
    const target = first.plan.moves[0]!.to as 'b' | 'c'
    await until(plane, id, ({ counts }) => counts.moved > 1)
    clusters[target].away = true
    const ended = await until(plane, id, isEnded)
    expect(ended).toMatchObject({ state: 'done', counts: { moved: 12 } })
    const places = Object.values(await where(plane))
    expect(places.filter((name) => name === target).length).toBeLessThan(6)
    expect(places).not.toContain('a')
  })

  test('nothing is moved to a cluster that is being drained, not by hand either', async () => {
    const plane = await startTestPlane(fakeClusters(), { migrationHooks: hold('CHECK') })
    await onCluster(plane, 2, 'b')
    await plane.client.topics.create({ name: 'other', partitions: 1, cluster: 'a' })
    const id = await start(plane, 'b')
    await until(plane, id, ({ counts }) => counts.moving === 2)
    const call = plane.client.migrations.start({ topics: ['other'], to: 'b' })
    await expect(call).rejects.toMatchObject({ code: 'CLUSTER_BUSY' })
    await expect(
      plane.client.topics.create({ name: 'new', partitions: 1, cluster: 'b' }),
    ).rejects.toMatchObject({ code: 'NO_PLACE' })
    release()
    await plane.client.operations.wait(id, { timeoutMs: 10_000 })
    // A cordoned one may be named by whoever knows why.
    const [migration] = await plane.client.migrations.start({ topics: ['other'], to: 'b' })
    await plane.client.migrations.wait(migration!.id, { until: 'switched', timeoutMs: 5_000 })
  })

  test('topics that stood by on it stand by elsewhere', async () => {
    const plane = await startTestPlane(fakeClusters())
    await plane.client.slas.put({
      name: 'gold',
      availability: { failover: 'strict' },
      durability: { replicationFactor: 1 },
    })
    await plane.client.topics.create({ name: 'orders', partitions: 1, sla: 'gold' })
    const { cluster, standby } = await plane.client.topics.get('orders')
    await plane.client.operations.wait(await start(plane, standby!), { timeoutMs: 10_000 })
    const after = await plane.client.topics.get('orders')
    expect(after.cluster).toBe(cluster)
    expect([standby, cluster]).not.toContain(after.standby)
    expect(after.standby).not.toBeNull()
  })

  test('topics that are made, deleted or moved meanwhile are seen to', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 10, 'b')
    const id = await start(plane, 'b', 1)
    await until(plane, id, ({ counts }) => counts.moving > 0)
    await plane.client.operations.pause(id)
    await until(plane, id, ({ state, counts }) => state === 'paused' && counts.moving === 0)
    const waiting = (await movesOf(plane, id, 'waiting')).map(({ topic }) => topic)
    const [gone, elsewhere] = waiting as [string, string]
    await plane.client.topics.delete(gone)
    const [migration] = await plane.client.migrations.start({ topics: [elsewhere], to: 'a' })
    await plane.client.migrations.wait(migration!.id, { until: 'switched', timeoutMs: 5_000 })
    await plane.client.operations.resume(id)
    const ended = await until(plane, id, isEnded)
    expect(ended).toMatchObject({ state: 'done', counts: { failed: 0, skipped: 2, moved: 8 } })
    expect((await movesOf(plane, id, 'skipped')).map(({ topic, error }) => [topic, error])).toEqual([
      [gone, 'it was deleted meanwhile'],
      [elsewhere, 'somebody else moved it to a meanwhile'],
    ])
  })

  test('what happened since the world was last looked at is seen before a topic begins to move', async () => {
    const plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 6, 'b')
    // A look that takes long is not taken often.
    const { refresh } = KnownFacts.prototype
    const slow = vi.spyOn(KnownFacts.prototype, 'refresh').mockImplementation(async function (
      this: KnownFacts,
      ...args
    ) {
      await refresh.apply(this, args)
      await sleep(150)
    })
    onTestFinished(() => slow.mockRestore())
    const id = await start(plane, 'b', 1)
    await until(plane, id, ({ counts }) => counts.moving > 0)
    await plane.client.operations.pause(id)
    await until(plane, id, ({ state, counts }) => state === 'paused' && counts.moving === 0)
    const [gone, elsewhere] = await movesOf(plane, id, 'waiting')
    await plane.client.topics.delete(gone!.topic)
    const other = elsewhere!.to === 'a' ? 'c' : 'a'
    const [migration] = await plane.client.migrations.start({ topics: [elsewhere!.topic], to: other })
    await plane.client.migrations.wait(migration!.id, { until: 'switched', timeoutMs: 5_000 })
    await plane.client.operations.resume(id)
    const ended = await until(plane, id, isEnded)
    expect(ended).toMatchObject({ state: 'done', counts: { failed: 0, skipped: 2, moved: 4 } })
    expect((await movesOf(plane, id, 'skipped')).map(({ topic, error }) => [topic, error])).toEqual([
      [gone!.topic, 'it was deleted meanwhile'],
      [elsewhere!.topic, `somebody else moved it to ${other} meanwhile`],
    ])
    expect((await where(plane))[elsewhere!.topic]).toBe(other)
  })

  test('of 200 topics survives restarts anywhere: it ends, and nothing is moved twice', async () => {
    let plane = await startTestPlane(fakeClusters())
    await onCluster(plane, 200, 'b')
    const id = await start(plane, 'b', 20)
    for (const moved of [1, 40, 41, 90, 150]) {
      await until(plane, id, ({ counts }) => counts.moved >= moved)
      plane = await plane.restart()
    }
    const ended = await plane.client.operations.wait(id, { timeoutMs: 30_000 })
    expect(ended).toMatchObject({ state: 'done', counts: { moved: 200, failed: 0, skipped: 0, waiting: 0 } })
    expect(Object.values(await where(plane))).not.toContain('b')
    const migrations = await plane.client.migrations.list({ limit: 1_000 })
    expect(migrations).toHaveLength(200)
    expect(new Set(migrations.map(({ topic }) => topic)).size).toBe(200)
  }, 60_000)
})

describe('a rebalance', () => {
  test('evens out by few moves, says when there is nothing to do, and no two run at once', async () => {
    const plane = await startTestPlane(fakeClusters(), { migrationHooks: hold('CHECK') })
    for (let i = 0; i < 8; i++) {
      const name = `t${i}`
      const expected = { bytesInPerSecond: 5_000_000, readers: 1 }
      await plane.client.topics.create({ name, partitions: 1, cluster: 'b', expected })
      await plane.client.topics.update(name, { cluster: null })
    }
    const dry = await plane.client.operations.rebalance({ movesMax: 2 }, { dryRun: true })
    expect(dry.operation).toBeNull()
    expect(dry.plan.moves).toHaveLength(2)
    const { operation, plan } = await plane.client.operations.rebalance({ movesMax: 2, concurrency: 1 })
    expect(plan.moves).toEqual(dry.plan.moves)
    await expect(plane.client.operations.rebalance({})).rejects.toMatchObject({
      code: 'OPERATION_IN_PROGRESS',
    })
    release()
    const ended = await until(plane, operation!.id, isEnded)
    expect(ended).toMatchObject({ state: 'done', kind: 'rebalance', counts: { moved: 2 } })
    expect(Object.values(await where(plane)).filter((name) => name === 'b')).toHaveLength(6)
  })
})

let release = () => {}

/** Holds migrations before a step. */
function hold(step: string) {
  const held = Promise.withResolvers<void>()
  release = held.resolve
  return {
    step: (at: string, phase: string, _id: string, kind: string) =>
      kind === 'migration' && at === step && phase === 'before' ? held.promise : undefined,
  }
}
