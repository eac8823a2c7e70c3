import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import type { Io } from '../io.ts'

export type Format = 'table' | 'json' | 'yaml'

export interface OutputOptions {
  output: Format
}

/** `-o table|json|yaml`, the same on every command that prints something. */
export const withOutput = (command: Command): Command =>
  command.addOption(
    new Option('-o, --output <format>', 'table for people, json or yaml for programs')
      .choices(['table', 'json', 'yaml'])
      .default('table'),
  )

/** Prints `data` for programs, or what `readable` makes of it for people. */
export function print<T>(io: Io, format: Format, data: T, readable: (data: T) => string): void {
  io.stdout.write(format === 'table' ? readable(data) : encode(format, data))
}

export const encode = (format: 'json' | 'yaml', data: unknown): string =>
  format === 'json' ? `${JSON.stringify(data, undefined, 2)}\n` : stringify(data)
