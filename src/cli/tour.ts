/** Shows commands as one would type them, runs them in this process, and shows the first and the last of what they say. */
import type { CommandContext } from './command.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'
import { formatCount } from './views/format.ts'

export class Tour {
  readonly #context: CommandContext
  readonly #terminal: Terminal
  readonly #stateFolder: string

  /** `stateFolder`: where the commands of the tour keep their state, so that the user's own knows nothing of them. */
  constructor(context: CommandContext, stateFolder: string) {
    this.#context = context
    this.#terminal = context.terminal
    this.#stateFolder = stateFolder
  }

  get colors(): Terminal['stdout']['colors'] {
    return this.#terminal.stdout.colors
  }

  /** What to say, the words of the command, and how many lines of its output to show. */
  async all(steps: readonly (readonly [string, readonly string[], number])[]): Promise<ExitCode> {
    for (const [text, words, lines] of steps) {
      this.say(text)
      const { code, output } = await this.#command(words)
      this.write(abridged(output, lines))
      if (code !== exitCodes.done) return code
    }
    return exitCodes.done
  }

  /** Shows a command as one would type it, and runs it. */
  async #command(words: readonly string[]): Promise<{ readonly code: ExitCode; readonly output: string }> {
    const { colors } = this.#terminal.stdout
    this.write(`${colors.cyan('$')} ${colors.bold(`winnow ${words.join(' ')}`)}\n`)
    return this.#captured(words)
  }

  async #captured(words: readonly string[]): Promise<{ readonly code: ExitCode; readonly output: string }> {
    let output = ''
    const stdout = { ...this.#terminal.stdout, write: (text: string) => void (output += text) }
    const quiet = this.#context.globals.quiet ? ['--quiet'] : []
    const code = await this.#context.runLine([...words, '--state', this.#stateFolder, ...quiet], {
      ...this.#terminal,
      stdout,
    })
    // The state is the demo's own affair; a line to copy is shown as the tour writes it.
    return { code, output: output.replaceAll(` --state ${this.#stateFolder}`, '') }
  }

  async newestRun(): Promise<string> {
    const { output } = await this.#captured(['history', '--output', 'names'])
    return output.split('\n')[0] ?? ''
  }

  say(text: string): void {
    this.write(`\n${this.colors.dim('#')} ${text}\n`)
  }

  write(text: string): void {
    this.#terminal.stdout.write(text)
  }
}

/** The first lines and the last: totals stand at the end. */
function abridged(output: string, linesMax: number): string {
  const lines = output.replace(/\n$/, '').split('\n')
  if (lines.length <= linesMax) return output
  const last = Math.min(6, Math.floor(linesMax / 2))
  const first = linesMax - last
  const left = lines.length - linesMax
  return [
    ...lines.slice(0, first),
    `  [${formatCount(left)} lines left out]`,
    ...lines.slice(-last),
    '',
  ].join('\n')
}
