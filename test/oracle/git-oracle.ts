/**
 * What a rule by Git history keeps, as its definition says it and as slowly as it says it: for every reference all that it
 * reaches, for every image its newest commit there, and of those commits the newest. Written without a look at how
 * `src/core/git/` does it.
 */
import type { GitCriterion, GitLimit } from '../../src/core/policy/policy.ts'
import { commitId, type CommitGiven } from '../builders/histories.ts'
import { now } from '../builders/images.ts'
import type { GitWorld } from '../properties/git-worlds.ts'

/** Labels of images. */
export function oracleKeeps(world: GitWorld, criterion: GitCriterion): ReadonlySet<string> {
  const byId = new Map(world.commits.map((commit) => [commit.id, commit]))
  const matching = world.references
    .filter(({ kind, name }) => kind === criterion.of && criterion.pattern.matches(name))
    .map((reference) => ({ ...reference, at: byId.get(reference.commit)?.committedAt ?? 0 }))
    .toSorted((a, b) => b.at - a.at || (a.name < b.name ? -1 : 1))
  const selected = matching.filter((reference, index) => within(criterion.references, index, reference.at))
  const kept = new Set<string>()
  for (const reference of selected) {
    const reached = criterion.of === 'tag' ? new Set([reference.commit]) : ancestors(reference.commit, byId)
    const newest = world.images.flatMap(({ label, commits }) => {
      const [first] = commits
        .filter((commit) => reached.has(commit))
        .toSorted((a, b) => compareCommits(byId.get(a), byId.get(b), byId))
      return first === undefined ? [] : [{ label, commit: first }]
    })
    const order = [...new Set(newest.map(({ commit }) => commit))].toSorted((a, b) =>
      compareCommits(byId.get(a), byId.get(b), byId),
    )
    for (const { label, commit } of newest) {
      const at = byId.get(commit)?.committedAt ?? 0
      if (within(criterion.images, order.indexOf(commit), at)) kept.add(label)
    }
  }
  return kept
}

function within({ newest, withinMs, combine }: GitLimit, index: number, at: number): boolean {
  const halves = [
    ...(newest === undefined ? [] : [index < newest]),
    ...(withinMs === undefined ? [] : [now - at < withinMs]),
  ]
  if (halves.length === 0) return true
  return combine === 'all' ? halves.every(Boolean) : halves.some(Boolean)
}

type ById = ReadonlyMap<string, CommitGiven>

function ancestors(id: string, byId: ById): ReadonlySet<string> {
  const parents = byId.get(id)?.parents ?? []
  return new Set([id, ...parents.flatMap((parent) => [...ancestors(parent, byId)])])
}

function generation(id: string, byId: ById): number {
  const parents = byId.get(id)?.parents ?? []
  return parents.length === 0 ? 0 : 1 + Math.max(...parents.map((parent) => generation(parent, byId)))
}

/** Newest first; a child before its parent of the same time; then by id. */
function compareCommits(a: CommitGiven | undefined, b: CommitGiven | undefined, byId: ById): number {
  if (a === undefined || b === undefined) return 0
  return (
    b.committedAt - a.committedAt ||
    generation(b.id, byId) - generation(a.id, byId) ||
    (commitId(a.id) < commitId(b.id) ? -1 : 1)
  )
}
