/**
 * What one Git repository told us, once: its remote references and every commit they reach. A repository that could not be
 * read in full is `complete: false` and stops planning; nothing here turns an error into an empty history.
 */
import type { SourceProblem } from '../evidence/evidence.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { CommitGraph, CommitIndex } from './commit-graph.ts'

/** How rules and plans call a Git repository: a `name` under `git.repositories`, else its path or address as written. */
export type GitName = string

export interface GitHistory {
  readonly name: GitName
  readonly complete: boolean
  /** Left out by name on the command line: not asked, and the plan says so. */
  readonly leftOut: boolean
  /** `refs/remotes/origin/*` and `refs/tags/*`, and pull requests where they were asked for; by kind, then name. */
  readonly references: readonly GitReference[]
  readonly graph: CommitGraph
  /**
   * What became of the commits that were asked for and that no reference reaches, by the id as asked. Ids that the graph
   * has are not in here.
   */
  readonly others: ReadonlyMap<string, OtherCommit>
  readonly problems: readonly SourceProblem[]
}

export interface GitReference {
  readonly kind: GitReferenceKind
  /** `feature/x`, `v1.2.0`, `1481`: without `refs/…` and without the remote. */
  readonly name: string
  readonly commit: CommitIndex
  /**
   * A branch's is the committer date of its head, an annotated tag's the tagger's, a lightweight tag's its commit's;
   * a pull request's that of its head.
   */
  readonly datedAt: InstantMs
  /** When a pull request was closed or merged; undefined while it is open, and where nobody says whether it is. */
  readonly closedAt?: InstantMs
}

export type GitReferenceKind = 'branch' | 'tag' | 'pull-request'

/**
 * unreached: the clone has it, and no reference reaches it (a deleted branch, a force push) · absent: the clone does not
 * have it · ambiguous: a short id that several objects share.
 */
export type OtherCommit =
  | { readonly kind: 'unreached'; readonly id: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'ambiguous' }
