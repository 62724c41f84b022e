/** Runs a command of the real command tree in this process, with a terminal that remembers what was written. */
import { createColors } from 'picocolors'
import type { RunEvent, RunOptions } from '../../src/ports/run-options.ts'
import { exitCodes, type ExitCode } from '../../src/cli/exit-codes.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { reportError } from '../../src/cli/report-error.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

export interface Ended {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
  readonly events: readonly RunEvent[]
}

/**
 * What a person, or a script, would see of `winnow ...words`; nobody can be asked, and nothing is coloured.
 *
 * @param halts what Ctrl-C aborts
 */
export async function winnow(
  words: readonly string[],
  environment: Terminal['environment'] = {},
  halts: Pick<RunOptions, 'stop' | 'signal'> = {},
): Promise<Ended> {
  const written = { stdout: '', stderr: '' }
  const output = (stream: keyof typeof written): Terminal['stdout'] => ({
    write: (text) => {
      written[stream] += text
    },
    isTerminal: false,
    columns: 100,
    colors: createColors(false),
  })
  const terminal: Terminal = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    canAsk: false,
    environment,
  }
  const events: RunEvent[] = []
  let code: ExitCode = exitCodes.done
  try {
    const program = buildProgram((spec, context) => async () => {
      const body = await spec.load()
      code = await body.run({
        ...context(terminal),
        run: { ...halts, onEvent: (event) => events.push(event) },
      })
    })
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    code = reportError(error, terminal)
  }
  return { code, ...written, events }
}
