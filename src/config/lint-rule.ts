/** Lint of one rule: whether it can match, whether it does anything, and which of its keys have no effect. */
import { calendarKeys, capturesOf, deleteCriteria, keepCriteria } from './checks-policy.ts'
import { listOf } from './fields.ts'
import { lintTagPatterns } from './lint-patterns.ts'
import type { Report } from './report.ts'
import { durationMs } from './resolving.ts'
import type { WrittenDelete, WrittenKeep, WrittenMatch, WrittenRule } from './schema-policy.ts'
import { compileStreamTemplate } from '../core/policy/compile-stream-template.ts'
import { versionPartNames } from '../core/policy/version.ts'
import type { Path } from './yaml-source.ts'

export function lintRule(rule: WrittenRule, path: Path, report: Report): void {
  for (const side of ['match', 'not', 'except'] as const) lintSide(rule, side, path, report)
  if (rule.keep) lintKeep(rule.keep, [...path, 'keep'], report)
  if (rule.delete) lintDelete(rule, rule.delete, [...path, 'delete'], report)
  const effect = rule.keep ?? rule.delete
  if (effect) lintCounting(rule, effect, [...path, rule.keep ? 'keep' : 'delete'], report)
}

function lintSide(rule: WrittenRule, side: 'match' | 'not' | 'except', path: Path, report: Report): void {
  const written = rule[side]
  listOf(written).forEach((block, index) => {
    const at = Array.isArray(written) ? [...path, side, index] : [...path, side]
    if (side !== 'match' && Object.keys(block).length === 0) {
      report(
        at,
        `An empty \`${side}\` takes every image out: this rule never does anything.`,
        'Leave it out.',
        true,
      )
    }
    const states = listOf(block.state)
    if (side !== 'match' && states.includes('orphaned-referrer')) {
      const hint = 'Only a delete rule with `match: {state: orphaned-referrer}` ever reaches one.'
      report([...at, 'state'], 'Orphaned referrers need no taking out.', hint)
    } else if (rule.keep && states.includes('orphaned-referrer')) {
      const hint = 'Only a delete rule that names this state reaches one; without such a rule they stay.'
      report([...at, 'state'], 'Orphaned referrers need no rule that keeps them.', hint)
    }
    lintBlock(block, at, report)
  })
}

function lintBlock(block: WrittenMatch, path: Path, report: Report): void {
  for (const key of ['tags', 'tagsAll', 'tagsEvery'] as const) {
    const patterns = block[key]
    if (patterns !== undefined) lintTagPatterns(patterns, [...path, key], report)
  }
  if (block.tagged !== false) return
  for (const key of ['tags', 'tagsEvery', 'semver'] as const) {
    if (block[key] === undefined) continue
    report(
      [...path, key],
      'This can never match: an image without tags has none to look at.',
      'Take out this or `tagged: false`.',
      true,
    )
  }
}

function lintKeep(keep: WrittenKeep, path: Path, report: Report): void {
  const durations = [keep.within, keep.pulledWithin].filter((each) => each !== undefined)
  const calendar = calendarKeys.map((key) => keep[key]).filter((each) => each !== undefined)
  const empty = [
    ...(keep.newest === undefined ? [] : [keep.newest === 0]),
    ...durations.map((written) => durationMs(written) === 0),
    ...(calendar.length === 0 ? [] : [calendar.every((each) => each === 0)]),
  ]
  const hasMore = keep.all !== undefined || keep.git !== undefined
  const keepsNothing =
    keep.combine === 'all' ? empty.some(Boolean) : !hasMore && empty.length > 0 && empty.every(Boolean)
  if (keepsNothing) {
    report(path, 'This rule keeps nothing.', 'Raise the number or duration, or take the rule out.', true)
  }
  if (keep.timezone !== undefined && calendar.length === 0) {
    report([...path, 'timezone'], 'A time zone matters only to the calendar keys.', 'Take it out.', true)
  }
  lintAll(keep, [...keepCriteria, ...calendarKeys], path, report)
}

function lintDelete(rule: WrittenRule, written: WrittenDelete, path: Path, report: Report): void {
  if (written.all && rule.match === undefined && rule.not === undefined && rule.except === undefined) {
    report(
      [...path, 'all'],
      'This deletes every image that no rule keeps and nothing protects.',
      'Narrow the rule with `match:`.',
    )
  }
  for (const key of ['countAmong', 'onePageOf'] as const) {
    if (written[key] === undefined || written.beyondNewest !== undefined) continue
    report([...path, key], `\`${key}\` matters only to \`beyondNewest\`.`, 'Take it out.', true)
  }
  lintAll(written, deleteCriteria, path, report)
}

function lintAll(
  written: WrittenKeep | WrittenDelete,
  criteria: readonly string[],
  path: Path,
  report: Report,
): void {
  const others = criteria.filter((key) => key !== 'all' && Object.hasOwn(written, key))
  if (!written.all || others.length === 0) return
  const message =
    written.combine === 'all'
      ? '`all: true` adds nothing to criteria that must all hold.'
      : `With \`all: true\`, \`${others.join('`, `')}\` has no effect.`
  report([...path, 'all'], message, 'Take out one or the other.', true)
}

function lintCounting(
  rule: WrittenRule,
  written: WrittenKeep | WrittenDelete,
  path: Path,
  report: Report,
): void {
  const counts = ['newest', 'beyondNewest', ...calendarKeys].some((key) => Object.hasOwn(written, key))
  const isOrder = written.by === 'semver' || written.by === 'name'
  for (const key of ['per', 'count', 'countBy', ...(isOrder ? ['by'] : [])]) {
    if (counts || !Object.hasOwn(written, key)) continue
    report(
      [...path, key],
      `\`${key}\` matters only to counts, and this rule counts nothing.`,
      'Take it out.',
      true,
    )
  }
  if (isOrder && calendarKeys.some((key) => Object.hasOwn(written, key))) {
    report(
      [...path, 'by'],
      'Calendar keys need times, and this is no time.',
      'Order by a time, such as pushed or created.',
    )
  }
  if (written.per === undefined) return
  const captures = compileStreamTemplate(written.per).parts.flatMap((part) =>
    typeof part === 'string' ? [] : [part.capture],
  )
  const own = captures.filter((capture) => !versionPartNames.includes(capture))
  for (const block of listOf(rule.match)) {
    const known = capturesOf(block)
    const missing = own.find((capture) => !known.includes(capture))
    if (missing === undefined) continue
    const message = `One of the match blocks captures no "${missing}": its images belong to no stream, and none of them is counted.`
    report([...path, 'per'], message, 'Capture it in every block.')
  }
}
