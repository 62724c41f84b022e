/**
 * What hosts a Git repository beside Git itself (GitHub, GitLab, Gitea, Forgejo): it alone knows which pull requests are open.
 *
 * Contract, beyond the types: an answer is whole, every open pull request is in it, and every one that was closed or merged
 * at or after `closedSince`. What cannot be asked for, or not to the end, throws an OperationalError; nothing is shortened.
 */
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunOptions } from './run-options.ts'

export interface Forge {
  /** For messages: `GitHub (https://api.github.com)`. Never a credential. */
  readonly name: string
  listPullRequests(query: PullRequestQuery, options?: RunOptions): Promise<readonly PullRequest[]>
}

export interface PullRequestQuery {
  /** The host of the Git repository, as its address has it, with a port. */
  readonly host: string
  /** `acme/app`, as in the address, without `.git`. */
  readonly project: string
  /** Closed ones count back to then; undefined: only open ones are wanted. */
  readonly closedSince: InstantMs | undefined
}

export interface PullRequest {
  readonly number: number
  /** The commit id of its head, in full; undefined where the forge does not tell it. */
  readonly head: string | undefined
  /** When it was closed or merged; undefined while it is open. */
  readonly closedAt: InstantMs | undefined
}
