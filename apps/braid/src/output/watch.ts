// `--watch`: what is there, again and again. In place on a terminal; elsewhere what has changed, so that it can be read by programs.
import { ControlPlaneError } from '@braid/control-api'
import type { Command } from 'commander'
import { integer } from '../commands/options.ts'
import { ask, refusal } from '../control-plane-calls.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { clientOf, type Session } from '../session.ts'
import { LiveText } from './live-text.ts'
import { lookOf, type OutputOptions, print, rendered, type View } from './print.ts'

export interface WatchOptions extends OutputOptions {
  watch?: boolean
  interval: number
}

/** `-w, --watch` and how often. */
export const withWatch = (command: Command): Command =>
  command
    .option('-w, --watch', 'go on with every change, until Ctrl-C')
    .option('--interval <seconds>', 'with --watch: how often to look', integer(1, 3600), 2)

type Question<T> = Parameters<typeof ask<T>>[1]

/** One thing, or a list that is shown as a whole. */
export function showOne<T>(
  session: Session,
  options: WatchOptions,
  question: Question<T>,
  view: View<T> | View<T>['readable'],
): Promise<void> {
  const whole = typeof view === 'function' ? { readable: view } : view
  return watched(session, options, question, whole, (_, after) =>
    rendered(plainFormat(options), after, whole, lookOf(session.io)),
  )
}

/** Rows that have names: on a pipe only those that are new, changed or gone. */
export function showRows<Row>(
  session: Session,
  options: WatchOptions,
  question: Question<readonly Row[]>,
  { readable, key }: { readable: View<readonly Row[]>['readable']; key(row: Row): string },
): Promise<void> {
  const view: View<readonly Row[]> = { readable, names: (rows) => rows.map(key) }
  return watched(session, options, question, view, (before, after) => {
    const known = new Map(before.map((row) => [key(row), JSON.stringify(row)]))
    const changed = after.filter((row) => known.get(key(row)) !== JSON.stringify(row))
    const left = new Set(after.map(key))
    const gone = [...known.keys()].filter((name) => !left.has(name))
    const format = plainFormat(options)
    const text = changed.length === 0 ? '' : rendered(format, changed, view, lookOf(session.io))
    return format === 'table'
      ? text + gone.map((name) => `${name} is gone\n`).join('')
      : rendered(format, after, view, lookOf(session.io))
  })
}

const plainFormat = ({ output }: OutputOptions) => output

async function watched<T>(
  session: Session,
  options: WatchOptions,
  question: Question<T>,
  view: View<T>,
  change: (before: T, after: T) => string,
): Promise<void> {
  const { io } = session
  if (options.watch !== true) {
    print(io, options.output, await ask(session, question), view)
    return
  }
  const live =
    io.stdout.isTTY && options.output !== 'json' && options.output !== 'yaml'
      ? new LiveText(io.stdout)
      : undefined
  await io.stoppable(async (stopped) => {
    let before: T | undefined
    let away = false
    while (!stopped.aborted) {
      const now = await askPatiently(session, question, before !== undefined)
      if (stopped.aborted) break
      if (now instanceof Failure) {
        if (!away) io.stderr.write(`braid: ${now.message}; trying again\n`)
        away = true
      } else {
        away = false
        if (live !== undefined) live.draw(rendered(options.output, now, view, lookOf(io)))
        else if (before === undefined) print(io, options.output, now, view)
        else if (JSON.stringify(before) !== JSON.stringify(now)) {
          io.stdout.write((options.output === 'yaml' ? '---\n' : '') + change(before, now))
        }
        before = now
      }
      await pause(options.interval * 1000, stopped)
    }
  })
}

/** A control plane that went away meanwhile comes back; one that was never there does not. */
async function askPatiently<T>(
  session: Session,
  question: Question<T>,
  patient: boolean,
): Promise<T | Failure> {
  const settings = session.settings()
  try {
    return await question(clientOf(settings), settings)
  } catch (error) {
    const failure = error instanceof ControlPlaneError ? refusal(error, settings) : error
    if (patient && failure instanceof Failure && failure.exit === exitCodes.unreachable) return failure
    throw failure
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopped.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      stopped.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    stopped.addEventListener('abort', done)
  })
}
