/**
 * Reading one Git repository. It is asked after the inventory was taken: a commit that was pushed, built and pushed as an
 * image in between is then in the history.
 *
 * Contract, beyond the types:
 * - It never throws for what the world does to it: it answers with `complete: false` and a problem that says what failed
 *   and what cures it (no git on this machine, a shallow clone, no origin, a fetch that failed). It throws
 *   InterruptedError when cancelled.
 * - A complete answer has every remote reference and every commit they reach; nothing is shortened.
 * - It changes nothing in a clone that is not its own; where the configuration says `fetch: true`, it adds objects and
 *   references of its own (`refs/winnow/…`), and changes or removes none of the clone's.
 * - A pull request may be there twice: its head, and the commit that merges it, from which many a CI builds.
 */
import type { GitHistory, GitName } from '../core/git/git-history.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { RunOptions } from './run-options.ts'

export interface GitReader {
  readonly name: GitName
  read(request: GitRequest, options?: RunOptions): Promise<GitHistory>
}

export interface GitRequest {
  /** Commit ids that images are linked to, full or short (at least 7 hexadecimal digits), each once. */
  readonly commits: readonly string[]
  /** Whether pull requests are wanted: they cost a call to the forge, or a fetch of their references. */
  readonly pullRequests: boolean
  /** Closed pull requests count when they were closed at or after then; left out: only open ones. */
  readonly closedSince?: InstantMs
}
