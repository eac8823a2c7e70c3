import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freeze } from '../clusters/freeze.ts'
import { signal } from '../clusters/left-behind.ts'
import { lastLines } from '../clusters/log-tail.ts'
import { ensureReaper } from '../clusters/reaper.ts'
import { currentRun, RUN_VARIABLE, runFolder } from '../clusters/run.ts'

const END_TIMEOUT_MS = 10_000
const LOOK_AGAIN_MS = 20

export interface ProcessSpec {
  /** For messages and the log's name. */
  readonly name: string
  /** By default this Node. */
  readonly program?: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/**
 * A process of ours that a test may kill, freeze and start again. Its output goes to a log, over all its lives. It
 * ends with the run, however that ends.
 */
export class TestProcess {
  readonly name: string
  readonly logFile: string
  readonly #spec: ProcessSpec
  #child: ChildProcess | undefined
  #logFrom = 0

  static async start(spec: ProcessSpec): Promise<TestProcess> {
    await ensureReaper('processes')
    const started = new TestProcess(spec)
    await started.start()
    return started
  }

  private constructor(spec: ProcessSpec) {
    const folder = runFolder(currentRun())
    mkdirSync(folder, { recursive: true })
    this.name = spec.name
    this.logFile = join(folder, `${spec.name}-${randomBytes(3).toString('hex')}.log`)
    this.#spec = spec
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined || !this.running)
      throw new Error(`process ${this.name} does not run: start it first`)
    return pid
  }

  /** A new life with the same arguments. */
  async start(): Promise<void> {
    if (this.running) return
    const { program = process.execPath, args, env, cwd } = this.#spec
    const log = openSync(this.logFile, 'a')
    try {
      this.#logFrom = this.#log().length
      const child = spawn(program, args, {
        stdio: ['ignore', log, log],
        env: { ...process.env, ...env, [RUN_VARIABLE]: currentRun() },
        ...(cwd === undefined ? {} : { cwd }),
        // A group of its own: Ctrl-C at a terminal is for the run, which then ends it.
        detached: true,
      })
      this.#child = child
      await once(child, 'spawn')
    } catch (cause) {
      throw new Error(`process ${this.name}: ${program} cannot be started`, { cause })
    } finally {
      closeSync(log)
    }
  }

  /** SIGKILL. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** SIGTERM, so that it can say goodbye; an error when it does not end. */
  terminate(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }

  /** SIGSTOP: its sockets stay open and go silent. */
  async pause(): Promise<void> {
    await freeze(this.pid)
  }

  resume(): void {
    signal(this.pid, 'SIGCONT')
  }

  /** What it wrote in this life. */
  output(): string {
    return this.#log().subarray(this.#logFrom).toString('utf8')
  }

  /** The first match in what it writes in this life. */
  async says(pattern: RegExp, timeoutMs = 20_000): Promise<RegExpExecArray> {
    const deadlineMs = Date.now() + timeoutMs
    for (;;) {
      const { running } = this // looked at first: what it wrote before its end still counts
      const match = pattern.exec(this.output())
      if (match !== null) return match
      if (!running)
        throw new Error(
          `process ${this.name} ended (${this.#how()}) before it said ${pattern}\n${this.#tail()}`,
        )
      if (Date.now() > deadlineMs)
        throw new Error(`process ${this.name} did not say ${pattern} in ${timeoutMs} ms\n${this.#tail()}`)
      await sleep(LOOK_AGAIN_MS)
    }
  }

  async #end(name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.running) return
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(END_TIMEOUT_MS) })
    signal(this.pid, name)
    await ended.catch((cause: unknown) => {
      throw new Error(
        `process ${this.name} does not end after ${name} in ${END_TIMEOUT_MS} ms\n${this.#tail()}`,
        { cause },
      )
    })
  }

  #how(): string {
    return this.#child?.signalCode ?? `status ${this.#child?.exitCode}`
  }

  #log(): Buffer {
    return readFileSync(this.logFile)
  }

  #tail(): string {
    return lastLines(this.logFile)
  }
}
