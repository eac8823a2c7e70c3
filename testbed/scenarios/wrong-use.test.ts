import { ControlPlaneError } from '@braid/control-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KafkaCluster } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { braidCommand, type CommandEnd } from '../workloads/braid-command.ts'
import { bringBack, killCluster, returnCluster, untilGivenUp } from '../workloads/cluster-loss.ts'
import { createFailoverTopic, standbyReady } from '../workloads/failover-topic.ts'

// What somebody in a hurry asks for, and is refused with the reason: by the API, and by the command line.

/** The exit statuses of `braid help exit-codes`: the present state forbids it; there is no such thing. */
const REFUSED = 5
const NOT_FOUND = 4
const NOT_CONFIRMED = 2
const TOPIC = 'wrong-use'

let b: KafkaCluster
let c: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const clusters = sharedClusters()
  b = clusters[1]!
  c = clusters[2]!
  braid = await startBraid(clusters, { proxies: 2 })
  await createFailoverTopic(braid.client, {
    topic: TOPIC,
    partitions: 2,
    on: 'b',
    policy: 'strict',
    standby: 'c',
  })
})
afterAll(() => braid?.stop())

const command = (...args: readonly string[]) => braidCommand(braid.controlPlane.url, ...args)

async function refusal(asked: Promise<unknown>): Promise<ControlPlaneError> {
  const error = await asked.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(ControlPlaneError)
  return error as ControlPlaneError
}

/** Both refuse, for the same reason, and say it in words that name what it is about. */
async function expectRefused(
  asked: Promise<unknown>,
  said: Promise<CommandEnd>,
  { code, words, status = REFUSED }: { code: string; words: RegExp; status?: number },
): Promise<void> {
  const error = await refusal(asked)
  expect([error.code, error.detail]).toEqual([code, expect.stringMatching(words)])
  expect(await said).toMatchObject({ status, stderr: expect.stringMatching(words) })
}

test('nobody gives up a cluster that answers, takes back one that was not given up, or abandons what is there', async () => {
  const { failovers, topics } = braid.client
  await expectRefused(failovers.start('b'), command('failover', 'b', '--yes'), {
    code: 'CLUSTER_ANSWERS',
    words: /\bb\b.*answer/,
  })
  await expectRefused(failovers.return('b'), command('cluster', 'return', 'b', '--yes'), {
    code: 'CLUSTER_NOT_GIVEN_UP',
    words: /\bb\b.*not given up/,
  })
  await expectRefused(
    topics.abandon(TOPIC, 0, { confirm: true }),
    command('topic', 'abandon', TOPIC, '--loglet', '0', '--yes'),
    { code: 'LOGLET_NOT_LOST', words: /not (lost|away)|is (active|sealed)/ },
  )
  await expectRefused(
    topics.abandon(TOPIC, 7, { confirm: true }),
    command('topic', 'abandon', TOPIC, '--loglet', '7', '--yes'),
    { code: 'UNKNOWN_LOGLET', words: /loglet 7/, status: NOT_FOUND },
  )
  await expectRefused(failovers.start('c', { force: true }), command('failover', 'c', '--force', '--yes'), {
    code: 'NOTHING_TO_FAIL_OVER',
    words: /\bc\b/,
  })
  expect(await failovers.list()).toEqual([])
})

test('nobody gives up a cluster for one that is down', async () => {
  await killCluster(c)
  const seen = async () =>
    (await braid.client.failovers.status()).clusters.find(({ cluster }) => cluster === 'c')?.state
  await expect.poll(seen, { timeout: 15_000 }).not.toBe('up')
  await expectRefused(
    braid.client.failovers.start('b', { force: true }),
    command('failover', 'b', '--force', '--yes'),
    { code: 'STANDBY_DOWN', words: /\bc\b/ },
  )
  expect(await braid.client.topics.get(TOPIC)).toMatchObject({ cluster: 'b' })
  await bringBack(c)
  await expect.poll(seen, { timeout: 15_000 }).toBe('up')
})

test('nobody takes back a cluster that still fails, or abandons what it has without having said so', async () => {
  const { failovers, topics } = braid.client
  await standbyReady(braid.client, TOPIC)
  await killCluster(b)
  await untilGivenUp(braid.client, 'b')
  await expectRefused(failovers.return('b'), command('cluster', 'return', 'b', '--yes'), {
    code: 'CLUSTER_STILL_FAILING',
    words: /\bb\b/,
  })
  await expectRefused(failovers.start('b', { force: true }), command('failover', 'b', '--force', '--yes'), {
    code: 'CLUSTER_GIVEN_UP',
    words: /\bb\b.*given up/,
  })
  // The client asks for the price unless it is told; somebody who writes the request may forget to.
  const forgotten = await fetch(
    new URL(`/v1/tenants/default/topics/${TOPIC}/loglets/0/abandon`, braid.controlPlane.url),
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
  )
  expect(await forgotten.json()).toMatchObject({
    code: 'NOT_CONFIRMED',
    detail: expect.stringMatching(/confirm/i),
  })
  const said = await command('topic', 'abandon', TOPIC, '--loglet', '0')
  expect(said).toMatchObject({ status: NOT_CONFIRMED, stderr: expect.stringMatching(/price: .*--yes/s) })
  expect((await topics.get(TOPIC)).chain[0]).toMatchObject({ state: 'lost' })

  await bringBack(b)
  await returnCluster(braid.client, 'b')
  expect((await topics.get(TOPIC)).chain.every(({ state }) => state !== 'lost')).toBe(true)
})
