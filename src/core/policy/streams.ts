/**
 * Streams and ranks: which rows compete with which, and in what order.
 *
 * A row takes part in every stream its matching tags belong to. A row whose stream or whose ordering value cannot be
 * told takes part in none: it is kept by whoever asks, and takes no place from the rows that can be ordered. Ties are
 * settled by digest, then by tag, so the order in which a registry lists things decides nothing.
 */
import type { Digest } from '../image/digest.ts'
import type { TagRecord } from '../inventory/inventory.ts'
import { readClock } from './clocks.ts'
import { matchesBlock, matchingTags } from './match.ts'
import type { Clock, Counting, OrderBy, Rule, StreamTemplate } from './policy.ts'
import type { Row, RowContext } from './rows.ts'
import { compareText } from './rows.ts'
import { compareVersions, parseVersion, versionParts, type Version } from './version.ts'

/** What orders a row: an instant, a version or a name; the kind is the same for all rows of a rule. */
type OrderValue = number | string | Version

/** One contender: under `count: images` all rows of a digest, else one row. */
export interface Contender {
  /** Positions in the list of rows that was asked about. */
  readonly rows: readonly number[]
  readonly value: OrderValue
  readonly digest: Digest
}

export interface Streams {
  /** By the value of `per`; the empty text when there is none. Each newest first. */
  readonly streams: ReadonlyMap<string, readonly Contender[]>
  /** Rows that no stream holds because their order or stream is unknown. */
  readonly unknown: ReadonlySet<number>
}

/**
 * Sorts rows into streams.
 *
 * @param positions the rows that take part, as positions in `rows`
 */
export function streamsOf(
  rule: Rule,
  counting: Counting,
  rows: readonly Row[],
  positions: readonly number[],
  context: RowContext,
): Streams {
  const unknown = new Set<number>()
  const streams = new Map<string, Contender[]>()
  const enter = (position: number, row: Row, stream: string, value: OrderValue): void => {
    const contender = { rows: [position], value, digest: row.manifest.digest }
    const others = streams.get(stream)
    if (others === undefined) streams.set(stream, [contender])
    else others.push(contender)
  }
  for (const position of positions) {
    const row = rows[position]
    if (row === undefined) continue
    if (isOneStreamOfTimes(counting)) {
      const at = timeOf(row, counting)
      if (at === undefined) unknown.add(position)
      else enter(position, row, '', at)
      continue
    }
    const places = placesOf(rule, counting, row, context)
    if (places.size === 0) unknown.add(position)
    for (const [stream, value] of places) enter(position, row, stream, value)
  }
  const byRow = byValueThenRow(rows)
  const merge = context.unit === 'tag' && counting.count === 'images'
  return {
    unknown,
    streams: new Map(
      [...streams].map(([stream, contenders]) => [
        stream,
        (merge ? oneForEachDigest(contenders) : contenders).sort(byRow),
      ]),
    ),
  }
}

/** The plain case, in which no tag need be looked at. */
function isOneStreamOfTimes(counting: Counting): boolean {
  const order = orderOf(counting)
  return counting.per === undefined && order !== 'semver' && order !== 'name'
}

/** The streams a row is in, each with the value that orders it there. */
function placesOf(
  rule: Rule,
  counting: Counting,
  row: Row,
  context: RowContext,
): ReadonlyMap<string, OrderValue> {
  const places = new Map<string, OrderValue>()
  const add = (stream: string | undefined, value: OrderValue | undefined): void => {
    if (stream === undefined || value === undefined) return
    const other = places.get(stream)
    if (other === undefined || compareValues(value, other) > 0) places.set(stream, value)
  }
  for (const { tag, captures } of capturedTags(rule, row, context)) {
    const version = parseVersion(tag.name)
    const stream = counting.per === undefined ? '' : streamName(counting.per, captures, version)
    add(stream, valueOf(row, tag, version, counting))
  }
  return places
}

function timeOf(row: Row, counting: Counting): number | undefined {
  return readClock(row, clockIn(orderOf(counting)))
}

/** What a count orders by. */
export function orderOf({ by, countBy }: Pick<Counting, 'by' | 'countBy'>): OrderBy {
  return countBy ?? by
}

/** The clock a rule's ages are measured by; an order that is no clock leaves them to `pushed`. */
export function clockOf({ by }: Pick<Counting, 'by'>): Clock {
  return clockIn(by)
}

function clockIn(order: OrderBy): Clock {
  return order === 'semver' || order === 'name' ? 'pushed' : order
}

function valueOf(
  row: Row,
  tag: TagRecord,
  version: Version | undefined,
  counting: Counting,
): OrderValue | undefined {
  switch (orderOf(counting)) {
    case 'semver':
      return version
    case 'name':
      return tag.name
    case 'pushed':
    case 'tagged':
    case 'uploaded':
    case 'created':
    case 'pulled':
    case 'active':
    case 'pulledItself':
    case 'activeItself':
      return timeOf(row, counting)
  }
}

interface CapturedTag {
  readonly tag: TagRecord
  readonly captures: Readonly<Record<string, string>>
}

function capturedTags(rule: Rule, row: Row, context: RowContext): readonly CapturedTag[] {
  if (rule.match.length === 0) return row.tags.map((tag) => ({ tag, captures: {} }))
  // Every block that matches has its say, so that the order of blocks decides nothing.
  const blocks =
    rule.match.length === 1 ? rule.match : rule.match.filter((block) => matchesBlock(block, row, context))
  return blocks.flatMap((block) => {
    const patterns = block.tags ?? block.tagsAll ?? block.tagsEvery
    return matchingTags(block, row.tags).map((tag) => ({ tag, captures: patterns?.captures(tag.name) ?? {} }))
  })
}

function streamName(
  template: StreamTemplate,
  captures: Readonly<Record<string, string>>,
  version: Version | undefined,
): string | undefined {
  let name = ''
  for (const part of template.parts) {
    const text = typeof part === 'string' ? part : partOf(part.capture, captures, version)
    if (text === undefined) return undefined
    name += text
  }
  return name
}

function partOf(
  capture: string,
  captures: Readonly<Record<string, string>>,
  version: Version | undefined,
): string | undefined {
  if (Object.hasOwn(captures, capture)) return captures[capture]
  const parts = version === undefined ? {} : versionParts(version)
  return Object.hasOwn(parts, capture) ? parts[capture] : undefined
}

function oneForEachDigest(contenders: readonly Contender[]): Contender[] {
  const byDigest = new Map<Digest, Contender>()
  for (const contender of contenders) {
    const other = byDigest.get(contender.digest)
    byDigest.set(contender.digest, other === undefined ? contender : mergeContenders(other, contender))
  }
  return [...byDigest.values()]
}

function mergeContenders(a: Contender, b: Contender): Contender {
  const value = compareValues(a.value, b.value) >= 0 ? a.value : b.value
  return { rows: [...a.rows, ...b.rows], value, digest: a.digest }
}

function byValueThenRow(rows: readonly Row[]): (a: Contender, b: Contender) => number {
  return (a, b) =>
    compareValues(b.value, a.value) ||
    compareText(a.digest, b.digest) ||
    compareText(firstTag(rows, a), firstTag(rows, b))
}

function firstTag(rows: readonly Row[], contender: Contender): string {
  return rows[contender.rows[0] ?? -1]?.tags[0]?.name ?? ''
}

function compareValues(a: OrderValue, b: OrderValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (typeof a === 'object' && typeof b === 'object') return compareVersions(a, b)
  return 0
}
