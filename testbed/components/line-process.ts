import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { freeze } from '../clusters/freeze.ts'
import { currentRun, RUN_VARIABLE } from '../clusters/run.ts'

export interface LineProcessOptions {
  /** How it is called in errors: `proxy p1`. */
  name: string
  command: string
  args: readonly string[]
  env?: NodeJS.ProcessEnv
}

export type JsonLine = Readonly<Record<string, unknown>>
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

const linesKeptMax = 200
const graceMs = 5_000

/** Where Node keeps what it compiled, unless it is told otherwise: a suite starts the same programs a hundred times. */
const compileCache = join(tmpdir(), 'node-compile-cache')
/** A folder in which every child's lines are kept, each with its time, for whoever looks for a finding's cause. */
const logsFolder = process.env.BRAID_LOGS

/**
 * A child that says one JSON object per line on stdout and takes one per line on stdin. Its standard input is held
 * by us: when we die, however, it ends, and the child ends with it (see `untilStdinEnds`).
 */
export class LineProcess {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #listeners = new Set<(line: JsonLine) => void>()
  readonly #seen: JsonLine[] = []
  readonly #complaints: string[] = []
  #exit: Exit | undefined
  #stopping: Promise<void> | undefined

  private constructor(name: string, child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.name = name
    this.#child = child
    this.pid = child.pid ?? -1
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal }
        resolve(this.#exit)
      })
    })
    child.stdin.on('error', () => {}) // it has exited: `exited` says so
    createInterface({ input: child.stdout }).on('line', (line) => this.#take(line))
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#log(line)
      keep(this.#complaints, line)
    })
  }

  static async start(options: LineProcessOptions): Promise<LineProcess> {
    const child = spawn(options.command, [...options.args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Marked as the run's, so that its reaper finds a child that hangs.
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env, [RUN_VARIABLE]: currentRun(), ...options.env },
    })
    const started = new LineProcess(options.name, child)
    // `spawn` rejects here when the program is missing.
    if (child.pid === undefined) await once(child, 'spawn')
    return started
  }

  get running(): boolean {
    return this.#exit === undefined
  }

  /** The last lines of what it said on stderr, for an error's message. */
  get complaints(): readonly string[] {
    return this.#complaints
  }

  onLine(listener: (line: JsonLine) => void): void {
    this.#listeners.add(listener)
  }

  send(message: JsonLine): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`)
  }

  /** The first line, said already or still to come, that the test accepts. Rejects at the deadline or when it exits. */
  async waitFor(what: string, test: (line: JsonLine) => boolean, timeoutMs: number): Promise<JsonLine> {
    const already = this.#seen.find(test)
    if (already !== undefined) return already
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
        outcome()
      }
      const fail = (why: string) =>
        settle(() => reject(new Error([`${this.name} ${why}`, ...this.#complaints.slice(-20)].join('\n'))))
      const timer = setTimeout(() => fail(`did not say ${what} within ${timeoutMs} ms`), timeoutMs)
      const listener = (line: JsonLine) => {
        if (test(line)) settle(() => resolve(line))
      }
      this.#listeners.add(listener)
      void this.exited.then(({ code, signal }) => fail(`ended (${signal ?? code}) before it said ${what}`))
    })
  }

  async pause(): Promise<void> {
    if (!this.running) throw new Error(`${this.name} does not run: it cannot be paused`)
    await freeze(this.pid)
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }

  /** SIGTERM, and SIGKILL when it has not ended after five seconds. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    if (!this.running) return
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(timer)
  }

  #log(text: string): void {
    if (logsFolder === undefined || text.startsWith('{"event":"progress"')) return
    const file = join(logsFolder, `${this.name.replaceAll(' ', '-')}.log`)
    appendFileSync(file, `${new Date().toISOString()} ${text}\n`)
  }

  #take(text: string): void {
    this.#log(text)
    let line: unknown
    try {
      line = JSON.parse(text)
    } catch {
      keep(this.#complaints, text)
      return
    }
    if (typeof line !== 'object' || line === null) return
    keep(this.#seen, line as JsonLine)
    for (const listener of [...this.#listeners]) listener(line as JsonLine)
  }
}

function keep<T>(kept: T[], item: T): void {
  kept.push(item)
  if (kept.length > linesKeptMax) kept.shift()
}
