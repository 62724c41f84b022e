/** What may stand where on the command line, for completion: made from the table of commands. */
import type { CommandSpec, OptionSpec } from '../command.ts'
import { globalOptionsOf } from '../global-options.ts'

export interface CommandWords {
  /** `plan`, or `policy check`. */
  readonly name: string
  readonly summary: string
  readonly options: readonly OptionWords[]
}

export interface OptionWords {
  /** `--out`. */
  readonly long: string
  /** `-o`, where there is one. */
  readonly short: string | undefined
  readonly description: string
  /** `none`: a flag. `file`, `folder`: a path is completed. `choice`: one of the values. */
  readonly value: 'none' | 'file' | 'folder' | 'choice' | 'text'
  readonly choices: readonly string[]
}

/** Every command with every option it takes. */
export function wordTree(commands: readonly CommandSpec[]): readonly CommandWords[] {
  return commands.map((spec) => ({
    name: spec.name,
    summary: spec.summary,
    options: [...(spec.options ?? []), ...globalOptionsOf(spec)].map(wordsOf),
  }))
}

function wordsOf({ flags, description, choices = [] }: OptionSpec): OptionWords {
  const [, short, long = flags, value] = /^(?:(-\w), )?(--[\w-]+)(?: <([\w-]+)>)?$/.exec(flags) ?? []
  return { long, short, description, choices, value: kindOf(value, choices) }
}

function kindOf(value: string | undefined, choices: readonly string[]): OptionWords['value'] {
  if (value === undefined) return 'none'
  if (choices.length > 0) return 'choice'
  return value === 'file' ? 'file' : value === 'dir' ? 'folder' : 'text'
}
