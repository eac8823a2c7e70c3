import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import type { Io, Output } from '../io.ts'
import { isSafe, safeData, safeText } from './safe-text.ts'

export type Format = 'table' | 'json' | 'yaml' | 'name'

export interface OutputOptions {
  output: Format
}

/** How wide a text for people may be, and whether it has colours. */
export interface Look {
  /** Undefined: as wide as it gets. What is piped is never cut. */
  readonly widthMax: number | undefined
  readonly paint: Paint
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'
export type Paint = (colour: Colour, text: string) => string

const codes: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 }

/** Colours on a terminal that has them, unless NO_COLOR is set (https://no-color.org). */
export const lookOf = (io: Io, output: Output = io.stdout): Look => ({
  widthMax: output.isTTY ? Math.max(40, output.columns ?? 80) : undefined,
  paint:
    output.isTTY && !io.env.NO_COLOR && io.env.TERM !== 'dumb'
      ? (colour, text) => (text === '' ? '' : `\x1b[${codes[colour]}m${text}\x1b[0m`)
      : (_, text) => text,
})

/** `-o table|json|yaml`, the same on every command that prints something. */
export const withOutput = (command: Command): Command => withFormats(command, ['table', 'json', 'yaml'])

/** What has a name can print only that: `braid topic list -o name | xargs -n1 braid topic show`. */
export const withNames = (command: Command): Command =>
  withFormats(command, ['table', 'json', 'yaml', 'name'])

const withFormats = (command: Command, formats: readonly Format[]): Command =>
  command.addOption(
    new Option('-o, --output <format>', 'table for people, json or yaml for programs')
      .choices(formats)
      .default('table'),
  )

/** What data looks like to people, and what it is called. */
export interface View<T> {
  readable(data: T, look: Look): string
  names?(data: T): readonly string[]
}

/** Prints `data` for programs, or what the view makes of it for people. */
export function print<T>(io: Io, format: Format, data: T, view: View<T> | View<T>['readable']): void {
  io.stdout.write(rendered(format, data, typeof view === 'function' ? { readable: view } : view, lookOf(io)))
}

export function rendered<T>(format: Format, data: T, view: View<T>, look: Look): string {
  if (format === 'table') return view.readable(safeData(data), look)
  if (format === 'name') return (view.names?.(data) ?? []).map((name) => `${safeText(name)}\n`).join('')
  return encode(format, data)
}

/** JSON escapes some control characters by itself; the rest are escaped too. It is the same data. */
export function encode(format: 'json' | 'yaml', data: unknown): string {
  const json = JSON.stringify(data, undefined, 2)
  if (format === 'json') return `${escapeControls(json)}\n`
  if (isSafe(json.replaceAll('\n', ''))) return stringify(data)
  return escapeControls(
    stringify(data, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE' }),
  )
}

const escapeControls = (text: string): string => text.split('\n').map(safeText).join('\n')
