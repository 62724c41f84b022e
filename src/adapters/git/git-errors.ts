/**
 * What can go wrong between Winnow and a Git repository. Thrown inside this folder only: a reader turns each of them into a
 * problem that stops the plan. No message holds a credential; what git said has passed the redactor before.
 */
import { OperationalError } from '../../core/errors/errors.ts'

/** Why a repository could not be read; every one has a cure of its own. */
export type GitTrouble =
  | 'git-missing'
  | 'git-too-old'
  | 'place-refused'
  | 'not-a-repository'
  | 'not-owned'
  | 'shallow'
  | 'clone-narrow'
  | 'origin-missing'
  | 'credentials'
  | 'host-key'
  | 'certificate'
  | 'unreachable'
  | 'not-found'
  | 'server-failed'
  | 'transport-refused'
  | 'disk-full'
  | 'corrupt'
  | 'over-limit'
  | 'time-over'
  | 'busy'
  | 'pull-requests'
  /** git failed in a way that its words do not explain to us. */
  | 'failed'

/** A Git repository could not be read in full, so nothing may be decided by it. */
export class GitReadError extends OperationalError {
  readonly code = 'GIT_UNREADABLE'
  override readonly category = 'incomplete'
  readonly trouble: GitTrouble
  readonly hint: string

  constructor(trouble: GitTrouble, message: string, hint: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.trouble = trouble
    this.hint = hint
  }
}
