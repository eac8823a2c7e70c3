import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runDev } from '../commands/dev.ts'
import { type FakeControlPlane, fakeControlPlane, Refusal } from '../testing/fake-control-plane.ts'
import { type FakeIo, fakeIo } from '../testing/fake-io.ts'
import { clusterA } from '../testing/resources.ts'
import { findClusterStarter } from './providers.ts'
import type { DevOptions, DevParts } from './stack.ts'

const anywhere = { host: '127.0.0.1', port: 0 }
const attached: DevOptions = {
  clusters: {
    attach: [
      { name: 'a', bootstrap: ['k1:9092'] },
      { name: 'b', bootstrap: ['k2:9092'] },
    ],
  },
  listen: anywhere,
  api: anywhere,
  dataDir: undefined,
}

let plane: FakeControlPlane
let happened: string[]
let io: FakeIo
let parts: DevParts
let dataDir: string | undefined
let folder: string

beforeEach(async () => {
  plane = await fakeControlPlane({
    'clusters.list': { clusters: [], next: null },
    'clusters.register': ({ body }: { body: unknown }) => {
      const { name, bootstrap } = body as { name: string; bootstrap: string[] }
      happened.push(`register ${name}`)
      return { ...clusterA, name, bootstrap }
    },
  })
  happened = []
  io = fakeIo()
  folder = await mkdtemp(join(tmpdir(), 'braid-stack-test-'))
  vi.stubEnv('TMPDIR', folder)
  parts = {
    async findClusterStarter() {
      return {
        async startClusters(specs) {
          happened.push(`start ${specs.map(({ name }) => name).join()}`)
          return specs.map(({ name }) => ({
            name,
            version: '4.3.1',
            provider: 'jvm',
            bootstrap: `${name}:9092`,
            stop: async () => void happened.push(`stop ${name}`),
          }))
        },
      }
    },
    async startControlPlane(options) {
      dataDir = options.dataDir
      happened.push('start control plane')
      return { url: plane.url, close: async () => void happened.push('close control plane') }
    },
    async startProxy() {
      happened.push('start proxy')
      return {
        bootstrap: '127.0.0.1:9092',
        listeners: { a: '127.0.0.1:9093' },
        close: async () => void happened.push('close proxy'),
      }
    },
    async startMonitor({ listen }) {
      happened.push('start monitor')
      return { address: listen, close: async () => void happened.push('close monitor') }
    },
  }
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await plane[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const stopOnceUp = (): void => {
  io = { ...io, stdout: { isTTY: false, write: () => io.stop() } } as FakeIo
}

describe('braid dev', () => {
  it('starts in order, registers the clusters as named, and takes all down in reverse', async () => {
    stopOnceUp()
    await runDev(io, { ...attached, clusters: { start: 2 } }, parts)
    expect(happened).toEqual([
      'start a,b',
      'start control plane',
      'register a',
      'register b',
      'start proxy',
      'close proxy',
      'close control plane',
      'stop a',
      'stop b',
    ])
    expect(existsSync(dataDir!)).toBe(false)
  })

  it('runs a monitor where it is told to, behind everything else', async () => {
    stopOnceUp()
    await runDev(io, { ...attached, monitor: anywhere }, parts)
    expect(happened.slice(-5)).toEqual([
      'start proxy',
      'start monitor',
      'close monitor',
      'close proxy',
      'close control plane',
    ])
  })

  it('says what listens where and what to try next', async () => {
    const running = runDev(io, attached, parts)
    await expect.poll(() => io.out).toContain('Ctrl-C')
    io.stop()
    await running
    expect(io.out).toMatch(/cluster a +k1:9092 +home\n/)
    expect(io.out).toMatch(/Kafka +127\.0\.0\.1:9092 +point any Kafka client here/)
    expect(io.out).toMatch(/listener of a +127\.0\.0\.1:9093/)
    const prefix = `BRAID_API=${plane.url.replace('http://', '')} npx braid`
    expect(io.out).toContain(`${prefix} topic create orders --partitions 12 --cluster a`)
    expect(io.out).toContain(`${prefix} migrate orders --to b`)
  })

  it('that is stopped while clusters start takes them down and starts nothing more', async () => {
    const findClusterStarter = parts.findClusterStarter
    parts.findClusterStarter = async () => {
      io.stop()
      return findClusterStarter()
    }
    await runDev(io, { ...attached, clusters: { start: 2 } }, parts)
    expect(happened).toEqual(['start a,b', 'stop a', 'stop b'])
    expect(await readdir(folder)).toEqual([])
  })

  it('without anything to start clusters with says what to do', async () => {
    const missing = Object.assign(new Error("Cannot find package '@braid/testbed' imported from /x"), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    parts.findClusterStarter = () => findClusterStarter(() => Promise.reject(missing))
    await expect(runDev(io, { ...attached, clusters: { start: 2 } }, parts)).rejects.toMatchObject({
      message: expect.stringContaining('@braid/testbed is not installed'),
      remedy: expect.stringContaining('braid dev --attach'),
      exit: 1,
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('finds the testbed of this repository, and does not take a broken one for a missing one', async () => {
    expect((await findClusterStarter()).startClusters).toBeTypeOf('function')
    const broken = Object.assign(new Error("Cannot find package 'kafkajs' imported from /x"), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    await expect(findClusterStarter(() => Promise.reject(broken))).rejects.toBe(broken)
    await expect(findClusterStarter(async () => ({}))).rejects.toThrow('has no startClusters()')
  })
})

describe('what goes wrong leaves nothing behind', () => {
  let busy: Server
  let busyPort: number
  beforeEach(async () => {
    busy = createServer()
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
    busyPort = (busy.address() as AddressInfo).port
  })
  afterEach(() => new Promise<void>((resolve) => busy.close(() => resolve())))

  it.each(['api', 'listen'] as const)('--%s in use: nothing is started', async (option) => {
    const options = { ...attached, [option]: { host: '127.0.0.1', port: busyPort } }
    await expect(runDev(io, options, parts)).rejects.toMatchObject({
      message: expect.stringMatching(`cannot listen on 127.0.0.1:${busyPort}: the port is in use`),
      remedy: expect.stringContaining(`--${option} host:port`),
      exit: 1,
    })
    expect(happened).toEqual([])
  })

  it("a cluster's listener in use: nothing is started", async () => {
    const listen = { host: '127.0.0.1', port: busyPort - 1 }
    await expect(runDev(io, { ...attached, listen }, parts)).rejects.toThrow(
      new RegExp(`127.0.0.1:${busyPort}: the port is in use|127.0.0.1:${busyPort - 1}: the port is in use`),
    )
    expect(happened).toEqual([])
  })

  it('an address of another machine: nothing is started', async () => {
    const listen = { host: '192.0.2.1', port: 9092 }
    await expect(runDev(io, { ...attached, listen }, parts)).rejects.toThrow(
      'cannot listen on 192.0.2.1:9092: the address is not one of this machine',
    )
    expect(happened).toEqual([])
  })

  it('the API on a port that the proxy takes is a wrong command line', async () => {
    const options = {
      ...attached,
      listen: { host: '127.0.0.1', port: 40_000 },
      api: { host: '127.0.0.1', port: 40_002 },
    }
    await expect(runDev(io, options, parts)).rejects.toMatchObject({ exit: 2 })
    expect(happened).toEqual([])
  })

  it('clusters that do not start', async () => {
    parts.findClusterStarter = async () => ({
      startClusters: () => Promise.reject(new Error('no provider of Kafka clusters works here')),
    })
    await expect(runDev(io, { ...attached, clusters: { start: 2 } }, parts)).rejects.toThrow(
      'the Kafka clusters did not start: no provider of Kafka clusters works here',
    )
    expect(happened).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('an attached cluster that does not answer', async () => {
    await plane[Symbol.asyncDispose]()
    plane = await fakeControlPlane({
      'clusters.list': { clusters: [], next: null },
      'clusters.register': new Refusal('CLUSTER_UNREACHABLE', 'a does not answer at k1:9092'),
    })
    await expect(runDev(io, attached, parts)).rejects.toMatchObject({
      message: 'a does not answer at k1:9092',
      exit: 1,
    })
    expect(happened).toEqual(['start control plane', 'close control plane'])
    expect(await readdir(folder)).toEqual([])
  })

  it('a proxy that cannot listen after all', async () => {
    const error = Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', port: 9094 })
    parts.startProxy = () => Promise.reject(new Error('wrapped', { cause: error }))
    await expect(runDev(io, attached, parts)).rejects.toThrow(
      'the proxy cannot listen on 127.0.0.1:9094: the port is in use',
    )
    expect(happened).toEqual(['start control plane', 'register a', 'register b', 'close control plane'])
    expect(await readdir(folder)).toEqual([])
  })

  it('kept data that knows a cluster at another address', async () => {
    await plane[Symbol.asyncDispose]()
    const known = { ...clusterA, bootstrap: ['elsewhere:9092'] }
    plane = await fakeControlPlane({ 'clusters.list': { clusters: [known], next: null } })
    await expect(runDev(io, attached, parts)).rejects.toThrow(
      'cluster a was at elsewhere:9092 in the kept data, now it is at k1:9092',
    )
    expect(happened).toEqual(['start control plane', 'close control plane'])
  })
})
