/**
 * Operational errors: what the world did to us, told so that a person can act on it.
 *
 * Outcomes (a tag drifted, a delete was refused) are values, not errors. Bugs fail an `invariant`.
 * Everything thrown on purpose in between is an OperationalError: a sentence that says what is wrong and why it
 * matters, a `code` to look up in docs/errors.md, and a `hint` that says what to do next. No message may hold a
 * credential; whoever builds a message from foreign text redacts it first.
 */

/** Which exit code the command line ends with (docs/errors.md lists them). */
export type ErrorCategory = 'error' | 'configuration' | 'limit' | 'incomplete' | 'usage' | 'interrupted'

export abstract class OperationalError extends Error {
  /** Stable, upper-case, unique in the source. */
  abstract readonly code: string
  /** What to do next, in full sentences; what is to be copied stands on a line of its own. */
  abstract readonly hint: string
  readonly category: ErrorCategory = 'error'
  #notes: readonly string[] = []

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }

  /** What those have added who let it pass, the innermost first; told after the hint. */
  get notes(): readonly string[] {
    return this.#notes
  }

  /** Adds what only the caller knows, such as the run that this ended; the error stays the one it is. */
  addNote(text: string): void {
    this.#notes = [...this.#notes, text]
  }
}

/** The user stopped the run; nothing was decided by it. Cancelled is never empty. */
export class InterruptedError extends OperationalError {
  readonly code = 'INTERRUPTED'
  readonly hint = 'Run the same command again; what was begun is settled by the next run.'
  override readonly category = 'interrupted'

  constructor(message = 'The run was interrupted.') {
    super(message)
  }
}
