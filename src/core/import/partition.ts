/**
 * Rules that each speak of some repositories, as policies: in Winnow the first policy that matches a repository governs
 * it, and rules of others have no say. So repositories are parted by which of the conditions hold for them.
 *
 * A condition is a pattern, or the absence of one. For every set of patterns that can hold together there is a policy;
 * it names one of the set, takes out what the others name, and stands before the larger sets. A repository for which
 * exactly these patterns hold matches it, and no policy before it. Sets that certainly no repository has (with a pattern,
 * and without one that holds wherever it does) have no policy.
 */
import { compileRepositoryPatterns } from '../policy/compile-patterns.ts'

export interface Condition {
  /** A pattern on repositories. */
  readonly pattern: string
  /** It must not hold. */
  readonly isNegated: boolean
}

export interface Part {
  readonly repositories: readonly string[]
  /** For each rule, whether it speaks of these repositories. */
  readonly holds: (conditions: readonly Condition[]) => boolean
}

/** More policies than this help nobody. */
const partsMax = 200

/**
 * Parts repositories by the conditions of rules; the most special parts come last.
 *
 * @returns undefined when there would be too many parts
 */
export function partRepositories(rules: readonly (readonly Condition[])[]): readonly Part[] | undefined {
  const patterns = [...new Set(rules.flatMap((conditions) => conditions.map(({ pattern }) => pattern)))]
  // Names come first: a policy that is for one repository is read more easily under its name.
  const special = patterns
    .filter((pattern) => pattern !== '**')
    .toSorted((a, b) => Number(isLiteral(b)) - Number(isLiteral(a)))
  const sets = possibleSets(special)
  if (sets === undefined) return undefined
  const always = patterns.includes('**') ? ['**'] : []
  const parts = sets.map((set) => partOf(set, special, always))
  const spoken = parts.map((part) => rules.some((conditions) => part.holds(conditions)))
  // A part that nobody speaks of is needed only where a later one would catch its repositories.
  return parts.filter((part, index) => {
    const first = part.repositories[0]
    const isCaught = parts.some(
      (other, at) => at > index && spoken[at] === true && other.repositories[0] === first,
    )
    return spoken[index] === true || isCaught
  })
}

function partOf(set: readonly string[], special: readonly string[], always: readonly string[]): Part {
  const [first = '**'] = set
  const out = special.filter((pattern) => !set.includes(pattern) && canMeet(first, pattern))
  const inSet = new Set([...set, ...always])
  return {
    repositories: [first, ...out.map((pattern) => `!${pattern}`)],
    holds: (conditions) => conditions.every(({ pattern, isNegated }) => inSet.has(pattern) !== isNegated),
  }
}

/** Sets of patterns that some repository may match all of, the empty one included, smallest first. */
function possibleSets(patterns: readonly string[]): readonly (readonly string[])[] | undefined {
  let sets: (readonly string[])[] = [[]]
  for (const pattern of patterns) {
    const grown = sets
      .filter((set) => set.every((other) => canMeet(other, pattern)))
      .map((set) => [...set, pattern])
    sets = [...sets, ...grown]
    if (sets.length > partsMax) return undefined
  }
  const implied = new Map(
    patterns.map((pattern) => [
      pattern,
      patterns.filter((other) => other !== pattern && covers(other, pattern)),
    ]),
  )
  return sets
    .filter((set) =>
      set.every((pattern) => implied.get(pattern)?.every((other) => set.includes(other)) === true),
    )
    .toSorted((a, b) => a.length - b.length)
}

/** True only where it is certain that `wide` matches every name of a repository that `narrow` matches. */
function covers(wide: string, narrow: string): boolean {
  if (isLiteral(wide)) return wide === narrow
  if (isLiteral(narrow)) return compileRepositoryPatterns([wide]).matches(narrow)
  const below = folderOf(wide) ?? belowOf(wide)
  if (below === undefined) return false
  return folderOf(narrow) === below
    ? folderOf(wide) !== undefined
    : literalStart(narrow).startsWith(`${below}/`)
}

/** False only where it is certain that no name matches both patterns on repositories. */
export function canMeet(a: string, b: string): boolean {
  if (isLiteral(a) && isLiteral(b)) return a === b
  if (isLiteral(a)) return compileRepositoryPatterns([b]).matches(a)
  if (isLiteral(b)) return compileRepositoryPatterns([a]).matches(b)
  if (a.startsWith('/') || b.startsWith('/')) return true
  if (partBySegments(a, b)) return false
  const [folder, otherFolder] = [folderOf(a), folderOf(b)]
  if (folder !== undefined && otherFolder !== undefined)
    return `${folder}/`.startsWith(`${otherFolder}/`) || `${otherFolder}/`.startsWith(`${folder}/`)
  const [one, other] = [literalStart(a), literalStart(b)]
  return one.startsWith(other) || other.startsWith(one)
}

function isLiteral(pattern: string): boolean {
  return !/[*?[{\\]/.test(pattern) && !pattern.startsWith('/')
}

/** `team/app` of `team/app{,/**}`, which is that repository and all below it. */
function folderOf(pattern: string): string | undefined {
  return /^([^*?[{\\/][^*?[{\\]*)\{,\/\*\*\}$/.exec(pattern)?.[1]
}

/** `team` of `team/**`, which is all below it. */
function belowOf(pattern: string): string | undefined {
  return /^([^*?[{\\/][^*?[{\\]*)\/\*\*$/.exec(pattern)?.[1]
}

/** Whether the segments of two globs tell that no name has both: how many there are, and what they are up to a `**`. */
function partBySegments(a: string, b: string): boolean {
  if (/[[{\\]/.test(a + b)) return false
  const [one, other] = [a.split('/'), b.split('/')]
  return (
    hasTooMany(one, other) ||
    hasTooMany(other, one) ||
    differAtStart(one, other) ||
    differAtStart(one.toReversed(), other.toReversed())
  )
}

/** Whether one glob asks for more segments than the other has. */
function hasTooMany(one: readonly string[], other: readonly string[]): boolean {
  const least = one.filter((segment) => segment !== '**').length
  return other.every((segment) => !segment.includes('**')) && least > other.length
}

function differAtStart(one: readonly string[], other: readonly string[]): boolean {
  for (const [at, segment] of one.entries()) {
    const against = other[at]
    if (against === undefined || segment.includes('**') || against.includes('**')) return false
    if (!segmentsMeet(segment, against)) return true
  }
  return false
}

function segmentsMeet(a: string, b: string): boolean {
  if (isLiteral(a) && isLiteral(b)) return a === b
  if (isLiteral(b)) return segmentsMeet(b, a)
  // A "!" at the beginning would take out; behind a letter it is itself.
  if (isLiteral(a)) return compileRepositoryPatterns([`x${b}`]).matches(`x${a}`)
  const [one, other] = [literalStart(a), literalStart(b)]
  return one.startsWith(other) || other.startsWith(one)
}

function literalStart(pattern: string): string {
  return /^[^*?[{\\]*/.exec(pattern)?.[0] ?? ''
}
