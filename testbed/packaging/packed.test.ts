// What is published, as a user gets it: packed, installed with npm in an empty folder, and run there.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const packages = [
  'routing-model',
  'kafka-protocol',
  'kafka-connection',
  'control-api',
  'virtual-cluster',
  'client',
  'proxy',
  'control-plane',
  'monitor',
].map((name) => `packages/${name}`)

/** npm tells its children about the project it runs in. The user's project is another one. */
const userEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_(package|lifecycle|config_(local_prefix|workspace|include_workspace))|^INIT_CWD$/i.test(name),
  ),
)
const withoutModulesBin = (path = '') =>
  path
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter)
const machineEnv = { ...userEnv, PATH: withoutModulesBin(process.env.PATH) }

function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = userEnv) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (error !== undefined) throw error
  return { status, stdout, stderr }
}

function must(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = run(command, args, cwd)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`)
  return stdout
}

const version = (
  JSON.parse(readFileSync(join(repository, 'apps/braid/package.json'), 'utf8')) as { version: string }
).version

let folder: string
let launcher: string

async function startControlPlane(nodeOptions: readonly string[] = []) {
  const data = mkdtempSync(join(folder, 'data-'))
  const args = [...nodeOptions, launcher, 'control-plane', '--listen', '127.0.0.1:0', '--data', data]
  const started = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
  const exit = once(started, 'exit')
  let url: string | undefined
  for await (const line of createInterface({ input: started.stdout })) {
    url = /^control plane.*(https?:\S+)/.exec(line)?.[1]
    if (url !== undefined) break
  }
  if (url === undefined) throw new Error(`the control plane ended: ${await exit}`)
  return {
    url,
    ends: async (signal: NodeJS.Signals): Promise<number | null> => {
      started.kill(signal)
      const [status] = (await exit) as [number | null]
      return status
    },
    [Symbol.asyncDispose]: async () => {
      started.kill('SIGTERM')
      await exit
    },
  }
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'braid-packed-'))
  const tarballs = join(folder, 'tarballs')
  mkdirSync(tarballs)
  must('npm', ['run', 'build'], repository)
  const built = [...packages, 'apps/braid'].map((path) => join(repository, path, 'dist'))
  must('npm', ['pack', ...built, '--pack-destination', tarballs], repository)
  const files = readdirSync(tarballs).map((name) => join(tarballs, name))
  expect(files).toHaveLength(packages.length + 1)
  const project = { name: 'user', private: true, type: 'module', allowScripts: { node: true } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project))
  must('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...files], folder)
  launcher = join(folder, 'node_modules/@braid/cli/bin/braid.js')
}, 400_000)

// Thousands of files, on a disk that others use.
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)

describe('the packed braid, installed in an empty folder', () => {
  it('says its version', () => {
    expect(must('npx', ['braid', '--version'], folder)).toBe(`${version}\n`)
  })

  it('helps', () => {
    const help = must('npx', ['braid', '--help'], folder)
    expect(help).toContain('Usage: braid')
    for (const command of ['dev', 'topic', 'migrate', 'cluster', 'proxy', 'control-plane', 'monitor']) {
      expect(help).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    }
  })

  it('fails with a reason when it is told nonsense', () => {
    const { status, stderr } = run('npx', ['braid', 'nonsense'], folder)
    expect(status).toBe(2)
    expect(stderr).toContain('nonsense')
  })

  it('runs a control plane, with the schema of its store, and asks it', async () => {
    await using controlPlane = await startControlPlane()
    const env = { ...userEnv, BRAID_API: controlPlane.url }
    expect(run('npx', ['braid', 'cluster', 'list', '-o', 'json'], folder, env)).toEqual({
      status: 0,
      stdout: expect.stringContaining('[]') as string,
      stderr: expect.not.stringContaining('braid:') as string,
    })
    expect(await controlPlane.ends('SIGTERM')).toBe(0)
  }, 60_000)

  it('holds no tests and no TypeScript sources', () => {
    const all = readdirSync(join(folder, 'node_modules/@braid'), { recursive: true }) as string[]
    expect(all.some((path) => path.endsWith('LICENSE'))).toBe(true)
    expect(all.filter((path) => /\.test\.|[\\/]testing[\\/]|(?<!\.d)\.ts$/.test(path))).toEqual([])
  })

  it('has types that a compiler understands', () => {
    const program = `
      import { connect } from '@braid/client'
      import { nodeId } from '@braid/routing-model'
      const braid = await connect({ controlPlane: 'http://127.0.0.1:7070' })
      export const producer = braid.kafka({ clientId: 'billing' }).producer()
      // @ts-expect-error: it is a number
      export const id: string = nodeId(1, 2)
    `
    writeFileSync(join(folder, 'program.ts'), program)
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck']
    const typeRoots = ['--typeRoots', join(repository, 'node_modules/@types'), '--types', 'node']
    const tsc = join(repository, 'node_modules/.bin/tsc')
    expect(run(tsc, [...options, ...typeRoots, 'program.ts'], folder)).toMatchObject({
      status: 0,
      stdout: '',
    })
  }, 60_000)
})

describe('under a Node that is too old', () => {
  /** This Node, claiming to be 20.11: the launcher must not notice the difference, and the child is no liar. */
  const claim =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.11.0' } })"
  const claimingToBeOld = ['--import', `data:text/javascript,${encodeURIComponent(claim)}`]
  const oldNode = (...args: string[]) =>
    run(process.execPath, [...claimingToBeOld, launcher, ...args], folder)
  const withoutNodePackage = <T>(work: () => T): T => {
    const installed = join(folder, 'node_modules/node')
    renameSync(installed, `${installed}-away`)
    try {
      return work()
    } finally {
      renameSync(`${installed}-away`, installed)
    }
  }

  it('braid runs on the Node that was installed beside it', () => {
    expect(oldNode('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
    expect(oldNode('nonsense').status).toBe(2)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s reaches the braid that works', async (signal) => {
    await using controlPlane = await startControlPlane(claimingToBeOld)
    expect((await fetch(controlPlane.url)).status).toBeLessThan(500)
    expect(await controlPlane.ends(signal)).toBe(0)
    await expect(fetch(controlPlane.url)).rejects.toThrow()
  })

  it('braid says what it needs where there is none', () => {
    const { status, stdout, stderr } = withoutNodePackage(() => oldNode('--version'))
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('braid: needs Node 24 or later, this is 20.11.0')
    expect(stderr).toContain('https://nodejs.org')
  })

  it('the same on the Node of this machine, whatever it is', () => {
    const machineNode = (...args: string[]) => run('node', args, folder, machineEnv)
    expect(machineNode(launcher, '--version')).toMatchObject({ status: 0, stdout: `${version}\n` })
    const major = Number(machineNode('-p', 'process.versions.node').stdout.split('.')[0])
    const alone = withoutNodePackage(() => machineNode(launcher, '--version'))
    expect(alone).toMatchObject(
      major < 24
        ? { status: 1, stderr: expect.stringContaining('needs Node 24') as string }
        : { status: 0, stdout: `${version}\n` },
    )
  })
})
