/** What can be wrong with the state directory, told so that a person can put it right. */
import { OperationalError } from '../../../core/errors/errors.ts'

const costs = 'Without it Winnow is slower once and cannot undo earlier runs; it never deletes more.'

function moveAway(path: string): string {
  return `Move the file away and run the same command again:\n\n  mv '${path}' '${path}.old'\n\n${costs}`
}

/** The directory or a file in it cannot be created, read or written. */
export class StateUnavailableError extends OperationalError {
  readonly code = 'STATE_UNAVAILABLE'
  readonly hint =
    'Give this user the right to write there, or name another state directory with --state DIR or XDG_STATE_HOME.'

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`The state in ${path} cannot be opened or written${because(options.cause)}.`, options)
  }
}

/** The file is Winnow's, but its content is damaged. */
export class StateCorruptError extends OperationalError {
  readonly code = 'STATE_CORRUPT'
  readonly hint: string

  constructor(path: string, options: { readonly cause: unknown }) {
    super(
      `The state file ${path} is damaged${because(options.cause)}, so nothing in it can be relied on.`,
      options,
    )
    this.hint = moveAway(path)
  }
}

/** Something else lies where Winnow's state should be. */
export class StateForeignError extends OperationalError {
  readonly code = 'STATE_FOREIGN'
  readonly hint: string

  constructor(path: string, options: { readonly cause?: unknown } = {}) {
    super(`The file ${path} was not written by Winnow, so it is left alone.`, options)
    this.hint = `Name another state directory with --state DIR. ${moveAway(path)}`
  }
}

/** A newer Winnow wrote the file; an older one could misread it. */
export class StateNewerError extends OperationalError {
  readonly code = 'STATE_NEWER'
  readonly hint: string

  constructor(path: string, version: number, known: number) {
    super(`The state file ${path} has version ${version}; this Winnow knows versions up to ${known}.`)
    this.hint = `Run the newer Winnow, or name another state directory with --state DIR. ${moveAway(path)}`
  }
}

/** Another process held the file for longer than any transaction takes. */
export class StateBusyError extends OperationalError {
  readonly code = 'STATE_BUSY'
  readonly hint: string

  constructor(path: string, holder: string | undefined, waitedMs: number, lock: string) {
    const who = holder ?? 'another process'
    super(`The state file ${path} is locked by ${who}; waited ${Math.round(waitedMs / 1000)} s for it.`)
    this.hint =
      `See whether ${who} is stopped or stuck, and end it; its lock then counts no more. ` +
      `If no Winnow runs at all, remove the lock:\n\n  rm -d '${lock}'`
  }
}

/** The disk is full: nothing was recorded, so nothing may be deleted. */
export class StateDiskFullError extends OperationalError {
  readonly code = 'STATE_DISK_FULL'
  readonly hint =
    'Free some space there, or name another state directory with --state DIR. What was recorded is whole.'

  constructor(path: string, options: { readonly cause: unknown }) {
    super(`There is no space left to write the state in ${path}.`, options)
  }
}

/** The engine's or the operating system's words, in brackets; both are free of anything secret. */
function because(cause: unknown): string {
  return cause instanceof Error ? ` (${cause.message})` : ''
}
