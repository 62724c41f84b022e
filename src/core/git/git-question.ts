/** A Git criterion with what it is asked of, and the answer's form: the way by which Git reaches an image. */
import type { InstantMs } from '../inventory/inventory.ts'
import type { GitCriterion } from '../policy/policy.ts'
import type { CommitIndex } from './commit-graph.ts'
import type { GitHistory } from './git-history.ts'
import type { SelectedReference } from './select-references.ts'

export interface GitQuestion {
  readonly criterion: GitCriterion
  readonly history: GitHistory
  readonly now: InstantMs
  /** References that count, newest first. */
  readonly selected: readonly SelectedReference[]
}

/** How an image is reached: from a reference, by a commit. */
export interface GitPath {
  readonly selected: SelectedReference
  readonly commit: CommitIndex
  /** Among the commits with images of that reference, 1 is the newest; undefined where nobody counted. */
  readonly rank: number | undefined
}
