// For tests: a PostgreSQL server of our own, from Debian's packages, that leaves nothing when it is gone.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const packages = '/usr/lib/postgresql'
const startMaxMs = 30_000

export interface TestPostgres {
  /** Of a fresh, empty database. */
  database(): Promise<string>
  /** As its administrator, on any of its databases. */
  ask(url: string, sql: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

/** Ends it when our end of its standard input is closed, which also happens when we are killed. */
const untilWeAreGone = `
"$1/postgres" -D "$2" -p "$3" -h 127.0.0.1 -k "" -F -c full_page_writes=off -c max_connections=60 \\
  -c shared_buffers=16MB -c wal_level=minimal -c max_wal_senders=0 -c log_min_messages=fatal &
server=$!
( cat > /dev/null; kill -INT $server 2> /dev/null ) <&3 &
wait $server
kill $! 2> /dev/null
rm -rf "$2"
`

export async function startPostgres(): Promise<TestPostgres> {
  const bin = binaries()
  const owner = await serverUser()
  const folder = mkdtempSync(join(tmpdir(), 'braid-postgres-'))
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
  const as = { ...owner, cwd: '/' }
  await run(
    join(bin, 'initdb'),
    ['-D', folder, '-U', 'braid', '-A', 'trust', '-E', 'UTF8', '-N', ...localeOf(bin)],
    as,
  )
  const port = await freePort()
  const server = spawn('/bin/sh', ['-c', untilWeAreGone, 'sh', bin, folder, String(port)], {
    ...as,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  let said = ''
  server.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000)
  })
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const base = `postgres://braid@127.0.0.1:${port}`
  const stop = async () => {
    server.stdio[3]?.destroy()
    await exited
  }
  try {
    await answers(`${base}/postgres`, () => server.exitCode)
  } catch (error) {
    await stop()
    throw new Error(`PostgreSQL did not start: ${said}`, { cause: error })
  }
  let databases = 0
  return {
    ask,
    stop,
    database: async () => {
      const name = `test_${++databases}`
      await ask(`${base}/postgres`, `CREATE DATABASE ${name}`)
      return `${base}/${name}`
    },
  }
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

function binaries(): string {
  const versions = existsSync(packages) ? readdirSync(packages).map(Number).filter(Number.isFinite) : []
  const bin = join(packages, String(Math.max(0, ...versions)), 'bin')
  if (existsSync(join(bin, 'initdb'))) return bin
  throw new Error(
    `the tests of the store need PostgreSQL, and there is no initdb under ${packages}: apt-get install postgresql`,
  )
}

/** One that does not sort by bytes, where there is one: the store must. */
function localeOf(bin: string): string[] {
  const version = Number(bin.split('/').at(-2))
  return version >= 15 ? ['--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en'] : ['--locale=C']
}

/** The server refuses to run as root, so then it runs as the user of its package. */
async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function answers(url: string, exitCode: () => number | null): Promise<void> {
  const deadline = performance.now() + startMaxMs
  for (;;) {
    try {
      await ask(url, 'SELECT 1')
      return
    } catch (error) {
      if (performance.now() > deadline || exitCode() !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
