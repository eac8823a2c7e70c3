import type { Command } from 'commander'

/** Examples below a command's help. A test parses each of them, so they cannot rot. */
export const withExamples = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`)
