/**
 * From the commit ids that images are linked to, short ones among them, to commits of a history.
 *
 * Unknown keeps: a commit that the repository does not have, and a short id that could mean several, are told apart from
 * one that the repository has and no reference reaches. Only the last of these is an answer.
 */
import { isCommitId } from './commit-id.ts'
import type { CommitGraph, CommitIndex } from './commit-graph.ts'
import type { GitHistory } from './git-history.ts'
import type { ImageLink } from './image-link.ts'

export interface ResolvedLinks {
  /** Commits that references reach, each once for each image name, the newest first. */
  readonly reached: readonly ReachedLink[]
  /** Commits that the repository has, and no reference reaches. */
  readonly unreached: readonly ImageLink[]
  /** Commits that the repository does not have, or whose short id means several. */
  readonly unknown: readonly ImageLink[]
}

export interface ReachedLink {
  readonly link: ImageLink
  readonly commit: CommitIndex
}

/** Resolves the links of one image. */
export function resolveLinks(links: readonly ImageLink[], history: GitHistory): ResolvedLinks {
  const reached = new Map<string, ReachedLink>()
  const unreached: ImageLink[] = []
  const unknown: ImageLink[] = []
  for (const link of links) {
    const found = findCommit(link.commit, history)
    if (found === 'unreached') unreached.push(link)
    else if (found === 'unknown') unknown.push(link)
    else {
      const key = `${found} ${link.imageName ?? ''}`
      if (!reached.has(key)) reached.set(key, { link, commit: found })
    }
  }
  // The newest first: it is the one that people look for.
  const { graph } = history
  const inTurn = [...reached.values()].sort(
    (a, b) => graph.committedAtOf(b.commit) - graph.committedAtOf(a.commit),
  )
  return { reached: inTurn, unreached, unknown }
}

function findCommit(id: string, { graph, others }: GitHistory): CommitIndex | 'unreached' | 'unknown' {
  if (!isCommitId(id)) return 'unknown'
  const whole = graph.indexOf(id)
  if (whole !== undefined) return whole
  const other = others.get(id)
  if (other?.kind === 'ambiguous') return 'unknown'
  const byPrefix = isWhole(id) ? [] : commitsBeginning(graph, id)
  const [only] = byPrefix
  if (byPrefix.length === 1 && only !== undefined) return only
  if (byPrefix.length > 1 || other?.kind !== 'unreached') return 'unknown'
  // An annotated tag's own id leads to a commit that references do reach.
  return graph.indexOf(other.id) ?? 'unreached'
}

function isWhole(id: string): boolean {
  return id.length === 40 || id.length === 64
}

/** At most two: one is an answer, two are a doubt. */
function commitsBeginning(graph: CommitGraph, prefix: string): readonly CommitIndex[] {
  const sorted = sortedIds(graph)
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (graph.idOf(sorted[middle] ?? 0) < prefix) low = middle + 1
    else high = middle
  }
  const found: CommitIndex[] = []
  for (let at = low; at < Math.min(low + 2, sorted.length); at++) {
    const commit = sorted[at] ?? 0
    if (graph.idOf(commit).startsWith(prefix)) found.push(commit)
  }
  return found
}

/** Made when the first short id is met; most repositories have none. */
function sortedIds(graph: CommitGraph): Int32Array {
  const known = sortedOf.get(graph)
  if (known !== undefined) return known
  const sorted = Int32Array.from({ length: graph.size }, (_, commit) => commit)
  sorted.sort((a, b) => (graph.idOf(a) < graph.idOf(b) ? -1 : 1))
  sortedOf.set(graph, sorted)
  return sorted
}

const sortedOf = new WeakMap<CommitGraph, Int32Array>()
