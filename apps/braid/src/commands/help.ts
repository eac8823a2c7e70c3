import type { Command } from 'commander'
import { exitCodeMeanings, exitCodes } from '../exit-codes.ts'
import { usage } from '../failure.ts'
import { withExamples } from '../output/examples.ts'
import { table } from '../output/table.ts'
import type { Session } from '../session.ts'

export const environment: readonly (readonly [string, string])[] = [
  ['BRAID_API', 'the control plane: host:port or a URL; several, comma separated (default 127.0.0.1:7070)'],
  ['BRAID_TOKEN', 'sent to it as a bearer token; env:NAME and file:/path say where it is'],
  ['BRAID_TENANT', 'the tenant of topics and requests (default: default)'],
  ['BRAID_CONTEXT', 'the context to use instead of the current one'],
  ['BRAID_CONFIG', 'the file of contexts (default ~/.config/braid/config.yaml)'],
  ['BRAID_LOG', 'from which level on servers log: debug, info, warn, error'],
  ['BRAID_DEBUG', 'print where an error comes from'],
  ['NO_COLOR', 'no colours'],
]

export function addHelpCommand(braid: Command, { io }: Session): void {
  withExamples(
    braid.command('help').description('about a command, exit-codes or environment').argument('[words...]'),
    'braid help exit-codes',
    'braid help environment',
    'braid help topic create',
  ).action((words: string[]) => {
    const [topic] = words
    if (topic === 'exit-codes') io.stdout.write(exitCodesText())
    else if (topic === 'environment') {
      io.stdout.write(table(twoColumns('VARIABLE', 'MEANING'), environment))
    } else commandAt(braid, words).outputHelp()
  })
}

export const exitCodesText = (): string =>
  table(
    twoColumns('STATUS', 'MEANING'),
    Object.entries(exitCodes).map(([name, code]): [string, string] => [
      String(code),
      exitCodeMeanings[name as keyof typeof exitCodes],
    ]),
  )

const twoColumns = (first: string, second: string) => [
  { head: first, cell: ([name]: readonly [string, string]) => name },
  { head: second, cell: ([, meaning]: readonly [string, string]) => meaning },
]

function commandAt(braid: Command, words: readonly string[]): Command {
  let command = braid
  for (const word of words) {
    const found = command.commands.find((sub) => sub.name() === word)
    if (found === undefined)
      throw usage(`there is no command ${JSON.stringify(words.join(' '))}`, 'see `braid --help`')
    command = found
  }
  return command
}
