/** From the references and objects of a repository to its history, as rules see it. */
import { buildCommitGraph, type CommitGraph } from '../../core/git/commit-graph.ts'
import type { GitHistory, GitReference } from '../../core/git/git-history.ts'
import type { SourceProblem } from '../../core/evidence/evidence.ts'
import type { PullRequest } from '../../ports/forge.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { findOthers } from './find-others.ts'
import type { ListedReference } from './list-references.ts'
import type { ObjectStore } from './object-store.ts'
import { missingHeads, pullTargets, type PullQuestion } from './pull-requests.ts'
import { readCommits } from './read-commits.ts'
import { followReferences, type Targets } from './read-tags.ts'

/** Where in a repository its references lie; each ends with a slash. */
export interface ReferencePlaces {
  readonly branches: string
  readonly tags: string
  readonly pulls: readonly string[]
}

export interface HistoryQuestion {
  readonly name: string
  readonly commits: readonly string[]
  readonly pulls: PullQuestion
  readonly places: ReferencePlaces
  /** Tries to bring commits that have no reference; says nothing of whether it could. */
  readonly fetchCommits: (ids: readonly string[]) => Promise<void>
}

/** A reference on its way to a commit. */
interface Named {
  readonly kind: GitReference['kind']
  readonly name: string
  /** In the repository, for messages. */
  readonly fullName: string
  readonly target: string
  readonly closedAt?: number
}

/** @throws GitReadError when a part of it cannot be read; InterruptedError */
export async function readHistory(
  store: ObjectStore,
  listed: readonly ListedReference[],
  question: HistoryQuestion,
  options: RunOptions,
): Promise<GitHistory> {
  const { name, places, pulls } = question
  const { targets, headless } = pullTargets(pulls, listed, places.pulls)
  const heads = await findHeads(store, headless, question, options)
  const named: readonly Named[] = [
    ...below(listed, places.branches, 'branch'),
    ...below(listed, places.tags, 'tag'),
    ...[...targets, ...heads.found].map((each) => ({
      kind: 'pull-request' as const,
      name: String(each.number),
      fullName: `pull request ${each.number}`,
      target: each.target,
      ...(each.closedAt !== undefined && { closedAt: each.closedAt }),
    })),
  ]
  const followed = await followReferences(
    store,
    named.map(({ fullName, target }) => ({ name: fullName, target })),
    options,
  )
  const { graph, undated } = await readCommits(store, followed.commits, options)
  const problems = [
    ...(pulls.kind === 'references' ? pulls.problems : []),
    ...missingHeads(name, heads.missing),
    ...withoutCommit(named, followed),
    ...undatedCommits(undated),
  ]
  return {
    name,
    complete: !problems.some(({ severity }) => severity === 'incomplete'),
    leftOut: false,
    references: toReferences(named, followed, graph),
    graph,
    others: await findOthers(store, graph, question.commits, options),
    problems,
  }
}

/** A history that says nothing but why. */
export function unreadHistory(name: string, problems: readonly SourceProblem[]): GitHistory {
  return {
    name,
    complete: false,
    leftOut: false,
    references: [],
    graph: buildCommitGraph([]),
    others: new Map(),
    problems,
  }
}

function below(listed: readonly ListedReference[], prefix: string, kind: 'branch' | 'tag'): readonly Named[] {
  return listed
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, target }) => ({ kind, name: name.slice(prefix.length), fullName: name, target }))
}

/** Heads that have no reference may be there as the end of a branch, from an earlier fetch, or for the asking. */
async function findHeads(
  store: ObjectStore,
  headless: readonly PullRequest[],
  { fetchCommits }: HistoryQuestion,
  options: RunOptions,
): Promise<{
  readonly found: readonly { number: number; target: string; closedAt: number | undefined }[]
  readonly missing: readonly PullRequest[]
}> {
  const isThere = async (pulls: readonly PullRequest[]): Promise<(pull: PullRequest) => boolean> => {
    const others = await findOthers(store, buildCommitGraph([]), headsOf(pulls), options)
    return ({ head }) => head !== undefined && others.get(head)?.kind === 'unreached'
  }
  const absent = headless.filter(negated(await isThere(headless)))
  if (absent.length > 0) await fetchCommits(headsOf(absent))
  const missing = absent.filter(negated(await isThere(absent)))
  const found = headless.flatMap((pull) => {
    const { number, head, closedAt } = pull
    return head === undefined || missing.includes(pull) ? [] : [{ number, target: head, closedAt }]
  })
  return { found, missing }
}

function headsOf(pulls: readonly PullRequest[]): readonly string[] {
  return [...new Set(pulls.flatMap(({ head }) => head ?? []))]
}

function negated<T>(holds: (value: T) => boolean): (value: T) => boolean {
  return (value) => !holds(value)
}

/** By kind, then name: the order in which git lists them does not show. */
function toReferences(
  named: readonly Named[],
  followed: Targets,
  graph: CommitGraph,
): readonly GitReference[] {
  const references = named.flatMap(({ kind, name, target, closedAt }): readonly GitReference[] => {
    const id = followed.commitOf(target)
    const commit = id === undefined ? undefined : graph.indexOf(id)
    if (commit === undefined) return []
    const taggedAt = kind === 'tag' ? followed.taggedAtOf(target) : undefined
    const datedAt = taggedAt ?? graph.committedAtOf(commit)
    return [{ kind, name, commit, datedAt, ...(closedAt !== undefined && { closedAt }) }]
  })
  return references.toSorted(
    (a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || a.commit - b.commit,
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function withoutCommit(named: readonly Named[], followed: Targets): readonly SourceProblem[] {
  const names = named
    .filter(({ target }) => followed.commitOf(target) === undefined)
    .map(({ fullName }) => fullName)
  if (names.length === 0) return []
  const some = names.slice(0, 5).join(', ')
  const more = names.length > 5 ? ` and ${names.length - 5} more` : ''
  const text = `References that lead to no commit (a file or a folder was tagged) do not count: ${some}${more}.`
  return [{ severity: 'warning', text, accept: undefined }]
}

function undatedCommits(count: number): readonly SourceProblem[] {
  if (count === 0) return []
  const text = `${count} commits have no committer date that git can read, and count as made in 1970. See what \`git fsck\` says.`
  return [{ severity: 'warning', text, accept: undefined }]
}
