import { ConnectionError } from '@braid/kafka-connection'
import { expect, onTestFinished, test } from 'vitest'
import { SagaWorld } from '../testing/saga-world.ts'
import { Pulses } from './pulses.ts'
import type { Sighting } from './votes.ts'

async function beating() {
  const world = await SagaWorld.start()
  const heard: [cluster: string, Sighting][] = []
  const closing = new AbortController()
  const pulses = new Pulses({
    ...world.plane,
    closing: closing.signal,
    timings: { pulseEveryMs: 5, pulseTimeoutMs: 50 },
    hear: (cluster, sighting) => void heard.push([cluster, sighting]),
  })
  pulses.start()
  onTestFinished(async () => {
    closing.abort()
    await pulses.close()
    await world.close()
  })
  const last = (name: string) => heard.findLast(([cluster]) => cluster === name)?.[1]
  return { world, last }
}

test('every registered cluster is looked at, also one that comes later', async () => {
  const { world, last } = await beating()
  await expect.poll(() => last('a')?.state).toBe('up')
  world.cluster('a').away = true
  await expect.poll(() => last('a')?.state).toBe('down')
  await expect.poll(() => last('a')?.forMs).toBeGreaterThan(20)
  expect(last('a')?.detail).toBe('a: refused')
  world.cluster('a').away = false
  await expect.poll(() => last('a')).toMatchObject({ state: 'up', detail: null })
  expect(last('b')?.state).toBe('up')
})

test('that we are not let in says nothing of whether it is there', async () => {
  const { world, last } = await beating()
  await expect.poll(() => last('a')?.state).toBe('up')
  world.cluster('a').pulse = async () => {
    throw new ConnectionError('AUTHENTICATION_FAILED', 'a: the password is wrong', { cluster: 'a' })
  }
  await expect.poll(() => last('a')?.state).toBe('unknown')
  expect(last('a')?.detail).toBe('a: the password is wrong')
  world.cluster('a').pulse = async () => {
    const facts = { cluster: 'a', cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }
    throw new ConnectionError('TLS_FAILED', 'a: the handshake broke off', facts)
  }
  await expect.poll(() => last('a')?.state).toBe('down')
})

test('a connection that failed is closed, and the next look makes one anew', async () => {
  const { world, last } = await beating()
  await expect.poll(() => last('a')?.state).toBe('up')
  let [closed, made] = [0, 0]
  world.cluster('a').close = async () => void closed++
  const { clusters } = world.plane
  const openAt = clusters.openAt.bind(clusters)
  clusters.openAt = (end) => {
    if (end.name === 'a') made++
    return openAt(end)
  }
  world.cluster('a').away = true
  await expect.poll(() => last('a')?.state).toBe('down')
  await expect.poll(() => closed).toBeGreaterThan(0)
  await expect.poll(() => made).toBeGreaterThan(0)
})

test('a process that is held up itself does not take it for a lost cluster', async () => {
  const { world, last } = await beating()
  await expect.poll(() => last('a')?.state).toBe('up')
  const { pulse } = world.cluster('a')
  let heldUp = 0
  world.cluster('a').pulse = async () => {
    world.cluster('a').pulse = pulse
    for (const until = performance.now() + 300; performance.now() < until; ) heldUp++
    throw new ConnectionError('TIMED_OUT', 'a: no broker answered', { cluster: 'a' })
  }
  const states = new Set<string | undefined>()
  await expect
    .poll(() => {
      states.add(last('a')?.state)
      return heldUp
    })
    .toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 50))
  states.add(last('a')?.state)
  expect([...states]).toEqual(['up'])
  expect(last('a')?.forMs).toBeGreaterThan(300)
})
