import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { choosePorts } from '../clusters/ports.ts'
import { ensureReaper } from '../clusters/reaper.ts'
import { currentRun, RUN_VARIABLE, runFolder } from '../clusters/run.ts'

// A PostgreSQL server of Debian's packages, for control planes that share a store.

export interface RunningPostgres {
  /** Of a fresh, empty database. */
  database(): Promise<string>
  stop(): Promise<void>
}

const run = promisify(execFile)
const packages = '/usr/lib/postgresql'
const startMaxMs = 30_000
const endMaxMs = 10_000
const answerMaxBytes = 64 * 1024 * 1024
/** Each control plane uses three. */
const connectionsMax = 40

export async function startPostgres(): Promise<RunningPostgres> {
  await ensureReaper('processes')
  const bin = binaries()
  const parent = runFolder(currentRun())
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'postgres-'))
  // It refuses to run as root, so then it runs as the user of its package.
  const owner = process.getuid?.() === 0 ? await packageUser() : undefined
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
  const as = { ...owner, cwd: '/', env: { ...process.env, [RUN_VARIABLE]: currentRun() } }
  await run(
    join(bin, 'initdb'),
    ['-D', folder, '-U', 'braid', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
    as,
  )
  const [port] = await choosePorts(1)
  const settings = [
    'fsync=off',
    `max_connections=${connectionsMax}`,
    'shared_buffers=16MB',
    'unix_socket_directories=',
  ]
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', folder, '-h', '127.0.0.1', '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...as, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000)
  })
  const exited = once(server, 'exit')
  const stop = async () => {
    server.kill('SIGINT') // ends connections instead of waiting for them
    const late = setTimeout(() => server.kill('SIGKILL'), endMaxMs)
    await exited
    clearTimeout(late)
    await rm(folder, { recursive: true, force: true })
  }
  const base = `postgres://braid@127.0.0.1:${port}`
  const deadline = performance.now() + startMaxMs
  while (!(await answers(`${base}/postgres`))) {
    if (performance.now() > deadline || server.exitCode !== null) {
      await stop()
      throw new Error(`PostgreSQL did not start: ${said}`)
    }
    await sleep(50)
  }
  let databases = 0
  return {
    stop,
    database: async () => {
      const name = `braid_${++databases}`
      await psql(`${base}/postgres`, `CREATE DATABASE ${name}`)
      return `${base}/${name}`
    },
  }
}

/** What a query finds, past everything of ours. */
export async function askPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const said = await psql(url, `SELECT coalesce(json_agg(found), '[]') FROM (${sql}) AS found`)
  return JSON.parse(said) as Record<string, unknown>[]
}

async function psql(url: string, sql: string): Promise<string> {
  const { stdout } = await run(join(binaries(), 'psql'), ['-X', '-A', '-t', '-c', sql, url], {
    maxBuffer: answerMaxBytes,
    timeout: startMaxMs,
  })
  return stdout
}

function answers(url: string): Promise<boolean> {
  return psql(url, 'SELECT 1').then(
    () => true,
    () => false,
  )
}

function binaries(): string {
  const versions = existsSync(packages) ? readdirSync(packages).map(Number).filter(Number.isFinite) : []
  const bin = join(packages, String(Math.max(0, ...versions)), 'bin')
  if (existsSync(join(bin, 'initdb'))) return bin
  throw new Error(`there is no initdb under ${packages}: apt-get install postgresql`)
}

async function packageUser(): Promise<{ uid: number; gid: number }> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}
