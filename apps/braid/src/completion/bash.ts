import type { CommandNode, Values } from './tree.ts'

/** For bash 4 and later, without bash-completion: `source <(braid completion bash)`. */
export function bashScript(nodes: readonly CommandNode[]): string {
  return `# bash completion for braid: source <(braid completion bash)
_braid() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path= arguments=0 pending= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $pending ]]; then pending=; continue; fi
    case $word in
      -*) if _braid_takes_value "$path" "$word"; then pending=$word; fi ;;
      *) if _braid_is_command "$path" "$word"; then path="\${path:+$path }$word"; else arguments=$((arguments + 1)); fi ;;
    esac
  done
  if [[ -n $pending ]]; then
    _braid_option_values "$path" "$pending"
  elif [[ $cur == -* ]]; then
    _braid_options "$path"
  else
    _braid_arguments "$path" "$arguments"
  fi
}
_braid_words() { local IFS=$'\\n'; COMPREPLY+=($(compgen -W "$1" -- "$cur")); }
_braid_files() { local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$cur")); }
_braid_names() { local IFS=$'\\n'; COMPREPLY+=($(compgen -W "$(braid __complete "$1" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "$cur")); }
_braid_is_command() {
  case "$1 $2" in
${lines(nodes, ({ path, subcommands }) => (subcommands.length === 0 ? undefined : `    ${subcommands.map(({ name }) => `"${path} ${name}"`).join(' | ')}) return 0 ;;`))}
  esac
  return 1
}
_braid_takes_value() {
  case "$1 $2" in
${lines(nodes, ({ path, options }) => {
  const taking = options.filter(({ values }) => values !== undefined).flatMap(({ flags }) => flags)
  return taking.length === 0
    ? undefined
    : `    ${taking.map((flag) => `"${path} ${flag}"`).join(' | ')}) return 0 ;;`
})}
  esac
  return 1
}
_braid_options() {
  case "$1" in
${lines(nodes, ({ path, options }) => `    "${path}") _braid_words "${options.flatMap(({ flags }) => flags).join('\n')}" ;;`)}
  esac
}
_braid_option_values() {
  case "$1 $2" in
${lines(nodes, ({ path, options }) => optionValues(path, options))}
  esac
}
_braid_arguments() {
  case "$1" in
${lines(nodes, ({ path, subcommands, values, repeats }) => {
  const verbs =
    subcommands.length > 0
      ? [`[[ $2 -eq 0 ]] && _braid_words "${subcommands.map(({ name }) => name).join('\n')}"`]
      : []
  const places = values.map((value, i) => {
    const test = repeats && i === values.length - 1 ? `$2 -ge ${i}` : `$2 -eq ${i}`
    const call = callOf(value)
    return call === undefined ? undefined : `[[ ${test} ]] && ${call}`
  })
  const known = [...verbs, ...places.filter((place) => place !== undefined)]
  return known.length === 0 ? undefined : `    "${path}") ${known.join('; ')} ;;`
})}
  esac
}
complete -F _braid braid
`
}

const lines = (nodes: readonly CommandNode[], line: (node: CommandNode) => string | undefined): string =>
  nodes
    .map(line)
    .filter((text) => text !== undefined)
    .join('\n')

const optionValues = (path: string, options: CommandNode['options']): string | undefined => {
  const cases = options.flatMap(({ flags, values }) => {
    const call = values === undefined ? undefined : callOf(values)
    return call === undefined
      ? []
      : [`    ${flags.map((flag) => `"${path} ${flag}"`).join(' | ')}) ${call} ;;`]
  })
  return cases.length === 0 ? undefined : cases.join('\n')
}

function callOf(values: Values): string | undefined {
  if (values.of === 'names') return `_braid_names ${values.kind}`
  if (values.of === 'choices') return `_braid_words "${values.choices.join('\n')}"`
  return values.of === 'files' ? '_braid_files' : undefined
}
