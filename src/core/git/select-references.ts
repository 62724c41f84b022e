/**
 * Which branches, tags or pull requests a rule speaks of: those whose name matches, and of them the newest, or those
 * within a time, or both.
 *
 * The two halves of a limit are each computed over all that match, then intersected (`all`) or united (`any`). A half that
 * is not written is no half: with one alone, that one decides. (werf reads a missing half as "all", so that its `Or` with
 * one of them is no limit; whoever moves in is told.)
 */
import { isWithin } from '../policy/rules/ages.ts'
import { compareText } from '../policy/rows.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { GitCriterion, GitLimit } from '../policy/policy.ts'
import type { GitReference } from './git-history.ts'

export interface SelectedReference {
  readonly reference: GitReference
  /** Among those that match by name, by date; 1 is the newest. */
  readonly rank: number
  readonly of: number
}

/** The references that count for a rule, newest first. */
export function selectReferences(
  references: readonly GitReference[],
  criterion: GitCriterion,
  now: InstantMs,
): readonly SelectedReference[] {
  return rankReferences(references, criterion, now).filter(({ reference, rank }) =>
    holds(criterion.references, rank, reference.datedAt, now),
  )
}

/** All that match by name, limits aside, newest first; those of one time by name. */
export function rankReferences(
  references: readonly GitReference[],
  criterion: GitCriterion,
  now: InstantMs,
): readonly SelectedReference[] {
  const matching = references
    .filter((reference) => reference.kind === criterion.of && criterion.pattern.matches(reference.name))
    .filter(({ closedAt }) => closedAt === undefined || isWithin(closedAt, criterion.graceMs, now))
    .toSorted((a, b) => b.datedAt - a.datedAt || compareText(a.name, b.name))
  // A pull request may be there twice, with the commit that merges it beside its head; it takes one place.
  const places = new Map<string, number>()
  for (const { name } of matching) if (!places.has(name)) places.set(name, places.size + 1)
  return matching.map((reference) => ({
    reference,
    rank: places.get(reference.name) ?? 0,
    of: places.size,
  }))
}

/** Whether what has this rank and this date is within a limit. */
export function holds(limit: GitLimit, rank: number, at: InstantMs, now: InstantMs): boolean {
  const { newest, withinMs } = limit
  if (newest === undefined) return withinMs === undefined || isWithin(at, withinMs, now)
  if (withinMs === undefined) return rank <= newest
  const isNewest = rank <= newest
  const isRecent = isWithin(at, withinMs, now)
  return limit.combine === 'all' ? isNewest && isRecent : isNewest || isRecent
}
