/**
 * What a command is: words for its help, and a body that is loaded when it runs. The help, the completion and the
 * reference page are all made from these.
 */
import type { RunOptions } from '../ports/run-options.ts'
import type { ExitCode } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export interface CommandSpec {
  /** `plan`, or `policy check`. */
  readonly name: string
  /** One line, in the list of commands. */
  readonly summary: string
  /** Paragraphs below the usage line. */
  readonly description?: string
  readonly arguments?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  /** Command lines worth knowing, each with what it does. */
  readonly examples?: readonly { readonly line: string; readonly does: string }[]
  /** The first is the default. */
  readonly formats: readonly OutputFormat[]
  /**
   * It changes a registry: the first Ctrl-C finishes what began. A command that only reads ends at once.
   * @default false
   */
  readonly finishesWhatBegan?: boolean
  /**
   * It works without a pause and changes nothing: a listener would be heard only once it is done. So there is none, and
   * the system ends the process at the first Ctrl-C or SIGTERM (130 or 143 to a shell).
   * @default false
   */
  readonly endsOnSignals?: boolean
  readonly load: () => Promise<CommandBody>
}

export interface ArgumentSpec {
  /** `<required>`, `[optional]` or `[several...]`. */
  readonly usage: string
  readonly description: string
}

export interface OptionSpec {
  /** As commander reads it: `--out <file>`. */
  readonly flags: string
  readonly description: string
  readonly choices?: readonly string[]
  /** May be given more than once; the values come as a list. */
  readonly repeatable?: boolean
  /** Told in the help. */
  readonly default?: string
}

export const outputFormats = [
  'table',
  'wide',
  'json',
  'ndjson',
  'yaml',
  'markdown',
  'csv',
  'names',
  'html',
] as const
export type OutputFormat = (typeof outputFormats)[number]

export interface GlobalOptions {
  /** Path of winnow.yaml. */
  readonly config: string
  readonly state: string | undefined
  readonly output: OutputFormat
  readonly quiet: boolean
}

/** What a body is given: words of the command line, and the world outside. */
export interface CommandContext {
  readonly arguments: readonly string[]
  readonly options: OptionValues
  readonly globals: GlobalOptions
  readonly terminal: Terminal
  /** Two ways to halt, and where events go. */
  readonly run: RunOptions
  /** The table of commands, for those that speak of the others. */
  readonly commands: readonly CommandSpec[]
  /** Runs another command line, as the tour of `winnow demo` does; its errors are told, not thrown. */
  readonly runLine: (words: readonly string[], terminal: Terminal) => Promise<ExitCode>
}

/** Options of one command, as given; a flag that was not given is absent. */
export interface OptionValues {
  flag(name: string): boolean
  text(name: string): string | undefined
  texts(name: string): readonly string[]
}

export interface CommandBody {
  /** Writes data to stdout, everything else to stderr, and says how it ended. */
  run(context: CommandContext): Promise<ExitCode>
}
