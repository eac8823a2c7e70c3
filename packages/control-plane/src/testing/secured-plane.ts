// For tests: a control plane that asks who you are, over clusters in memory, with two tenants and people of each kind.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlPlaneClient, type Problem, type TokenCreation } from '@braid/control-api'
import { onTestFinished } from 'vitest'
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../start.ts'
import { FakeCluster } from './fake-cluster.ts'
import { quick } from './test-plane.ts'

export const adminToken = 'the-token-of-an-administrator-in-a-test'

export interface Answered {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: whatever it is, the test looks at it
  readonly body: any
  readonly problem: Problem
}

export interface SecuredPlane {
  readonly url: string
  readonly admin: ControlPlaneClient
  readonly clusters: Readonly<Record<string, FakeCluster>>
  /** A client with a new token. */
  as(creation: TokenCreation): Promise<{ client: ControlPlaneClient; token: string; id: string }>
  ask(method: string, path: string, how?: Asked): Promise<Answered>
  close(): Promise<void>
  restart(options?: Partial<ControlPlaneOptions>): Promise<SecuredPlane>
}

export interface Asked {
  readonly token?: string | null | undefined
  readonly body?: unknown
  readonly key?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** Clusters a and b; tenants default, shop (with topic orders) and bank, all at home on a. */
export async function startSecuredPlane(
  options: Partial<ControlPlaneOptions> = {},
  atEnd: (end: () => void | Promise<void>) => void = onTestFinished,
): Promise<SecuredPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), 'braid-secured-'))
  atEnd(() => rmSync(dataDir, { recursive: true, force: true }))
  const clusters = { a: new FakeCluster('a'), b: new FakeCluster('b') }
  const plane = await startOn(dataDir, clusters, options, atEnd)
  for (const name of Object.keys(clusters))
    await plane.admin.clusters.register({ name, bootstrap: `${name}:9092` })
  for (const name of ['shop', 'bank']) await plane.admin.tenants.put({ name, home: 'a' })
  await plane.admin.topics.create({ name: 'orders', partitions: 2 }, { tenant: 'shop' })
  return plane
}

async function startOn(
  dataDir: string,
  clusters: Readonly<Record<string, FakeCluster>>,
  options: Partial<ControlPlaneOptions>,
  atEnd: (end: () => void | Promise<void>) => void,
): Promise<SecuredPlane> {
  const plane: ControlPlane = await startControlPlane({
    port: 0,
    dataDir,
    auth: 'tokens',
    adminToken,
    checkAnswers: true,
    openCluster: ({ name, bootstrap: [address = ''] }) => {
      const found = clusters[address.split(':')[0]!]
      if (found !== undefined) return found
      const nobody = new FakeCluster(name)
      nobody.away = true
      return nobody
    },
    ...options,
    timings: { ...quick, ...options.timings },
  })
  atEnd(() => plane.close())
  const { url } = plane
  const admin = new ControlPlaneClient({ url, token: adminToken })
  return {
    url,
    admin,
    clusters,
    as: async (creation) => {
      const { secret, id } = await admin.tokens.create(creation)
      return { client: new ControlPlaneClient({ url, token: secret }), token: secret, id }
    },
    ask: async (method, path, { token = adminToken, body, key, headers = {} } = {}) => {
      const response = await fetch(new URL(path, url), {
        method,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(key !== undefined && { 'idempotency-key': key }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const value: unknown = isJson && text !== '' ? JSON.parse(text) : text
      return { status: response.status, headers: response.headers, body: value, problem: value as Problem }
    },
    close: () => plane.close(),
    restart: async (again = {}) => {
      await plane.close()
      return startOn(dataDir, clusters, { ...options, ...again }, atEnd)
    },
  }
}
