/**
 * One rule over the rows of one repository.
 *
 * The result holds, for every row, what the rule says of it, and can put the reason into words when asked: a plan of a
 * million images asks for few of them.
 */
import { keepByGit } from '../git/keep-by-git.ts'
import type { Reason, ReasonKind } from './reason.ts'
import { matchesAny, matchesBlock, stateOf } from './match.ts'
import type { DeleteCriterion, DeleteEffect, KeepCriterion, KeepEffect, MatchBlock, Rule } from './policy.ts'
import type { Row, RowContext } from './rows.ts'
import { formatAge, formatDuration, isOlderThan, isWithin } from './rules/ages.ts'
import { keptInCalendar } from './rules/buckets.ts'
import { bestPlaces, ordinal, type Place } from './rules/newest.ts'
import { clockOf, orderOf, streamsOf, type Streams } from './streams.ts'
import { readClock } from './clocks.ts'
import type { InstantMs } from '../inventory/inventory.ts'

/**
 * no-match: the rule does not reach the row · reached: it does, and decides nothing (a keep rule then says nothing, a
 * delete rule spares the row from `unmatched`) · decides: a keep rule keeps it, a delete rule takes it.
 */
export type RuleSays = 'no-match' | 'reached' | 'decides'

export interface RuleResult {
  readonly rule: Rule
  says(position: number): RuleSays
  /** Why it decides, or why it does not although it reaches the row; undefined where it does not reach it. */
  reason(position: number): Reason | undefined
}

/** One criterion's answer: whether it holds for a row, and how to say so. */
interface Answer {
  holds(position: number): boolean
  text(position: number): string
  kind(position: number): ReasonKind
}

/**
 * Evaluates a rule.
 *
 * @param taken for `countAmong: remaining`: rows that other delete rules take
 */
export function evaluateRule(
  rule: Rule,
  rows: readonly Row[],
  context: RowContext,
  taken: (position: number) => boolean = () => false,
): RuleResult {
  const matched: number[] = []
  rows.forEach((row, position) => {
    if (isReached(rule, row, context)) matched.push(position)
  })
  const { effect } = rule
  const scope: Scope = { rule, rows, context, matched }
  const answers =
    effect.kind === 'keep'
      ? effect.criteria.map((criterion) => keepAnswer(criterion, effect, scope))
      : deleteAnswers(effect, scope, taken)
  const says = new Uint8Array(rows.length)
  for (const position of matched) {
    const row = rows[position]
    const isExcepted =
      rule.except.length > 0 && row !== undefined && matchesAny(rule.except, row, context, false)
    says[position] = !isExcepted && combined(effect.combine, answers, position) ? 2 : 1
  }
  const told = new Map<string, Reason>()
  return {
    rule,
    says: (position) => (says[position] === 2 ? 'decides' : says[position] === 1 ? 'reached' : 'no-match'),
    reason: (position) =>
      says[position] === 0
        ? undefined
        : shared(told, reasonOf(rule, answers, position, says[position] === 2)),
  }
}

/** Many rows have the same reason in the same words; they share one value. */
function shared(told: Map<string, Reason>, reason: Reason): Reason {
  const known = told.get(reason.text)
  if (known?.kind === reason.kind) return known
  told.set(reason.text, reason)
  return reason
}

interface Scope {
  readonly rule: Rule
  readonly rows: readonly Row[]
  readonly context: RowContext
  readonly matched: readonly number[]
}

function isReached(rule: Rule, row: Row, context: RowContext): boolean {
  return (
    (rule.match.length === 0
      ? reaches(undefined, row, context)
      : rule.match.some((block) => reaches(block, row, context) && matchesBlock(block, row, context))) &&
    !matchesAny(rule.not, row, context, false)
  )
}

/**
 * Two kinds of rows are reached only by blocks that name them: an orphaned referrer by its state, so that a signature
 * never takes an image's place in a count; and under `unit: tag`, where rules speak of tags, an image without any.
 * What hangs on a manifest of another repository, and has no name of its own, is no image: no rule speaks of it.
 */
function reaches(block: MatchBlock | undefined, row: Row, context: RowContext): boolean {
  if (stateOf(row, context.graph) === 'orphaned-referrer') {
    return block?.state?.includes('orphaned-referrer') === true
  }
  if (row.tags.length === 0 && context.graph.hangsElsewhere(row.node)) return false
  return context.unit === 'image' || row.tags.length > 0 || block?.tagged === false
}

function combined(combine: 'any' | 'all', answers: readonly Answer[], position: number): boolean {
  return combine === 'all'
    ? answers.every((answer) => answer.holds(position))
    : answers.some((answer) => answer.holds(position))
}

function keepAnswer(criterion: KeepCriterion, effect: KeepEffect, scope: Scope): Answer {
  const { rows, context, rule, matched } = scope
  switch (criterion.kind) {
    case 'all':
      return always('kept-all', 'kept by rule')
    case 'newest': {
      const streams = streamsOf(rule, effect, rows, matched, context)
      const places = bestPlaces(streams)
      return {
        holds: (position) =>
          streams.unknown.has(position) || (places.get(position)?.rank ?? 0) <= criterion.count,
        kind: (position) => (streams.unknown.has(position) ? 'kept-order-unknown' : 'kept-newest'),
        text: (position) => placeText(places.get(position), criterion.count, orderOf(effect)),
      }
    }
    case 'git':
      return keepByGit(criterion, rows, matched, context.now, context.git)
    case 'within':
      return ageAnswer('kept-within', scope, (row) => readClock(row, clockOf(effect)), criterion.ms, true)
    case 'pulled-within':
      return ageAnswer('kept-pulled-within', scope, (row) => row.times.pulledAt, criterion.ms, true)
    case 'calendar': {
      const { kept, unknown } = keptInCalendar(rule, effect, criterion, rows, matched, context)
      return {
        holds: (position) => unknown.has(position) || kept.has(position),
        kind: (position) => (unknown.has(position) ? 'kept-order-unknown' : 'kept-calendar'),
        text: (position) =>
          kept.get(position) ?? (unknown.has(position) ? 'its time is unknown' : 'no calendar place'),
      }
    }
  }
}

