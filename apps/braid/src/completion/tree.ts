import type { Command } from 'commander'
import { defaultOf } from '../default-command.ts'

/** A command as completion sees it: what may come next, and what names are of which kind. */
export interface CommandNode {
  /** `topic create`; empty for braid itself. */
  readonly path: string
  readonly subcommands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly OptionNode[]
  /** Kinds of its arguments in order; the last goes on when `repeats`. */
  readonly values: readonly Values[]
  readonly repeats: boolean
}

export interface OptionNode {
  readonly flags: readonly string[]
  readonly description: string
  /** Undefined for a switch. */
  readonly values: Values | undefined
}

/** What can stand at a place. */
export type Values =
  | { readonly of: 'names'; readonly kind: NameKind }
  | { readonly of: 'choices'; readonly choices: readonly string[] }
  | { readonly of: 'files' }
  | { readonly of: 'anything' }

export const nameKinds = ['cluster', 'topic', 'sla', 'tenant', 'context'] as const
export type NameKind = (typeof nameKinds)[number]

const fileWords: ReadonlySet<string> = new Set(['fleet.yaml', 'plan.json', 'file', 'dir'])

/** What there is to see; the `help` that commander adds by itself is not ours. */
export const subcommandsOf = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((sub) => command.commands.includes(sub)) as Command[]

/** Every command of the program, braid itself first. Generated, so that it cannot differ from the program. */
export function commandTree(braid: Command): CommandNode[] {
  const globals = braid.options
  const nodes: CommandNode[] = []
  const visit = (command: Command, path: string): void => {
    const visible = subcommandsOf(command)
    // What is meant without a verb can be typed there too.
    const meant = defaultOf(command) ?? command
    const own = command === braid ? [] : meant.options
    const options = [...own, ...globals].filter(({ hidden }) => !hidden)
    nodes.push({
      path,
      subcommands: visible.map((sub) => ({ name: sub.name(), description: sub.description() })),
      options: [
        ...options.map(({ short, long, description, flags, argChoices }) => ({
          flags: [short, long].filter((flag) => flag !== undefined),
          description,
          values:
            argChoices === undefined
              ? valuesOf(placeholder(flags))
              : { of: 'choices' as const, choices: argChoices },
        })),
        { flags: ['-h', '--help'], description: 'help for this command', values: undefined },
      ],
      values: meant.registeredArguments.map((argument) =>
        argument.argChoices === undefined
          ? (valuesOf(argument.name()) ?? { of: 'anything' })
          : { of: 'choices', choices: argument.argChoices },
      ),
      repeats: meant.registeredArguments.at(-1)?.variadic === true,
    })
    for (const sub of visible) visit(sub, path === '' ? sub.name() : `${path} ${sub.name()}`)
  }
  visit(braid, '')
  return nodes
}

const placeholder = (flags: string): string | undefined => /[<[]([^>\]]+?)(?:\.\.\.)?[>\]]/.exec(flags)?.[1]

function valuesOf(word: string | undefined): Values | undefined {
  if (word === undefined) return undefined
  const kind = nameKinds.find((known) => known === word)
  if (kind !== undefined) return { of: 'names', kind }
  return { of: fileWords.has(word) ? 'files' : 'anything' }
}
