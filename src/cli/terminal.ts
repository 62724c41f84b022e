/**
 * The world a command writes to and reads from. Data goes to stdout, everything said to a person to stderr; colour and
 * cursor movement only where a person looks.
 */
import { createColors } from 'picocolors'

export type ColorChoice = 'auto' | 'always' | 'never'

export interface Terminal {
  readonly stdout: Output
  readonly stderr: Output
  /** Whether a person can be asked: input and stderr are a terminal, and this is no CI. */
  readonly canAsk: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface Output {
  write: (text: string) => void
  readonly isTerminal: boolean
  readonly columns: number
  readonly colors: ReturnType<typeof createColors>
}

/** Width of what is written where nobody told one, and where lines are not cut. */
const columnsUnknown = 100

/** The process's own terminal. */
export function processTerminal(color: ColorChoice): Terminal {
  const { env } = process
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && env['CI'] === undefined
  return {
    stdout: output(process.stdout, color, env),
    stderr: output(process.stderr, color, env),
    canAsk,
    environment: env,
  }
}

function output(
  stream: NodeJS.WriteStream,
  color: ColorChoice,
  environment: Readonly<Record<string, string | undefined>>,
): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    // A terminal without a size (some that scripts open) says 0.
    columns: stream.isTTY && stream.columns > 0 ? stream.columns : columnsUnknown,
    colors: createColors(usesColor(stream.isTTY, color, environment)),
  }
}

/** NO_COLOR (no-color.org) and FORCE_COLOR are obeyed; what is asked for on the command line comes first. */
export function usesColor(
  isTerminal: boolean,
  choice: ColorChoice,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (choice !== 'auto') return choice === 'always'
  const force = environment['FORCE_COLOR']
  if (force !== undefined && force !== '') return force !== '0'
  const no = environment['NO_COLOR']
  if (no !== undefined && no !== '') return false
  return isTerminal && environment['TERM'] !== 'dumb'
}
