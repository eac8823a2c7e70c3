import type { Command } from 'commander'

const defaults = new WeakMap<Command, Command>()

/**
 * The verb that is meant where a noun is followed by none of its verbs: `braid failover eu-1` is
 * `braid failover start eu-1`. A cluster that is called like a verb is reached by the long form.
 */
export function defaultCommand(noun: Command, name: string): Command {
  const command = noun.command(name, { isDefault: true })
  defaults.set(noun, command)
  noun.addHelpText('after', () => {
    const words = command.registeredArguments.map((argument) => ` <${argument.name()}>`).join('')
    return `\nWithout a command it is \`braid ${noun.name()} ${name}${words}\`: see its --help.`
  })
  return command
}

export const defaultOf = (noun: Command): Command | undefined => defaults.get(noun)
