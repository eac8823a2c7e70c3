// The API, asked what its own document says may be asked, and much that it says may not: by Schemathesis, from PyPI,
// in an environment of its own beside node_modules.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { type ControlPlane, startControlPlane } from '../start.ts'
import { FakeCluster } from '../testing/fake-cluster.ts'

const run = promisify(execFile)
const version = '4.32.5'
const place = fileURLToPath(
  new URL(`../../../../node_modules/.cache/schemathesis-${version}`, import.meta.url),
)
const installMaxMs = 240_000
const runMaxMs = 480_000
const adminToken = 'the-token-of-an-administrator-in-a-test'

beforeAll(install, installMaxMs)

// Side by side: one asks while the other thinks.
test.concurrent.for([
  { name: 'nobody is asked who they are', secured: false },
  { name: 'everybody is asked who they are', secured: true },
])(
  'no 5xx, no answer outside its schema, nothing undocumented: $name',
  { timeout: runMaxMs },
  async ({ secured }, { onTestFinished }) => {
    const plane = await startPlane(secured)
    onTestFinished(() => plane.close())
    const { url } = plane
    await furnish(url)
    const { output, failed } = await fuzz(url, secured)
    expect(failed, output).toBe(false)
  },
)

/** Once for all runs; half an environment is made anew. */
async function install(): Promise<void> {
  const done = `${place}/installed`
  if (existsSync(done)) return
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  const timeout = installMaxMs / 2
  await run('python3', ['-m', 'venv', place], { timeout })
  await run(`${place}/bin/pip`, ['install', '--quiet', `schemathesis==${version}`], { timeout })
  writeFileSync(done, version)
}

async function startPlane(secured: boolean): Promise<ControlPlane> {
  const clusters = new Map<string, FakeCluster>()
  return startControlPlane({
    port: 0,
    databaseFile: ':memory:',
    checkAnswers: true,
    // Whatever address it makes up, there is a cluster: 502 for one that is away is right, and no finding.
    openCluster: ({ name, bootstrap: [address = ''] }) => {
      const cluster = clusters.get(address) ?? new FakeCluster(name)
      clusters.set(address, cluster)
      return cluster
    },
    timings: { warmUpMs: 1, sealMaxMs: 200, longPollMaxMs: 50 },
    ...(secured && { auth: 'tokens', adminToken }),
  })
}

const headers = { 'content-type': 'application/json', authorization: `Bearer ${adminToken}` }

/** Some of everything, for what is looked up to be there at times. */
async function furnish(url: string): Promise<void> {
  const made: [method: string, path: string, body: unknown][] = [
    ['POST', '/v1/clusters', { name: 'a', bootstrap: 'a:9092' }],
    ['POST', '/v1/clusters', { name: 'b', bootstrap: 'b:9092' }],
    ['PUT', '/v1/slas/gold', { name: 'gold', durability: { replicationFactor: 1 } }],
    ['PUT', '/v1/tenants/shop', { name: 'shop', home: 'a', owners: ['user:ann'] }],
    ['POST', '/v1/tenants/shop/topics', { name: 'orders', partitions: 2, sla: 'gold' }],
    ['POST', '/v1/tenants/default/topics', { name: 'logs', partitions: 1 }],
    ['POST', '/v1/migrations', { tenant: 'shop', topics: ['orders'], to: 'b' }],
    ['POST', '/v1/tokens', { principal: 'user:ann', role: 'viewer' }],
  ]
  for (const [method, path, body] of made) {
    const response = await fetch(new URL(path, url), { method, headers, body: JSON.stringify(body) })
    expect(response.status, `${method} ${path}: ${await response.text()}`).toBeLessThan(300)
  }
}

async function fuzz(url: string, secured: boolean): Promise<{ output: string; failed: boolean }> {
  const asked = [
    ...['run', `${url}/openapi.json`, '--seed', '1', '--max-examples', '8', '--phases', 'coverage,fuzzing'],
    ...['--continue-on-failure', '--no-shrink', '--request-timeout', '20'],
    // Several threads that parse Python trip over each other in it (CPython's gh-106905).
    ...['--workers', '1'],
    ...['--suppress-health-check', 'all', '--warnings', 'off'],
    // It never ends. And a run must not take its own token away.
    ...['--exclude-path', '/v1/routes', ...(secured ? ['--exclude-operation-id', 'tokens.revoke'] : [])],
    // What JSON Schema cannot say is refused too: a minimum above a maximum, a name that is taken.
    ...['--exclude-checks', 'positive_data_acceptance'],
    ...(secured ? ['--header', `Authorization: ${headers.authorization}`] : []),
  ]
  const ran = await run(`${place}/bin/schemathesis`, asked, {
    timeout: runMaxMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: '1' },
    cwd: place,
  }).catch((error: { stdout?: string; stderr?: string; message: string }) => error)
  const output = `${'message' in ran ? ran.message : ''}\n${ran.stdout ?? ''}\n${ran.stderr ?? ''}`
  return { output, failed: 'message' in ran }
}
