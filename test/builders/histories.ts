/**
 * Histories of Git for tests, by short labels: what a reader would answer, without a repository. A commit's id spells its
 * label; parents come before children in the list, as in `test/git/make-repository.ts`.
 */
import { buildCommitGraph } from '../../src/core/git/commit-graph.ts'
import type {
  GitHistory,
  GitReference,
  GitReferenceKind,
  OtherCommit,
} from '../../src/core/git/git-history.ts'

export interface CommitGiven {
  readonly id: string
  readonly parents: readonly string[]
  /** Milliseconds since 1970. */
  readonly committedAt: number
}

export interface ReferenceGiven {
  readonly kind: GitReferenceKind
  readonly name: string
  readonly commit: string
  /** Left out: the commit's own date. */
  readonly datedAt?: number
  readonly closedAt?: number
}

/** The id that stands for a label of at most 20 ASCII characters. */
export function commitId(label: string): string {
  return Buffer.from(label).toString('hex').padEnd(40, '0')
}

/**
 * What a reader tells of these commits and references: unreached commits are not in the graph.
 *
 * @param asked labels of commits that images are linked to; those the list does not have are absent
 */
export function history(
  commits: readonly CommitGiven[],
  references: readonly ReferenceGiven[],
  asked: readonly string[] = [],
  name = 'app',
): GitHistory {
  const byId = new Map(commits.map((commit) => [commit.id, commit]))
  const reached = new Set<string>()
  const open = references.map(({ commit }) => commit)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...(byId.get(next)?.parents ?? []))
  }
  const graph = buildCommitGraph(
    commits
      .filter(({ id }) => reached.has(id))
      .toReversed()
      .map(({ id, parents, committedAt }) => ({
        id: commitId(id),
        parents: parents.map(commitId),
        committedAt,
      })),
  )
  const others = asked
    .filter((label) => !reached.has(label))
    .map((label): [string, OtherCommit] => [
      commitId(label),
      byId.has(label) ? { kind: 'unreached', id: commitId(label) } : { kind: 'absent' },
    ])
  return {
    name,
    complete: true,
    leftOut: false,
    references: references.map(({ kind, name: reference, commit, datedAt, closedAt }): GitReference => ({
      kind,
      name: reference,
      commit: graph.indexOf(commitId(commit)) ?? 0,
      datedAt: datedAt ?? byId.get(commit)?.committedAt ?? 0,
      ...(closedAt !== undefined && { closedAt }),
    })),
    graph,
    others: new Map(others),
    problems: [],
  }
}
