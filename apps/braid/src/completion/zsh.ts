import type { CommandNode, Values } from './tree.ts'

/** `source <(braid completion zsh)` after compinit, or a file `_braid` in a folder of fpath. */
export function zshScript(nodes: readonly CommandNode[]): string {
  return `#compdef braid
# zsh completion for braid: source <(braid completion zsh)
_braid() {
  local cur=\${words[CURRENT]} line= word pending= i
  local -i arguments=0
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $pending ]]; then pending=; continue; fi
    case $word in
      -*) if _braid_takes_value "$line" "$word"; then pending=$word; fi ;;
      *) if _braid_is_command "$line" "$word"; then line="\${line:+$line }$word"; else arguments+=1; fi ;;
    esac
  done
  if [[ -n $pending ]]; then
    _braid_option_values "$line" "$pending"
  elif [[ $cur == -* ]]; then
    _braid_options "$line"
  else
    _braid_arguments "$line" $arguments
  fi
}
_braid_names() {
  local -a found
  found=(\${(f)"$(braid __complete $1 -- "\${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
  (( $#found )) && compadd -a found
}
_braid_is_command() {
  case "$1 $2" in
${lines(nodes, ({ path, subcommands }) => (subcommands.length === 0 ? [] : [`    (${subcommands.map(({ name }) => quote(`${path} ${name}`)).join('|')}) return 0 ;;`]))}
  esac
  return 1
}
_braid_takes_value() {
  case "$1 $2" in
${lines(nodes, ({ path, options }) => {
  const taking = options.filter(({ values }) => values !== undefined).flatMap(({ flags }) => flags)
  return taking.length === 0
    ? []
    : [`    (${taking.map((flag) => quote(`${path} ${flag}`)).join('|')}) return 0 ;;`]
})}
  esac
  return 1
}
_braid_options() {
  local -a found
  case "$1" in
${lines(nodes, ({ path, options }) => [
  `    (${quote(path)}) found=(${options.flatMap(({ flags, description }) => flags.map((flag) => described(flag, description))).join(' ')}) ;;`,
])}
  esac
  (( $#found )) && _describe -o option found
}
_braid_option_values() {
  case "$1 $2" in
${lines(nodes, ({ path, options }) =>
  options.flatMap(({ flags, values }) => {
    const call = values === undefined ? undefined : callOf(values)
    return call === undefined
      ? []
      : [`    (${flags.map((flag) => quote(`${path} ${flag}`)).join('|')}) ${call} ;;`]
  }),
)}
  esac
}
_braid_arguments() {
  local -a found
  case "$1" in
${lines(nodes, ({ path, subcommands, values, repeats }) => {
  const all = subcommands.map(({ name, description }) => described(name, description)).join(' ')
  const verbs = all === '' ? [] : [`(( $2 == 0 )) && { found=(${all}); _describe command found; }`]
  const places = values.flatMap((value, i) => {
    const call = callOf(value)
    return call === undefined
      ? []
      : [`(( $2 ${repeats && i === values.length - 1 ? '>=' : '=='} ${i} )) && ${call}`]
  })
  const known = [...verbs, ...places]
  return known.length === 0 ? [] : [`    (${quote(path)}) ${known.join('; ')} ;;`]
})}
  esac
}
if [[ $funcstack[1] == _braid ]]; then _braid "$@"; else compdef _braid braid; fi
`
}

const lines = (nodes: readonly CommandNode[], line: (node: CommandNode) => readonly string[]): string =>
  nodes.flatMap(line).join('\n')

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const described = (word: string, description: string): string =>
  quote(`${word.replaceAll(':', '\\:')}:${description}`)

function callOf(values: Values): string | undefined {
  if (values.of === 'names') return `_braid_names ${values.kind}`
  if (values.of === 'choices') return `compadd -- ${values.choices.join(' ')}`
  return values.of === 'files' ? '_files' : undefined
}
