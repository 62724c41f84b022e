/**
 * The one place where a person is asked to agree. Without a terminal nobody is asked, and nothing is taken for a yes.
 */
import { InterruptedError } from '../core/errors/errors.ts'
import type { CommandContext } from './command.ts'
import { UsageError } from './report-error.ts'

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
 * @throws InterruptedError on Ctrl-C
 */
export async function agrees({ text, typed }: Question, { options, run }: CommandContext): Promise<boolean> {
  if (options.flag('yes')) return true
  const prompts = await import('@clack/prompts')
  const common = {
    output: process.stderr,
    withGuide: false,
    ...(run.signal !== undefined && { signal: run.signal }),
  }
  const answer =
    typed === undefined
      ? await prompts.confirm({ ...common, message: text, initialValue: false })
      : await prompts.text({ ...common, message: `${text} Type "${typed}" to go on:` })
  if (prompts.isCancel(answer)) throw new InterruptedError('You stopped before anything was changed.')
  return answer === true || (typed !== undefined && answer === typed)
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
