/** What each rule says of each row of a repository (DESIGN section 3), counting by sorting the whole list every time. */
import { bucket, durationMs, type CalendarName, type Clocks } from './oracle-clock.ts'
import {
  compareVersions,
  matchedTags,
  matchesFields,
  reaches,
  readVersion,
  streamOf,
  type Row,
} from './oracle-match.ts'
import { blocksOf, type WorldBlock, type WorldCounting, type WorldKeep, type WorldRule } from './world.ts'

export interface RatedRow extends Row {
  readonly clocks: Clocks
  readonly isLocked: boolean
  /** All tags of the repository, attached ones too. */
  readonly tagsInRepository: number
}

export interface RowVerdict {
  readonly keptBy: string | undefined
  readonly takenBy: readonly string[]
  readonly isReachedByDelete: boolean
}

const everything: readonly WorldBlock[] = [{}]
const calendars: readonly CalendarName[] = ['hourly', 'daily', 'weekly', 'monthly', 'yearly']

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Rows that the rule speaks of: `match` without `not`. */
function matched(rule: WorldRule, rows: readonly RatedRow[]): RatedRow[] {
  const blocks = blocksOf(rule.match) ?? everything
  const not = blocksOf(rule.not) ?? []
  return rows.filter(
    (row) => blocks.some((block) => reaches(block, row)) && !not.some((block) => matchesFields(block, row)),
  )
}

function isExcepted(rule: WorldRule, row: RatedRow): boolean {
  return (blocksOf(rule.except) ?? []).some((block) => matchesFields(block, row))
}

/** One row in one stream, with what it is ordered by there. */
interface Place {
  readonly row: RatedRow
  readonly stream: string
  readonly value: { readonly compare: (other: Place) => number; readonly raw: unknown } | undefined
}

function clockBy(counting: WorldCounting, row: RatedRow): number | undefined {
  const by = counting.by ?? 'pushed'
  return row.clocks[by === 'semver' || by === 'name' ? 'pushed' : by]
}

function placesOf(rule: WorldRule, counting: WorldCounting, row: RatedRow): Place[] {
  const blocks = (blocksOf(rule.match) ?? everything).filter((block) => reaches(block, row))
  const tags = blocks.flatMap((block) =>
    matchedTags(block, row).map((tag) => ({
      tag,
      stream: counting.per === undefined ? '' : streamOf(counting.per, block, tag),
    })),
  )
  const streams =
    counting.per === undefined
      ? ['']
      : [...new Set(tags.map(({ stream }) => stream).filter((stream) => stream !== undefined))]
  return streams.map((stream) => {
    const inStream = tags.filter((one) => one.stream === stream).map(({ tag }) => tag)
    return { row, stream, value: valueOf(counting, row, inStream) }
  })
}

function valueOf(counting: WorldCounting, row: RatedRow, tags: readonly string[]): Place['value'] {
  const order = counting.countBy ?? counting.by
  if (order === 'semver') {
    const versions = tags.map(readVersion).filter((version) => version !== undefined)
    const best = versions.toSorted(compareVersions).at(-1)
    if (!best) return undefined
    return { raw: best, compare: (other) => compareVersions(best, other.value?.raw as typeof best) }
  }
  if (order === 'name') {
    const best = tags.toSorted(compareTexts).at(-1)
    if (best === undefined) return undefined
    return { raw: best, compare: (other) => compareTexts(best, other.value?.raw as string) }
  }
  const at = clockBy({ by: order ?? 'pushed' }, row)
  if (at === undefined) return undefined
  return { raw: at, compare: (other) => at - (other.value?.raw as number) }
}

function newestFirst(a: Place, b: Place): number {
  return (
    (b.value?.compare(a) ?? 0) ||
    compareTexts(a.row.digest, b.row.digest) ||
    compareTexts(a.row.tags[0] ?? '', b.row.tags[0] ?? '')
  )
}

interface Streams {
  /** What has a place in no stream. */
  readonly unknown: ReadonlySet<RatedRow>
  /** Each stream, newest first; rows that share a place stand together. */
  readonly streams: readonly (readonly (readonly Place[])[])[]
}

