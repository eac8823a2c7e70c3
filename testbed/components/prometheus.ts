import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { choosePorts } from '../clusters/ports.ts'
import { ensureReaper } from '../clusters/reaper.ts'
import { currentRun, RUN_VARIABLE, runFolder } from '../clusters/run.ts'

// A real Prometheus of Debian's package, on loopback, that reads what a test names.

export interface PrometheusSpec {
  /** `host:port` of /metrics, by the name of the job. */
  readonly jobs: Readonly<Record<string, readonly string[]>>
  /** Files of rules; loaded as they are. */
  readonly ruleFiles: readonly string[]
  readonly everyMs: number
}

export interface Alert {
  readonly name: string
  readonly state: 'pending' | 'firing'
  readonly labels: Readonly<Record<string, string>>
}

export interface RunningPrometheus {
  alerts(): Promise<Alert[]>
  /** Labels and value of each series that the query finds. */
  query(
    expr: string,
  ): Promise<{ readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>
  stop(): Promise<void>
}

const startMaxMs = 30_000
const askMaxMs = 5_000
const endMaxMs = 10_000

export async function startPrometheus({
  jobs,
  ruleFiles,
  everyMs,
}: PrometheusSpec): Promise<RunningPrometheus> {
  await ensureReaper('processes')
  const parent = runFolder(currentRun())
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'prometheus-'))
  const every = `${everyMs}ms`
  const config = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: ruleFiles,
    scrape_configs: Object.entries(jobs).map(([job, targets]) => ({
      job_name: job,
      static_configs: [{ targets }],
    })),
  }
  await writeFile(join(folder, 'prometheus.yml'), stringify(config))
  const [port] = await choosePorts(1)
  const server = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, [RUN_VARIABLE]: currentRun() } },
  )
  let said = ''
  server.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000)
  })
  let failed: Error | undefined
  server.on('error', (error) => {
    failed = error
  })
  const stop = async () => {
    if (failed === undefined && server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit')
      server.kill('SIGTERM')
      const late = setTimeout(() => server.kill('SIGKILL'), endMaxMs)
      await exited
      clearTimeout(late)
    }
    await rm(folder, { recursive: true, force: true })
  }
  const base = `http://127.0.0.1:${port}`
  const deadline = performance.now() + startMaxMs
  while (!(await isReady(base))) {
    if (failed !== undefined || server.exitCode !== null || performance.now() > deadline) {
      await stop()
      const why = (failed as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
      throw new Error(
        why ? 'there is no prometheus: apt-get install prometheus' : `Prometheus did not start: ${said}`,
      )
    }
    await sleep(50)
  }
  return {
    alerts: async () => {
      const { alerts } = await ask<{
        alerts: { labels: Record<string, string>; state: 'pending' | 'firing' }[]
      }>(`${base}/api/v1/alerts`)
      return alerts.map(({ labels: { alertname = '', ...labels }, state }) => ({
        name: alertname,
        state,
        labels,
      }))
    },
    query: async (expr) => {
      const { result } = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        `${base}/api/v1/query?query=${encodeURIComponent(expr)}`,
      )
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }))
    },
    stop,
  }
}

async function ask<T>(url: string): Promise<T> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(askMaxMs) })
  const body = (await answer.json()) as { status: string; data: T; error?: string }
  if (body.status !== 'success') throw new Error(`${url} answers ${body.error}`)
  return body.data
}

async function isReady(base: string): Promise<boolean> {
  try {
    return (await fetch(`${base}/-/ready`, { signal: AbortSignal.timeout(askMaxMs) })).ok
  } catch {
    return false
  }
}
