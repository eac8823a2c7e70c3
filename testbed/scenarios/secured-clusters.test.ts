import { randomUUID } from 'node:crypto'
import { ControlPlaneError } from '@braid/control-api'
import type { ClusterSecurity } from '@braid/routing-model'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { allow, securityOf, topicOperations } from '../clusters/access.ts'
import { type KafkaCluster, startClusters } from '../clusters/cluster.ts'
import { sharedClusters } from '../clusters/shared.ts'
import { startMonitorOf } from '../components/monitor.ts'
import { type RunningBraid, startBraid } from '../components/running.ts'
import { TopicUnderLoad } from '../workloads/topic-under-load.ts'

let secured: KafkaCluster
let braid: RunningBraid
beforeAll(async () => {
  const [started] = await startClusters([
    {
      name: 'secured',
      security: 'sasl-ssl',
      users: ['braid'],
      // Sessions end, and are renewed, while the topic is there.
      config: { 'connections.max.reauth.ms': '5000' },
    },
  ])
  secured = started!
  braid = await startBraid([sharedClusters()[0]!])
})
afterAll(async () => {
  await braid?.stop()
  await secured?.stop()
})

const register = (security: ClusterSecurity | undefined) =>
  braid.controlPlane.client.clusters.register({
    name: 'secured',
    bootstrap: secured.bootstrap.split(','),
    ...(security !== undefined && { security }),
  })

async function refusal(promise: Promise<unknown>): Promise<ControlPlaneError> {
  const error = await promise.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(ControlPlaneError)
  return error as ControlPlaneError
}

test('a cluster that does not let us in is not registered, and the answer says what to do', async () => {
  const { tls, sasl } = secured.security!
  const absent = await refusal(
    register({ protocol: 'SASL_SSL', tls, sasl: { ...sasl!, password: 'env:ABSENT' } }),
  )
  expect([absent.code, absent.detail]).toEqual([
    'CLUSTER_ACCESS_REFUSED',
    expect.stringMatching(/secured needs env:ABSENT \(its SASL password\).*not set here/),
  ])
  const noTls = await refusal(register(undefined))
  expect([noTls.code, noTls.detail]).toEqual(['CLUSTER_ACCESS_REFUSED', expect.stringMatching(/speaks TLS/)])
  const password = `secret-${randomUUID()}`
  const itself = await refusal(register({ protocol: 'SASL_SSL', tls, sasl: { ...sasl!, password } }))
  expect([itself.code, JSON.stringify(itself)]).toEqual([
    'BAD_REQUEST',
    expect.not.stringContaining(password),
  ])
  const unknown = await refusal(braid.controlPlane.client.clusters.get('secured'))
  expect(unknown.code).toBe('UNKNOWN_CLUSTER')
})

test('a topic moves between a plain cluster and one with SASL and TLS, as a user with just the rights, and a monitor sees both', async () => {
  await allow(
    secured,
    'braid',
    topicOperations.map((operation) => ({ operation, resource: 'Topic', name: '*' })),
  )
  const security = securityOf(secured.description.access, 'braid', 'SCRAM-SHA-256')
  expect(await register(security)).toMatchObject({ security })

  const monitor = await startMonitorOf(braid, {
    timings: { lagEveryMs: 500 },
  })
  onTestFinished(() => monitor.close())

  const load = await TopicUnderLoad.start(braid, { topic: 'across', on: 'a' })
  onTestFinished(() => load.stop())
  await load.move('secured')
  await load.worksOn(3_000)
  await load.move('a')
  await load.worksOn()
  await load.move('secured')
  await load.worksOn()
  const eventually = { timeout: 30_000 }
  await expect.poll(() => monitor.metrics(), eventually).toContain('braid_canary_up{cluster="secured"} 1\n')
  await load.stopProducing()
  const labels = `tenant="default",group="${load.group}",topic="across"`
  await expect.poll(() => monitor.metrics(), eventually).toContain(`braid_group_lag_records{${labels}} 0\n`)
  expect(await monitor.metrics()).toContain(`braid_group_lag_partial{${labels}} 0\n`)
  expect(await load.judge()).toMatchObject({ evidence: [], verdict: 'clean' })
})
