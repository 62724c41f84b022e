/**
 * The one place where a person is asked to agree. Without a terminal nobody is asked, and nothing is taken for a yes.
 */
import { InterruptedError } from '../core/errors/errors.ts'
import type { CommandContext } from './command.ts'
import { UsageError } from './report-error.ts'
import { plain } from './views/format.ts'

/** @throws UsageError when agreement is needed, `--yes` is not given, and nobody can be asked */
export function requireConsent({ options, terminal }: CommandContext, command: string): void {
  if (options.flag('yes') || terminal.canAsk) return
  throw new UsageError(
    `winnow ${command} asks before it changes anything, and there is no terminal to ask at.`,
    'Add --yes to go on without being asked.',
  )
}

export interface Question {
  readonly text: string
  /** What has to be typed to agree; left out, a yes is enough. */
  readonly typed?: string
}

/**
 * Asks, unless `--yes` is given.
 *
 * @returns whether to go on
 * @throws InterruptedError on Ctrl-C, and when the terminal goes away
 */
export async function agrees(
  { text, typed }: Question,
  { options, terminal }: CommandContext,
): Promise<boolean> {
  if (options.flag('yes')) return true
  const { bold } = terminal.stderr.colors
  const how = typed === undefined ? '[y/N]' : `Type "${typed}" to go on:`
  const answer = (await ask(`${bold(plain(text))} ${plain(how)} `)).trim()
  return typed === undefined ? /^y(?:es)?$/i.test(answer) : answer === typed
}

/** One line from the terminal. A terminal that was closed has not agreed to anything. */
async function ask(question: string): Promise<string> {
  const { createInterface } = await import('node:readline')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise<string>((resolve, reject) => {
      const stop = (): void => {
        process.stderr.write('\n')
        reject(new InterruptedError('You stopped before anything was changed.'))
      }
      lines.once('SIGINT', stop)
      lines.once('close', stop)
      lines.question(question, (answer) => {
        lines.off('close', stop)
        resolve(answer)
      })
    })
  } finally {
    lines.removeAllListeners()
    lines.close()
  }
}

/** A command line to copy, with the options that lead to the same configuration and state. */
export function commandLine({ globals }: CommandContext, words: string): string {
  const config = globals.config === 'winnow.yaml' ? '' : ` --config ${quoted(globals.config)}`
  const state = globals.state === undefined ? '' : ` --state ${quoted(globals.state)}`
  return `winnow ${words}${config}${state}`
}

function quoted(word: string): string {
  return /^[\w./@:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
