/**
 * The commits that some reference of a Git repository reaches, packed: a history of a hundred thousand commits is a few
 * arrays, and a walk over it touches integers only.
 *
 * Commits stand in topological order, children before parents, so one loop from the end to the beginning has seen every
 * parent before its children, however the committer dates lie.
 */
import { invariant } from '../errors/invariant.ts'

/** A position in the graph. */
export type CommitIndex = number

export interface CommitGraph {
  readonly size: number
  /** The full id, in lower-case hexadecimal digits: 40 of SHA-1, 64 of SHA-256. */
  idOf(commit: CommitIndex): string
  /** The committer date, in milliseconds since 1970. */
  committedAtOf(commit: CommitIndex): number
  /** How many parents it has, and which; every one comes later in the order. */
  parentCountOf(commit: CommitIndex): number
  parentOf(commit: CommitIndex, nth: number): CommitIndex
  /** By its full id; undefined when no reference reaches it. */
  indexOf(id: string): CommitIndex | undefined
}

/** One commit as Git tells it. */
export interface CommitRecord {
  readonly id: string
  readonly parents: readonly string[]
  /** Milliseconds since 1970. */
  readonly committedAt: number
}

/**
 * Packs commits, which come children first.
 *
 * @throws InvariantError when a parent comes before its child or not at all: a shallow history is refused before this
 */
export function buildCommitGraph(commits: Iterable<CommitRecord>): CommitGraph {
  const ids: string[] = []
  const dates: number[] = []
  const parentIds: string[] = []
  const offsets: number[] = [0]
  const indexes = new Map<string, CommitIndex>()
  for (const { id, parents, committedAt } of commits) {
    invariant(!indexes.has(id), `the commit ${id} was told twice`)
    indexes.set(id, ids.length)
    ids.push(id)
    dates.push(committedAt)
    for (const parent of parents) parentIds.push(parent)
    offsets.push(parentIds.length)
  }
  const places = Int32Array.from(offsets)
  const parents = packParents(places, parentIds, indexes)
  const committedAt = Float64Array.from(dates)
  return {
    size: ids.length,
    idOf: (commit) => ids[commit] ?? '',
    committedAtOf: (commit) => committedAt[commit] ?? 0,
    parentCountOf: (commit) => (places[commit + 1] ?? 0) - (places[commit] ?? 0),
    parentOf: (commit, nth) => parents[(places[commit] ?? 0) + nth] ?? 0,
    indexOf: (id) => indexes.get(id),
  }
}

function packParents(
  places: Int32Array,
  parentIds: readonly string[],
  indexes: ReadonlyMap<string, CommitIndex>,
): Int32Array {
  const parents = new Int32Array(parentIds.length)
  for (let commit = 0; commit + 1 < places.length; commit++) {
    for (let at = places[commit] ?? 0; at < (places[commit + 1] ?? 0); at++) {
      const id = parentIds[at] ?? ''
      const parent = indexes.get(id)
      invariant(parent !== undefined && parent > commit, `the parent ${id} does not follow its child`)
      parents[at] = parent
    }
  }
  return parents
}