function order(
  rule: WorldRule,
  counting: WorldCounting,
  unit: 'image' | 'tag',
  rows: readonly RatedRow[],
): Streams {
  const placed = rows.map((row) => ({ row, places: placesOf(rule, counting, row) }))
  const unknown = new Set(
    placed.filter(({ places }) => places.every((place) => place.value === undefined)).map(({ row }) => row),
  )
  const places = placed.flatMap((one) => one.places).filter((place) => place.value !== undefined)
  const names = [...new Set(places.map(({ stream }) => stream))]
  const streams = names.map((name) => {
    const sorted = places.filter(({ stream }) => stream === name).toSorted(newestFirst)
    if (unit === 'tag' && counting.count !== 'images') return sorted.map((place) => [place])
    const digests = [...new Set(sorted.map(({ row }) => row.digest))]
    return digests.map((digest) => sorted.filter(({ row }) => row.digest === digest))
  })
  return { unknown, streams }
}

/** Rows among the first `count` of some stream. */
function amongNewest({ streams }: Streams, count: number): Set<RatedRow> {
  return new Set(streams.flatMap((stream) => stream.slice(0, count).flat()).map(({ row }) => row))
}

/** As restic's ApplyPolicy: the newest of each bucket, and the very oldest while places are left. */
function inCalendar({ streams }: Streams, keep: WorldKeep): Set<RatedRow> {
  const kept = new Set<RatedRow>()
  for (const calendar of calendars) {
    for (const stream of streams) {
      let places = keep[calendar] ?? 0
      let last: string | undefined
      stream.forEach((shared, i) => {
        const first = shared[0]
        const at = first === undefined ? undefined : clockBy(keep, first.row)
        if (places === 0 || at === undefined) return
        const name = bucket(calendar, at, keep.timezone ?? 'UTC')
        if (name === last && i !== stream.length - 1) return
        shared.forEach(({ row }) => kept.add(row))
        last = name
        places--
      })
    }
  }
  return kept
}

function keptByRule(
  rule: WorldRule,
  keep: WorldKeep,
  unit: 'image' | 'tag',
  rows: readonly RatedRow[],
  now: number,
): Set<RatedRow> {
  const candidates = matched(rule, rows)
  const ordered = order(rule, keep, unit, candidates)
  const newest = keep.newest === undefined ? undefined : amongNewest(ordered, keep.newest)
  const hasCalendar = calendars.some((calendar) => keep[calendar] !== undefined)
  // Buckets are of time: where the order is of versions or names, they go by the push.
  const wanted = keep.countBy ?? keep.by ?? 'pushed'
  const clock = wanted === 'semver' || wanted === 'name' ? 'pushed' : wanted
  const byTime = { ...keep, by: clock, countBy: clock }
  const inTime = order(rule, byTime, unit, candidates)
  const calendar = hasCalendar ? inCalendar(inTime, byTime) : undefined
  const isWithin = (at: number | undefined, text: string): boolean =>
    at === undefined || now - at < durationMs(text)
  return new Set(
    candidates.filter((row) => {
      const isUnknown = ordered.unknown.has(row)
      const says = [
        keep.all && true,
        newest && (isUnknown || newest.has(row)),
        calendar && (inTime.unknown.has(row) || calendar.has(row)),
        keep.within !== undefined ? isWithin(clockBy(keep, row), keep.within) : undefined,
        keep.pulledWithin !== undefined ? isWithin(row.clocks.pulled, keep.pulledWithin) : undefined,
      ].filter((says) => says !== undefined)
      const isKept = keep.combine === 'any' ? says.some(Boolean) : says.every(Boolean)
      return isKept && !isExcepted(rule, row)
    }),
  )
}

