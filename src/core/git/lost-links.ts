/**
 * Doubts a history that lost what images hang on: a rewritten branch, a repository that was made anew, a mirror that
 * stopped half-way. All of them look like "nothing is needed any more"; only a person can tell them apart.
 *
 * A branch that was deleted takes its commits along, and that is what deleting it means; so they count only when much goes
 * at once. Commits that a reference of the same name reached last time, and does not now, were rewritten away.
 */

/** Which linked commits the references of a Git repository reach. */
export interface LinkedCommits {
  /** Full ids of linked commits that are reached, with the reference that was found first, `branch main`. */
  readonly reached: ReadonlyMap<string, string>
  /** All linked commits of images that exist now, as full ids where those are known. */
  readonly linked: ReadonlySet<string>
  /** Every reference there is now, `branch main`. */
  readonly references: ReadonlySet<string>
  /** A larger share lost at once is a doubt; 0 to 1. */
  readonly maxLostShare: number
}

/** Deleted branches are a doubt only when more commits than this went with them. */
const goneCountMax = 20

/**
 * What is to be accepted before such a history is believed; undefined when nothing is wrong with it.
 *
 * @param before what was reached last time
 */
export function lostLinks(before: ReadonlyMap<string, string>, now: LinkedCommits): string | undefined {
  const still = [...before].filter(([commit]) => now.linked.has(commit))
  const lost = still.filter(([commit]) => !now.reached.has(commit))
  if (lost.length === 0) return undefined
  const rewritten = lost.filter(([, reference]) => now.references.has(reference))
  const isLargerThan = (count: number): boolean => count > still.length * now.maxLostShare
  const [, name] = rewritten[0] ?? []
  if (isLargerThan(rewritten.length))
    return `${lostText(rewritten.length, still.length)}, because ${String(name)} was rewritten`
  const isEverything = lost.length === still.length && now.reached.size === 0
  if (isEverything || (lost.length > goneCountMax && isLargerThan(lost.length)))
    return `${lostText(lost.length, still.length)}, because branches or tags are gone`
  return undefined
}

function lostText(lost: number, of: number): string {
  return `${lost} of ${of} commits that images are linked to are reached by no branch or tag any more`
}
