import type { CommandNode, Values } from './tree.ts'

/** `braid completion fish | source`, or a file in ~/.config/fish/completions. */
export function fishScript(nodes: readonly CommandNode[]): string {
  const commands = nodes.flatMap(({ path, subcommands }) =>
    subcommands.map(({ name }) => `${path} ${name}`.trim()),
  )
  const taking = nodes.flatMap(({ options }) =>
    options.filter(({ values }) => values !== undefined).flatMap(({ flags }) => flags),
  )
  return `# fish completion for braid: braid completion fish | source
set -g __braid_commands ${commands.map(quote).join(' ')}
set -g __braid_taking ${[...new Set(taking)].join(' ')}
function __braid_at
    # Whether the line is at this command, and, with a second argument, behind so many of its arguments.
    set -l path ''
    set -l arguments 0
    set -l pending 0
    for word in (commandline -opc)[2..-1]
        if test $pending -eq 1
            set pending 0
        else if string match -q -- '-*' $word
            contains -- $word $__braid_taking; and set pending 1
        else
            set -l next (string trim -- "$path $word")
            if contains -- $next $__braid_commands
                set path $next
            else
                set arguments (math $arguments + 1)
            end
        end
    end
    test "$path" = "$argv[1]"; or return 1
    switch "$argv[2]"
        case ''
            return 0
        case '*+'
            test $arguments -ge (string replace + '' -- $argv[2])
        case '*'
            test $arguments -eq $argv[2]
    end
end
function __braid_names
    braid __complete $argv[1] (commandline -opc)[2..-1] 2>/dev/null
end
complete -c braid -f
${nodes.flatMap(nodeLines).join('\n')}
`
}

function nodeLines({ path, subcommands, options, values, repeats }: CommandNode): string[] {
  const at = `__braid_at ${quote(path)}`
  return [
    ...subcommands.map(
      ({ name, description }) =>
        `complete -c braid -n ${quote(`${at} 0`)} -a ${quote(name)} -d ${quote(description)}`,
    ),
    ...options.map(({ flags, description, values }) => {
      const names = flags
        .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        .join(' ')
      const taken = values === undefined ? '' : ` ${valuesOf(values)}`
      return `complete -c braid -n ${quote(at)} ${names}${taken} -d ${quote(description)}`
    }),
    ...values.flatMap((value, i) =>
      value.of === 'anything'
        ? []
        : [
            `complete -c braid -n ${quote(`${at} ${i}${repeats && i === values.length - 1 ? '+' : ''}`)} ${valuesOf(value).replace(/^-r |^-x /, '')}`,
          ],
    ),
  ]
}

function valuesOf(values: Values): string {
  if (values.of === 'names') return `-x -a ${quote(`(__braid_names ${values.kind})`)}`
  if (values.of === 'choices') return `-x -a ${quote(values.choices.join(' '))}`
  return values.of === 'files' ? '-r -F' : '-x'
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
