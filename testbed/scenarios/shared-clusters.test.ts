import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { sharedClusters } from '../clusters/shared.ts'

test('scenarios share three clusters, of two versions', () => {
  const clusters = sharedClusters()
  expect(clusters.map(({ name, version }) => [name, version])).toEqual([
    ['a', '4.3.1'],
    ['b', '4.3.1'],
    ['c', '3.9.2'],
  ])
  expect(new Set(clusters.map(({ bootstrap }) => bootstrap)).size).toBe(3)
})

test('a scenario may break them, though another process started them, but not stop them', async () => {
  const [cluster] = sharedClusters()
  const [broker] = cluster!.brokers
  expect(await listens(broker!.address)).toBe(true)
  await broker!.kill()
  expect(await listens(broker!.address)).toBe(false)
  await broker!.start()
  expect(await listens(broker!.address)).toBe(true)
  await expect(cluster!.stop()).rejects.toThrow(/cluster a is shared/)
})

function listens(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port) })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
