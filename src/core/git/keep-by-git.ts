/**
 * `keep: git`: which images of a repository were built from commits that branches, tags or pull requests still need.
 *
 * Counting is werf's, where it is sound: on each reference the commits that have images are taken newest first by
 * committer date; an image that was built from several of them counts at the newest; all images of a counted commit stay.
 * What Git cannot answer keeps: an image linked to a commit that the repository does not have, and every image of a
 * repository of which no link leads anywhere.
 */
import type { InstantMs } from '../inventory/inventory.ts'
import type { GitCriterion } from '../policy/policy.ts'
import type { ReasonKind } from '../policy/reason.ts'
import type { Row } from '../policy/rows.ts'
import { isWithin } from '../policy/rules/ages.ts'
import type { CommitIndex } from './commit-graph.ts'
import type { GitHistory } from './git-history.ts'
import type { GitPath, GitQuestion } from './git-question.ts'
import { pathText, unknownText, whyNotText } from './git-text.ts'
import type { GitLookUp, GitView } from './git-view.ts'
import { linkedStreams, type LinkedStreams } from './linked-streams.ts'
import { firstReaching } from './reach.ts'
import { resolveLinks, type ResolvedLinks } from './resolve-links.ts'
import { holds, selectReferences } from './select-references.ts'

/** What Git says of each row of a repository. */
export interface GitKeeps {
  holds(position: number): boolean
  kind(position: number): ReasonKind
  text(position: number): string
}

/** Evaluates the criterion on the rows of one repository of images that a rule matches. */
export function keepByGit(
  criterion: GitCriterion,
  rows: readonly Row[],
  matched: readonly number[],
  now: InstantMs,
  git: GitView | undefined,
): GitKeeps {
  const answer: GitLookUp = git?.lookUp(criterion.repository) ?? { kind: 'unknown', why: 'Git was not asked' }
  if (answer.kind === 'unknown') return allUnknown(answer.why)
  const { history, policy } = answer
  const links = rows.map((row) => resolveLinks(answer.linksOf(row.node), history))
  const why = whyUnanswered(links, history)
  if (why !== undefined) return allUnknown(why)
  const selected = selectReferences(history.references, criterion, now)
  const question: GitQuestion = { criterion, history, now, selected }
  const paths = pathsOf(question, links, matched)
  const isUnknown = (position: number): boolean =>
    policy.absentCommits === 'keep' && (links[position]?.unknown.length ?? 0) > 0
  return {
    holds: (position) => paths.has(position) || isUnknown(position),
    kind: (position) => (!paths.has(position) && isUnknown(position) ? 'kept-git-unknown' : 'kept-git'),
    text(position) {
      const path = paths.get(position)
      const linked = links[position] ?? nothing
      if (path !== undefined) return pathText(path, linked, question)
      return isUnknown(position) ? unknownText(linked, history) : whyNotText(linked, question)
    },
  }
}

const nothing: ResolvedLinks = { reached: [], unreached: [], unknown: [] }

function allUnknown(why: string): GitKeeps {
  return { holds: () => true, kind: () => 'kept-git-unknown', text: () => why }
}

/**
 * Losing every link at once is never read as "nothing is needed": records that were wiped, a label that a build stopped
 * writing, a rule that asks the wrong repository look just like it.
 */
function whyUnanswered(links: readonly ResolvedLinks[], { name }: GitHistory): string | undefined {
  const isLinked = ({ reached, unreached, unknown }: ResolvedLinks): boolean =>
    reached.length + unreached.length + unknown.length > 0
  if (!links.some(isLinked))
    return 'no image of this repository is linked to a commit, so Git cannot tell which are needed'
  if (links.some(({ reached }) => reached.length > 0)) return undefined
  return `no branch or tag of ${name} reaches a commit that an image of this repository is linked to`
}

/** For every row that the rule keeps, one way by which Git reaches it. */
function pathsOf(
  question: GitQuestion,
  links: readonly ResolvedLinks[],
  matched: readonly number[],
): ReadonlyMap<number, GitPath> {
  const paths = new Map<number, GitPath>()
  const { images } = question.criterion
  const counts = images.newest !== undefined && question.criterion.of !== 'tag'
  if (counts) for (const group of groupsOf(links, matched)) addNewest(question, group, paths)
  const alone = !counts || (images.withinMs !== undefined && images.combine === 'any')
  if (alone) addReached(question, links, matched, paths)
  return paths
}

