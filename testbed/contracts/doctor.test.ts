import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding } from '@braid/control-api'
import { ClusterConnections, controllerClock, deleteTopic, type Right } from '@braid/kafka-connection'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { allow, securityOf, topicOperations } from '../clusters/access.ts'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'

/** What the doctor finds on real clusters, each with its code and what to do. */

/** From the first question to the answer, whatever hangs. */
const answersWithinMs = 30_000
const user = 'braid'

let home: KafkaCluster
let secured: KafkaCluster
let braid: RunningBraid
let passwordFile: string

beforeAll(async () => {
  const [three, one] = await startClusters([
    { name: 'three', brokers: 3 },
    { name: 'secured', security: 'sasl-plaintext', users: [user, 'sealless', 'readless'] },
  ])
  home = three!
  secured = one!
  await allow(secured, user, rights([]))
  await allow(secured, 'sealless', rights(['AlterConfigs']))
  await allow(secured, 'readless', rights(['Read']))
  // Nothing is mended in between.
  braid = await startBraid([home], { proxies: 1, timings: { reconcileEveryMs: 3_600_000 } })
  passwordFile = join(braid.folder, 'password')
  await copyPassword()
  await braid.controlPlane.client.clusters.register({
    name: 'secured',
    bootstrap: secured.bootstrap.split(','),
    security: securityAs(user),
  })
  await braid.controlPlane.client.topics.create({
    name: 'orders',
    partitions: 3,
    cluster: 'secured',
    replicationFactor: 1,
  })
})
afterAll(async () => {
  await braid?.stop()
  await Promise.all([home?.stop(), secured?.stop()])
})

const operations = [...topicOperations, 'Alter'] as const

function rights(without: readonly Right['operation'][]): Right[] {
  const topics = operations.filter((operation) => !without.includes(operation))
  return [
    ...topics.map((operation) => ({ operation, resource: 'Topic', name: '*' }) as const),
    { operation: 'Describe', resource: 'Cluster', name: 'kafka-cluster' },
  ]
}

/** With the password in a file of our own, which a test can change. */
function securityAs(name: string) {
  const security = securityOf(secured.description.access, name)!
  return name === user
    ? { ...security, sasl: { ...security.sasl!, password: `file:${passwordFile}` } }
    : security
}

async function copyPassword(): Promise<void> {
  const { folder } = secured.description.access!
  await writeFile(passwordFile, await readFile(join(folder, `${user}.password`)))
}

/** What is not well, of one subject. */
async function found(subject: string): Promise<Finding[]> {
  const startedAt = performance.now()
  const { findings } = await braid.controlPlane.client.doctor()
  expect(performance.now() - startedAt).toBeLessThan(answersWithinMs)
  return findings.filter((finding) => finding.subject === subject && finding.severity !== 'ok')
}

const actAs = (name: string) =>
  braid.controlPlane.client.clusters.update('secured', { security: securityAs(name) })

test('an installation in which all is well', async () => {
  const { findings, counts } = await braid.controlPlane.client.doctor()
  expect(findings.filter(({ severity }) => severity !== 'ok')).toEqual([])
  expect(counts).toEqual({ ok: 4, warning: 0, error: 0 })
})

test('the clock of a controller, which on this machine is ours', async () => {
  const kafka = new ClusterConnections({ name: 'three', bootstrap: home.bootstrap.split(',') })
  onTestFinished(() => kafka.close())
  const reading = await controllerClock(kafka)
  expect(Math.abs(reading!.aheadMs)).toBeLessThan(reading!.errorMs + 50)
  const behind = await controllerClock(kafka, () => Date.now() - 60_000)
  expect(behind!.aheadMs).toBeGreaterThan(59_000)
})

test('a password that is not, or no longer, the right one; and a secret that is not there', async () => {
  onTestFinished(copyPassword)
  await writeFile(passwordFile, 'guessed')
  expect(await found('cluster secured')).toEqual([
    expect.objectContaining({
      code: 'AUTHENTICATION_FAILED',
      severity: 'error',
      fix: expect.stringContaining('compare user, password and mechanism'),
    }),
  ])
  await writeFile(passwordFile, '')
  const [absent] = await found('cluster secured')
  expect(absent).toMatchObject({ code: 'SECRET_MISSING', fix: expect.stringContaining('put the file there') })
})

test.each([
  ['sealless', 'AlterConfigs', 'cannot be sealed'],
  ['readless', 'Read', 'DescribeProducers'],
])('a user (%s) who lacks %s', async (name, operation, consequence) => {
  onTestFinished(async () => void (await actAs(user)))
  await actAs(name)
  expect(await found('cluster secured')).toEqual([
    expect.objectContaining({
      code: 'MISSING_RIGHT',
      severity: 'error',
      detail: expect.stringMatching(`lacks ${operation} on Topic orders.*${consequence}`),
      fix: expect.stringContaining(`--allow-principal User:${name} --operation ${operation} --topic '*'`),
    }),
  ])
})

test('a broker that is paused, and one that is killed', async () => {
  const [, second, third] = home.brokers
  onTestFinished(() => second!.resume())
  await second!.pause()
  await third!.kill()
  onTestFinished(() => third!.start())
  const findings = await found('cluster three')
  for (const { id, address } of [second!, third!]) {
    expect(findings).toContainEqual(
      expect.objectContaining({
        code: 'BROKER_UNREACHABLE',
        severity: 'error',
        detail: expect.stringContaining(`broker ${id} at ${address}`),
        fix: expect.stringContaining('advertised.listeners'),
      }),
    )
  }
})

test('a stub that somebody deleted', async () => {
  const { homeTopic } = await braid.controlPlane.client.topics.get('orders')
  const kafka = new ClusterConnections({ name: 'three', bootstrap: home.bootstrap.split(',') })
  onTestFinished(() => kafka.close())
  await deleteTopic(kafka, homeTopic)
  await expect
    .poll(() => found('topic orders of tenant default'), { timeout: 60_000 })
    .toEqual([
      expect.objectContaining({
        code: 'STUB_MISSING',
        severity: 'error',
        detail: expect.stringContaining(homeTopic),
        fix: expect.stringContaining('--reset-offsets'),
      }),
    ])
})
