/** docs/reference/cli.md, from the table of commands, so that neither can say what the other does not. */
import type { CommandSpec, OptionSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalOptionsOf } from '../global-options.ts'

const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'Done, or nothing to do.',
  error: 'An error; of `winnow doctor`: a check failed.',
  hasDeletions: 'The plan has deletions (only with `--detailed-exitcode`).',
  configuration: 'The configuration is missing or invalid.',
  partly: 'Some lines were not done or were skipped; of `winnow verify`: an image in use is missing.',
  limit: 'Stopped by a limit, before anything was deleted.',
  incomplete: 'Evidence or inventory is incomplete.',
  usage: 'The words of the command line do not fit together.',
  interrupted: 'Interrupted.',
}

/** The page: every command, then the options of all, then exit codes. */
export function cliPage(commands: readonly CommandSpec[]): string {
  const codes = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${exitCodeMeanings[name as keyof typeof exitCodes]} |`,
  )
  const globals = globalOptionsOf({ ...emptySpec, formats: [] }).filter(
    ({ flags }) => !flags.startsWith('-o'),
  )
  return `${[
    '# Command line',
    'Made from the program by `npm run docs`. Results go to stdout, progress and remarks to stderr; nothing is asked without a terminal.',
    ['| command | does |', '| --- | --- |', ...commands.map(contentsRow)].join('\n'),
    ...commands.map(commandSection),
    `## Options of every command\n\n${optionTable(globals)}`,
    'Colour also follows `NO_COLOR` and `FORCE_COLOR`. `winnow --version` prints the version.',
    ['## Exit codes', '', '| code | meaning |', '| --- | --- |', ...codes].join('\n'),
    'Errors have codes of their own: [errors](../errors.md).',
  ].join('\n\n')}\n`
}

const emptySpec: CommandSpec = {
  name: '',
  summary: '',
  formats: [],
  load: () => Promise.reject(new Error('this command only stands for the options of all')),
}

function contentsRow({ name, summary }: CommandSpec): string {
  return `| [\`winnow ${name}\`](#winnow-${name.replaceAll(' ', '-')}) | ${cell(summary)} |`
}

function commandSection(spec: CommandSpec): string {
  const { name, summary, description, arguments: words = [], options = [], examples = [], formats } = spec
  const usage = [
    'winnow',
    name,
    ...words.map((word) => word.usage),
    ...(options.length > 0 ? ['[options]'] : []),
  ]
  const told = words.map((word) => `| \`${cell(word.usage)}\` | ${cell(word.description)} |`)
  return [
    `## winnow ${name}`,
    `\`\`\`\n${usage.join(' ')}\n\`\`\``,
    description ?? `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...(told.length > 0 ? [['| argument | meaning |', '| --- | --- |', ...told].join('\n')] : []),
    ...(options.length > 0 ? [optionTable(options)] : []),
    ...(formats.length > 1
      ? [`Formats (\`-o\`): ${formats.map((format) => `\`${format}\``).join(', ')}.`]
      : []),
    ...(examples.length > 0
      ? [['```sh', ...examples.flatMap(({ line, does }) => [`# ${does}`, line]), '```'].join('\n')]
      : []),
  ].join('\n\n')
}

function optionTable(options: readonly OptionSpec[]): string {
  const rows = options.map(({ flags, description, choices, repeatable = false, default: standard }) => {
    const values = choices === undefined ? '' : ` One of ${choices.map((each) => `\`${each}\``).join(', ')}.`
    const again = repeatable ? ' May be given several times.' : ''
    const stands = standard === undefined ? '' : `\`${standard}\``
    return `| \`${cell(flags)}\` | ${stands} | ${cell(`${description}.${values}${again}`)} |`
  })
  return ['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** Words in angle brackets outside of code would be taken for HTML. */
function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}