/** Without a count one pass serves all images; a tag has one commit, which is the first of one. */
function addReached(
  { criterion, history, now, selected }: GitQuestion,
  links: readonly ResolvedLinks[],
  matched: readonly number[],
  paths: Map<number, GitPath>,
): void {
  const first = firstReaching(
    history.graph,
    selected.map(({ reference }) => reference),
  )
  const { images, of } = criterion
  const isNeeded = (commit: CommitIndex): boolean => {
    const at = history.graph.committedAtOf(commit)
    if (of === 'tag') return holds(images, 1, at, now)
    return images.withinMs === undefined || isWithin(at, images.withinMs, now)
  }
  for (const position of matched) {
    if (paths.has(position)) continue
    for (const { commit } of links[position]?.reached ?? []) {
      const by = selected[first[commit] ?? -1]
      if (by === undefined || !isNeeded(commit)) continue
      paths.set(position, { selected: by, commit, rank: undefined })
      break
    }
  }
}

/** Images that are counted together: those of one name, where records tell names, else all of the repository. */
type ImageGroup = ReadonlyMap<CommitIndex, readonly number[]>

function groupsOf(links: readonly ResolvedLinks[], matched: readonly number[]): readonly ImageGroup[] {
  const groups = new Map<string, Map<CommitIndex, number[]>>()
  for (const position of matched) {
    for (const { link, commit } of links[position]?.reached ?? []) {
      const name = link.imageName ?? ''
      const group = groups.get(name) ?? new Map<CommitIndex, number[]>()
      groups.set(name, group)
      const positions = group.get(commit)
      if (positions === undefined) group.set(commit, [position])
      else positions.push(position)
    }
  }
  return [...groups.values()]
}

function addNewest(question: GitQuestion, group: ImageGroup, paths: Map<number, GitPath>): void {
  const streams = streamsOf(question.history, group)
  // Thousands of heads that nobody built from begin at the same commit with images.
  const asked = new Set<number>()
  for (const selected of question.selected) {
    const start = streams.of(selected.reference.commit)
    if (asked.has(start)) continue
    asked.add(start)
    for (const { commit, rank, positions } of countedFrom(streams, start, group)) {
      if (!isCounted(question, commit, rank)) break
      for (const position of positions) {
        if (!paths.has(position)) paths.set(position, { selected, commit, rank })
      }
    }
  }
}

/** Both halves fall with the rank: commits come newest first. Under `any` the time is looked at elsewhere. */
function isCounted(
  { criterion: { images }, history, now }: GitQuestion,
  commit: CommitIndex,
  rank: number,
): boolean {
  if (rank > (images.newest ?? Infinity)) return false
  if (images.withinMs === undefined || images.combine === 'any') return true
  return isWithin(history.graph.committedAtOf(commit), images.withinMs, now)
}

function streamsOf({ graph }: GitHistory, group: ImageGroup): LinkedStreams {
  return linkedStreams(
    graph,
    (commit) => group.has(commit),
    (newer, older) => {
      const seen = group.get(newer) ?? []
      return (group.get(older) ?? []).every((position) => seen.includes(position))
    },
  )
}

interface CountedCommit {
  readonly commit: CommitIndex
  readonly rank: number
  /** Images that have no newer commit on this reference. */
  readonly positions: readonly number[]
}

/** The commits that count on one reference, newest first: those that are the newest of some image. */
function* countedFrom(streams: LinkedStreams, start: number, group: ImageGroup): Generator<CountedCommit> {
  const seen = new Set<number>()
  let rank = 0
  for (let node = start; node >= 0; node = streams.after(node)) {
    const commit = streams.commitAt(node)
    const positions = (group.get(commit) ?? []).filter((position) => !seen.has(position))
    if (positions.length === 0) continue
    for (const position of positions) seen.add(position)
    rank += 1
    yield { commit, rank, positions }
  }
}