function deleteAnswers(
  effect: DeleteEffect,
  scope: Scope,
  taken: (position: number) => boolean,
): readonly Answer[] {
  const ages = effect.criteria.map((criterion) =>
    criterion.kind === 'beyond-newest' ? undefined : deleteAge(criterion, effect, scope),
  )
  const others = ages.flatMap((answer) => answer ?? [])
  return effect.criteria.map((criterion, index) => {
    const age = ages[index]
    if (criterion.kind !== 'beyond-newest') return age ?? always('deleted-all', 'taken by rule')
    return beyondNewest(criterion.count, effect, scope, (position) => {
      switch (effect.countAmong) {
        case 'matched':
          return true
        case 'eligible':
          return (
            scope.rows[position]?.manifest.locked !== true && others.every((answer) => answer.holds(position))
          )
        case 'remaining':
          return !taken(position)
      }
    })
  })
}

function deleteAge(
  criterion: Exclude<DeleteCriterion, { readonly kind: 'beyond-newest' }>,
  effect: DeleteEffect,
  scope: Scope,
): Answer {
  switch (criterion.kind) {
    case 'all':
      return always('deleted-all', 'taken by rule')
    case 'older-than':
      return ageAnswer(
        'deleted-older-than',
        scope,
        (row) => readClock(row, clockOf(effect)),
        criterion.ms,
        false,
      )
    case 'not-pulled-for':
      return ageAnswer('deleted-not-pulled-for', scope, (row) => row.times.pulledAt, criterion.ms, false)
  }
}

function beyondNewest(
  count: number,
  effect: DeleteEffect,
  scope: Scope,
  counts: (position: number) => boolean,
): Answer {
  const pool = scope.matched.filter(counts)
  const streams = streamsOf(scope.rule, effect, scope.rows, pool, scope.context)
  const untold = whyNotOnePage(effect.onePageOf, streams, scope.context)
  if (untold !== undefined) return never('deleted-beyond-newest', untold)
  const places = bestPlaces(streams)
  return {
    // A row outside the pool has no place, so it is not beyond the last one either.
    holds: (position) => (places.get(position)?.rank ?? 0) > count,
    kind: () => 'deleted-beyond-newest',
    text: (position) =>
      places.has(position) || streams.unknown.has(position)
        ? placeText(places.get(position), count, orderOf(effect))
        : 'not among those counted',
  }
}

/**
 * Why it cannot be told what a system deletes that counts page by page: where a page ends is its own affair, and what
 * has no place here has one there. Undefined where it can be told.
 */
function whyNotOnePage(
  tagsMax: number | undefined,
  { unknown }: Streams,
  { graph }: RowContext,
): string | undefined {
  if (tagsMax === undefined) return undefined
  const tags = graph.manifests.reduce((total, manifest) => total + manifest.tags.length, 0)
  if (tags > tagsMax) return `the repository has ${tags} tags, more than one page of ${tagsMax}`
  return unknown.size > 0 ? `${unknown.size} of those to count have no known place` : undefined
}

function never(kind: ReasonKind, text: string): Answer {
  return { holds: () => false, kind: () => kind, text: () => text }
}

function always(kind: ReasonKind, text: string): Answer {
  return { holds: () => true, kind: () => kind, text: () => text }
}

function ageAnswer(
  kind: ReasonKind,
  { rows, context }: Scope,
  timeOf: (row: Row) => InstantMs | undefined,
  ms: number,
  isKeep: boolean,
): Answer {
  const { now } = context
  const time = (position: number): InstantMs | undefined => {
    const row = rows[position]
    return row === undefined ? undefined : timeOf(row)
  }
  return {
    holds: (position) => (isKeep ? isWithin(time(position), ms, now) : isOlderThan(time(position), ms, now)),
    kind: (position) => (isKeep && time(position) === undefined ? 'kept-order-unknown' : kind),
    text: (position) => ageText(time(position), ms, now),
  }
}

function ageText(at: InstantMs | undefined, ms: number, now: InstantMs): string {
  if (at === undefined) return 'its time is unknown'
  const age = now - at
  const limit = formatDuration(ms)
  if (age > ms) return `${formatAge(age)} old, past ${limit}`
  return age === ms ? `exactly ${limit} old` : `${formatAge(age)} old, within ${limit}`
}

function placeText(place: Place | undefined, count: number, by: string): string {
  if (place === undefined) return `its place by ${by} is unknown`
  const stream = place.stream === '' ? '' : ` in ${place.stream}`
  return `${ordinal(place.rank)} newest of ${place.of} by ${by}${stream}, ${count} kept`
}

function reasonOf(rule: Rule, answers: readonly Answer[], position: number, decides: boolean): Reason {
  const told = decides && answers.length > 1 ? answers.filter((answer) => answer.holds(position)) : answers
  const [first] = told
  const text =
    told.length === 1
      ? (first?.text(position) ?? '')
      : told.map((answer) => answer.text(position)).join(rule.effect.combine === 'all' ? ' and ' : ' or ')
  const kind = decides ? (first?.kind(position) ?? 'spared') : 'spared'
  return { kind, text: `${text} (${rule.name})`, rule: rule.name, line: rule.line }
}
