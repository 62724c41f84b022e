/**
 * Completion scripts for bash, zsh and fish. A script holds everything it completes, so that pressing Tab starts no
 * process; it is printed anew after an update.
 */
import type { CommandWords, OptionWords } from './word-tree.ts'

type Script = (commands: readonly CommandWords[]) => string

/** By the name of the shell. */
export const completionScripts: ReadonlyMap<string, Script> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
])

/** The words that may come first, and those that may come after `policy`. */
function firstWords(commands: readonly CommandWords[]): readonly string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name)), 'help']
}

function bashScript(commands: readonly CommandWords[]): string {
  const cases = commands.flatMap(({ name, options }) => [
    `    '${name}')`,
    '      case $previous in',
    ...options.flatMap((option) => bashValue(option)),
    '      esac',
    `      words='${options.flatMap(namesOf).join(' ')}'`,
    '      ;;',
  ])
  return [
    '# bash completion for winnow; made by: winnow completion bash',
    '_winnow() {',
    '  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=',
    '  local first=${COMP_WORDS[1]} command=${COMP_WORDS[1]}',
    ...groupsOf(commands).map(
      ([group, seconds]) =>
        `  if [[ $first == ${group} ]]; then [[ $COMP_CWORD -eq 2 ]] && words='${seconds.join(' ')}'; command="$first \${COMP_WORDS[2]}"; fi`,
    ),
    `  if [[ $COMP_CWORD -eq 1 ]]; then words='${firstWords(commands).join(' ')}'; fi`,
    '  [[ -z $words ]] && case $command in',
    ...cases,
    '  esac',
    '  if [[ $current != -* && $COMP_CWORD -gt 1 && $words == -* ]]; then COMPREPLY=($(compgen -f -- "$current")); return; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -F _winnow winnow',
    '',
  ].join('\n')
}

function bashValue(option: OptionWords): readonly string[] {
  const pattern = namesOf(option).join('|')
  switch (option.value) {
    case 'none':
      return []
    case 'file':
      return [`        ${pattern}) COMPREPLY=($(compgen -f -- "$current")); return ;;`]
    case 'folder':
      return [`        ${pattern}) COMPREPLY=($(compgen -d -- "$current")); return ;;`]
    case 'choice':
      return [
        `        ${pattern}) COMPREPLY=($(compgen -W '${option.choices.join(' ')}' -- "$current")); return ;;`,
      ]
    case 'text':
      return [`        ${pattern}) return ;;`]
  }
}

function zshScript(commands: readonly CommandWords[]): string {
  const described = firstWords(commands).map((word) => {
    const spec = commands.find(({ name }) => name === word)
    return `    '${word}${spec === undefined ? '' : `:${zshText(spec.summary)}`}'`
  })
  const cases = commands.flatMap(({ name, options }) => {
    const words = name.split(' ').length
    return [
      `    '${name}')`,
      `      shift ${words} words; (( CURRENT -= ${words} ))`,
      `      _arguments ${options.flatMap(zshOption).join(' \\\n        ')} '*:file:_files'`,
      '      ;;',
    ]
  })
  return [
    '#compdef winnow',
    '# zsh completion for winnow; made by: winnow completion zsh',
    '_winnow() {',
    '  local -a commands=(',
    ...described,
    '  )',
    "  if (( CURRENT == 2 )); then _describe 'command' commands; return; fi",
    '  local command=${words[2]}',
    ...groupsOf(commands).map(
      ([group, seconds]) =>
        `  if [[ $command == ${group} ]]; then if (( CURRENT == 3 )); then compadd ${seconds.join(' ')}; return; fi; command="$command \${words[3]}"; fi`,
    ),
    '  case $command in',
    ...cases,
    '  esac',
    '}',
    // Sourced it registers itself; found in fpath, zsh calls it.
    'if [[ ${funcstack[1]-} == _winnow ]]; then _winnow "$@"; else compdef _winnow winnow; fi',
    '',
  ].join('\n')
}

function zshOption(option: OptionWords): readonly string[] {
  const value = zshValue(option)
  return namesOf(option).map((name) => `'*${name}[${zshText(option.description)}]${value}'`)
}

function zshValue({ value, choices }: OptionWords): string {
  switch (value) {
    case 'none':
      return ''
    case 'file':
      return ':file:_files'
    case 'folder':
      return ':folder:_files -/'
    case 'choice':
      return `:value:(${choices.join(' ')})`
    case 'text':
      return ':value: '
  }
}

/** Inside single quotes and brackets of `_arguments`. */
function zshText(text: string): string {
  return text.replaceAll("'", '’').replace(/[[\]:]/g, String.raw`\$&`)
}

function fishScript(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => {
    const [first = name, second] = name.split(' ')
    const isChosen =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
    const offered =
      second === undefined
        ? `complete -c winnow -f -n __fish_use_subcommand -a ${first} -d '${fishText(summary)}'`
        : `complete -c winnow -f -n '__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${second}' -a ${second} -d '${fishText(summary)}'`
    return [offered, ...options.map((option) => fishOption(option, isChosen))]
  })
  return [
    '# fish completion for winnow; made by: winnow completion fish',
    ...groupsOf(commands).map(([group]) => `complete -c winnow -f -n __fish_use_subcommand -a ${group}`),
    ...lines,
    '',
  ].join('\n')
}

function fishOption({ long, short, description, value, choices }: OptionWords, isChosen: string): string {
  const values = {
    none: '-f',
    file: '-r -F',
    folder: "-r -f -a '(__fish_complete_directories)'",
    choice: `-x -a '${choices.join(' ')}'`,
    text: '-x',
  }
  const names = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`
  return `complete -c winnow -n '${isChosen}' ${names} ${values[value]} -d '${fishText(description)}'`
}

function fishText(text: string): string {
  return text.replace(/[\\']/g, String.raw`\$&`)
}

function namesOf({ long, short }: OptionWords): readonly string[] {
  return short === undefined ? [long] : [long, short]
}

/** The first words of commands of two, with their second words. */
function groupsOf(commands: readonly CommandWords[]): readonly (readonly [string, readonly string[]])[] {
  const groups = new Map<string, string[]>()
  for (const { name } of commands) {
    const [first = name, second] = name.split(' ')
    if (second === undefined) continue
    groups.set(first, [...(groups.get(first) ?? []), second])
  }
  return [...groups]
}
