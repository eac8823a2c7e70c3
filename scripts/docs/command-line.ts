import { program } from '../../apps/braid/src/index.ts'
import type { Violation } from '../violation.ts'
import type { ShellCommand } from './shell-commands.ts'

type Command = ReturnType<typeof program>

const nobody = { write: () => {}, isTTY: false }
const silentIo = {
  stdout: nobody,
  stderr: nobody,
  env: {},
  ask: async () => undefined,
  stoppable: <T>(work: (stopped: AbortSignal) => Promise<T>) => work(new AbortController().signal),
}

/** The words behind `braid`, however it is started; undefined for other commands. */
export function braidArguments(words: readonly string[]): readonly string[] | undefined {
  const started =
    words[0] === 'npx' ? words.slice(1).filter((word, i) => i > 0 || !word.startsWith('-')) : words
  return started[0] === 'braid' ? started.slice(1) : undefined
}

/**
 * Gives each `braid` command of the pages to the real command line, with every action replaced by nothing, so
 * that names, options, arguments and their values are judged by the same code that users meet.
 */
export async function checkBraidCommand(command: ShellCommand): Promise<Violation[]> {
  const argv = braidArguments(command.words)
  if (argv === undefined) return []
  const message = isSynopsis(argv) ? checkNames(argv) : await parse(argv)
  const { path, line } = command
  return message === undefined ? [] : [{ path, line, message: `braid ${argv.join(' ')}: ${message}` }]
}

/** `braid dev [--clusters N]` tells what may be written; nobody runs it. */
const isSynopsis = (argv: readonly string[]) => argv.some((word) => /^\[|\]$|^\.\.\.$/.test(word))

async function parse(argv: readonly string[]): Promise<string | undefined> {
  const braid = program(silentIo)
  for (const command of [braid, ...below(braid)]) {
    command.exitOverride()
    command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
    if (command.commands.length === 0) command.action(() => {})
  }
  try {
    await braid.parseAsync([...argv], { from: 'user' })
    return undefined
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    return code === 'commander.helpDisplayed' || code === 'commander.version' ? undefined : message
  }
}

function checkNames(argv: readonly string[]): string | undefined {
  let command = program(silentIo)
  for (const word of argv.map((part) => part.replace(/^\[+|[\]|]+$|\.\.\.$/g, ''))) {
    if (word.startsWith('-')) {
      const flag = word.split('=')[0]
      if (!command.options.some(({ short, long }) => short === flag || long === flag)) {
        return `there is no option ${flag}`
      }
    } else {
      const found = command.commands.find((sub) => sub.name() === word)
      if (found !== undefined) command = found
      else if (command.commands.length > 0) return `there is no command ${word}`
    }
  }
  return undefined
}

const below = (command: Command): Command[] =>
  (command.commands as Command[]).flatMap((sub) => [sub, ...below(sub)])
