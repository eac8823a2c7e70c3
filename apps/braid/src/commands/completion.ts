import type { ControlPlaneClient } from '@braid/control-api'
import { Argument, type Command } from 'commander'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { commandTree, type NameKind, nameKinds } from '../completion/tree.ts'
import { zshScript } from '../completion/zsh.ts'
import { readContexts } from '../contexts/file.ts'
import { type GlobalOptions, type Settings, settingsOf } from '../contexts/settings.ts'
import type { Io } from '../io.ts'
import { withExamples } from '../output/examples.ts'
import { isSafe } from '../output/safe-text.ts'
import { clientOf, type Session } from '../session.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** Nobody waits longer behind the Tab key. */
const answerMaxMs = 1_000
const namesMax = 1_000

export function addCompletionCommand(braid: Command, { io }: Session): void {
  withExamples(
    braid
      .command('completion')
      .description('a script that completes commands, options and names: source <(braid completion bash)')
      .addArgument(new Argument('<shell>', 'yours').choices(Object.keys(scripts))),
    'braid completion bash',
    'braid completion zsh',
    'braid completion fish',
  ).action((shell: keyof typeof scripts) => {
    io.stdout.write(scripts[shell](commandTree(braid)))
  })

  // What is typed so far comes behind it, options and all: none of them are this command's own.
  braid
    .command('__complete', { hidden: true })
    .argument('<kind>')
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (kind: string, _words: string[]) => {
      const names = await namesOf(kind, io, braid.opts()).catch(() => [])
      io.stdout.write(
        names
          .filter(isSafe)
          .slice(0, namesMax)
          .map((name) => `${name}\n`)
          .join(''),
      )
    })
}

async function namesOf(kind: string, io: Io, options: GlobalOptions): Promise<readonly string[]> {
  if (!nameKinds.some((known) => known === kind)) return []
  const contexts = readContexts(io)
  if (kind === 'context') return Object.keys(contexts.contexts)
  const settings = settingsOf(options, io, () => contexts)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), answerMaxMs)
  })
  try {
    return await Promise.race([listOf(kind as NameKind, clientOf(settings, answerMaxMs), settings), late])
  } finally {
    clearTimeout(timer)
  }
}

async function listOf(kind: NameKind, client: ControlPlaneClient, { tenant }: Settings): Promise<string[]> {
  const all: readonly { name: string }[] = await {
    cluster: () => client.clusters.list(),
    sla: () => client.slas.list(),
    tenant: () => client.tenants.list(),
    topic: () => client.topics.list({ tenant }),
    context: async () => [],
  }[kind]()
  return all.map(({ name }) => name)
}
