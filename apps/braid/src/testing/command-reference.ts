import type { Argument, Command } from 'commander'
import { subcommandsOf } from '../completion/tree.ts'
import { defaultOf } from '../default-command.ts'

/** The reference of all commands as Markdown, made of the program itself. */
export function commandReference(braid: Command): string {
  const nouns = subcommandsOf(braid).map((command) => section(command, 'braid'))
  return `# Commands of braid

Made of the program: \`cd apps/braid && npx vitest run src/help.test.ts -u\` writes it anew. What they have in common is in
[CLI](cli.md).

## Options of every command

${optionsTable(braid)}
${nouns.join('\n')}`
}

function section(command: Command, parent: string): string {
  const path = `${parent} ${command.name()}`
  const below = subcommandsOf(command)
  if (below.length > 0) {
    return `## ${path}\n\n${sentence(command.description())}${withoutVerb(command, path)}\n\n${below.map((sub) => leaf(sub, path, '###')).join('\n')}`
  }
  return leaf(command, parent, '##')
}

function withoutVerb(noun: Command, path: string): string {
  const meant = defaultOf(noun)
  if (meant === undefined) return ''
  const words = meant.registeredArguments.map((one) => ` ${argument(one)}`).join('')
  return ` \`${path}${words}\` is short for \`${path} ${meant.name()}${words}\`.`
}

function leaf(command: Command, parent: string, level: string): string {
  const path = `${parent} ${command.name()}`
  const usage = [path, ...command.registeredArguments.map(argument)]
  const options = optionsTable(command)
  return `${level} ${path}\n\n\`${usage.join(' ')}\`: ${command.description()}.\n${options === '' ? '' : `\n${options}`}`
}

function argument(one: Argument): string {
  const word = one.variadic ? `${one.name()}...` : one.name()
  return one.required ? `<${word}>` : `[${word}]`
}

function optionsTable(command: Command): string {
  const visible = command.options.filter(({ hidden, long }) => !hidden && long !== '--version')
  if (visible.length === 0) return ''
  const rows = visible.map(({ flags, description, argChoices, defaultValue, mandatory }) => {
    const notes = [
      ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
      ...(defaultValue === undefined ? [] : [`default: ${defaultValue}`]),
      ...(mandatory ? ['needed'] : []),
    ]
    const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`
    return `| \`${flags.replaceAll('|', '\\|')}\` | ${`${description}${note}`.replaceAll('|', '\\|').replaceAll('<', '\\<')} |\n`
  })
  return `| option | meaning |\n| --- | --- |\n${rows.join('')}`
}

const sentence = (text: string): string => `${text.replace(/^./, (first) => first.toUpperCase())}.`