/** Which rows a delete rule takes when `outOfPool` are not counted by `countAmong: remaining`. */
function takenByRule(
  rule: WorldRule,
  unit: 'image' | 'tag',
  rows: readonly RatedRow[],
  now: number,
  outOfPool: ReadonlySet<RatedRow>,
): Set<RatedRow> {
  const effect = rule.delete
  if (!effect) return new Set()
  const candidates = matched(rule, rows)
  const isPast = (at: number | undefined, text: string): boolean =>
    at !== undefined && now - at > durationMs(text)
  const othersSay = (row: RatedRow): boolean[] =>
    [
      effect.all && true,
      effect.olderThan !== undefined ? isPast(clockBy(effect, row), effect.olderThan) : undefined,
      effect.notPulledFor !== undefined ? isPast(row.clocks.pulled, effect.notPulledFor) : undefined,
    ].filter((says) => says !== undefined)
  const combined = (says: readonly boolean[]): boolean =>
    effect.combine === 'any' ? says.some(Boolean) : says.every(Boolean)
  const isEligible = (row: RatedRow): boolean => !row.isLocked && othersSay(row).every(Boolean)
  const pool = candidates.filter((row) => {
    if (effect.countAmong === 'eligible') return isEligible(row)
    return effect.countAmong === 'remaining' ? !outOfPool.has(row) : true
  })
  const isBeyond = beyond(rule, unit, pool)
  return new Set(
    candidates.filter((row) => {
      const says = [...othersSay(row), ...(effect.beyondNewest === undefined ? [] : [isBeyond(row)])]
      return says.length > 0 && combined(says) && !isExcepted(rule, row)
    }),
  )
}

function beyond(
  rule: WorldRule,
  unit: 'image' | 'tag',
  pool: readonly RatedRow[],
): (row: RatedRow) => boolean {
  const ordered = order(rule, rule.delete ?? {}, unit, pool)
  const newest = amongNewest(ordered, rule.delete?.beyondNewest ?? 0)
  const page = rule.delete?.onePageOf
  const isOnePage = page === undefined || pool.every((row) => row.tagsInRepository <= page)
  if (!isOnePage || (page !== undefined && ordered.unknown.size > 0)) return () => false
  return (row) => pool.includes(row) && !ordered.unknown.has(row) && !newest.has(row)
}

function isRemaining(rule: WorldRule): boolean {
  return rule.delete?.countAmong === 'remaining' && rule.delete.beyondNewest !== undefined
}

/** By rule, the rows it takes; rules that count among what remains are settled after all others. */
function takenByRules(
  rules: readonly WorldRule[],
  unit: 'image' | 'tag',
  rows: readonly RatedRow[],
  now: number,
): Map<WorldRule, Set<RatedRow>> {
  const deleting = rules.filter((rule) => rule.delete)
  const plain = deleting.filter((rule) => !isRemaining(rule))
  const remaining = deleting.filter(isRemaining)
  const taken = new Map(plain.map((rule) => [rule, takenByRule(rule, unit, rows, now, new Set())]))
  const byPlain = new Set([...taken.values()].flatMap((some) => [...some]))
  const first = new Map(remaining.map((rule) => [rule, takenByRule(rule, unit, rows, now, byPlain)]))
  for (const rule of remaining) {
    const others = remaining.filter((other) => other !== rule)
    const byOthers = new Set(others.flatMap((other) => [...(first.get(other) ?? [])]))
    const alone = takenByRule(rule, unit, rows, now, new Set([...byPlain, ...byOthers]))
    const agreed = [...(first.get(rule) ?? [])].filter((row) => byOthers.has(row))
    taken.set(rule, new Set([...alone, ...agreed]))
  }
  return taken
}

/** What the rules of a policy say of every row, protections aside. */
export function judgeRows(
  rules: readonly WorldRule[],
  unit: 'image' | 'tag',
  rows: readonly RatedRow[],
  now: number,
): Map<RatedRow, RowVerdict> {
  const keeping = rules.flatMap((rule) =>
    rule.keep ? [{ rule, kept: keptByRule(rule, rule.keep, unit, rows, now) }] : [],
  )
  const taken = takenByRules(rules, unit, rows, now)
  const reached = new Set(rules.filter((rule) => rule.delete).flatMap((rule) => matched(rule, rows)))
  return new Map(
    rows.map((row) => [
      row,
      {
        keptBy: keeping.find(({ kept }) => kept.has(row))?.rule.name,
        takenBy: [...taken].filter(([, some]) => some.has(row)).map(([rule]) => rule.name),
        isReachedByDelete: reached.has(row),
      },
    ]),
  )
}
