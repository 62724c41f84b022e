/** Which of some references reaches a commit: one pass over the history for all of them together. */
import type { CommitGraph } from './commit-graph.ts'
import type { GitReference } from './git-history.ts'

const nobody = -1

/**
 * For every commit the first of the references, by position, that reaches it; -1 where none does.
 *
 * A branch and a pull request reach every ancestor of their head, through all parents; a tag reaches its own commit alone,
 * because what it releases is that commit, not everything before it (as in werf).
 */
export function firstReaching(graph: CommitGraph, references: readonly GitReference[]): Int32Array {
  const first = new Int32Array(graph.size).fill(nobody)
  references.forEach(({ kind, commit }, position) => {
    if (first[commit] !== nobody) return
    first[commit] = position
    if (kind !== 'tag') markAncestors(graph, commit, position, first)
  })
  return first
}

function markAncestors(graph: CommitGraph, from: number, position: number, first: Int32Array): void {
  const open = [from]
  for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
    for (let nth = 0; nth < graph.parentCountOf(commit); nth++) {
      const parent = graph.parentOf(commit, nth)
      if (first[parent] !== nobody) continue
      first[parent] = position
      open.push(parent)
    }
  }
}
