// For tests: a whole control plane over clusters in memory, with its API and a client.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlPlaneClient, type Migration } from '@braid/control-api'
import { onTestFinished } from 'vitest'
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../start.ts'
import { FakeCluster } from './fake-cluster.ts'

export interface TestPlane {
  readonly client: ControlPlaneClient
  readonly url: string
  readonly logged: { level: string; event: string; fields: Readonly<Record<string, unknown>> }[]
  close(): Promise<void>
  /** Another one on the same store, as after a crash. */
  restart(options?: Partial<ControlPlaneOptions>): Promise<TestPlane>
}

export const quick = {
  warmUpMs: 1,
  sealMaxMs: 200,
  strayChecksMs: [5, 10, 20],
  drainCheckMs: 10,
  strayGraceMs: 0,
  retireAfterMs: 0,
  retryBaseMs: 2,
  retryMaxMs: 20,
  sweepMaxMs: 500,
  sweepEveryMs: 50,
  leftoverSettleMs: 0,
  repeatsSettleMs: 0,
}

/** Clusters a, b and c, of which a is home. */
export function fakeClusters(): Record<'a' | 'b' | 'c', FakeCluster> {
  return { a: new FakeCluster('a'), b: new FakeCluster('b'), c: new FakeCluster('c') }
}

export async function startTestPlane(
  clusters: Readonly<Record<string, FakeCluster>>,
  options: Partial<ControlPlaneOptions> = {},
  /** `join`: another on the store of one that has registered them. */
  how: 'begin' | 'join' = 'begin',
): Promise<TestPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'braid-control-plane-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const plane = await startOn(folder, clusters, options)
  for (const name of how === 'begin' ? Object.keys(clusters) : [])
    await plane.client.clusters.register({ name, bootstrap: `${name}:9092` })
  return plane
}

async function startOn(
  dataDir: string,
  clusters: Readonly<Record<string, FakeCluster>>,
  options: Partial<ControlPlaneOptions>,
): Promise<TestPlane> {
  const logged: TestPlane['logged'] = []
  const byAddress = new Map(Object.entries(clusters).map(([name, cluster]) => [`${name}:9092`, cluster]))
  const plane: ControlPlane = await startControlPlane({
    port: 0,
    dataDir,
    log: (level, event, fields) => void logged.push({ level, event, fields }),
    openCluster: ({ name, bootstrap }) => {
      const found = byAddress.get(bootstrap[0]!)
      if (found !== undefined) return found
      const nobody = new FakeCluster(name)
      nobody.away = true
      return nobody
    },
    ...options,
    timings: { ...quick, ...options.timings },
  })
  onTestFinished(() => plane.close())
  return {
    client: new ControlPlaneClient({ url: plane.url }),
    url: plane.url,
    logged,
    close: () => plane.close(),
    restart: async (again = {}) => {
      await plane.close()
      return startOn(dataDir, clusters, { ...options, migrationHooks: undefined, ...again })
    },
  }
}

/** Until it has ended, one way or the other. */
export async function ended(
  client: ControlPlaneClient,
  id: string,
  states: Migration['state'][],
): Promise<Migration> {
  for (let i = 0; i < 500; i++) {
    const migration = await client.migrations.get(id)
    if (states.includes(migration.state)) return migration
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`migration ${id} did not become ${states.join(' or ')}`)
}
