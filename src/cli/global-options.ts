/** The options that go with every command. */
import type { CommandSpec, OptionSpec } from './command.ts'

/** In the order the help lists them, after the command's own. */
export function globalOptionsOf({ formats }: CommandSpec): readonly OptionSpec[] {
  return [
    { flags: '--config <file>', description: 'the configuration', default: 'winnow.yaml' },
    {
      flags: '--state <dir>',
      description: 'where Winnow keeps its journal, cache and memory',
      default: 'the XDG state directory',
    },
    {
      flags: '-o, --output <format>',
      description: 'how the result is written',
      choices: formats,
      ...(formats[0] !== undefined && { default: formats[0] }),
    },
    { flags: '--color <when>', description: 'colour', choices: ['auto', 'always', 'never'], default: 'auto' },
    { flags: '-q, --quiet', description: 'no progress and no remarks on stderr' },
  ]
}
