/** The rules for tags of one part of the repositories that a policy of artifactory-cleanup speaks of. */
import { canNameDigest } from './aql-masks.ts'
import type { ImageSelection, VersionLine } from './artifactory-selection.ts'
import type { ImportedBlock, ImportedDelete, ImportedNote, ImportedRule } from './imported-policy.ts'
import type { Reading } from './reading.ts'
import type { Place } from './source-document.ts'

export interface TagSelection {
  readonly place: Place
  /** Of the policy. */
  readonly name: string
  readonly images: ImageSelection
  /** Lists of globs; of each one must match. Empty: every tag. */
  readonly includes: readonly (readonly string[])[]
  /** None of these may match. */
  readonly excludes: readonly string[]
}

/** `list.manifest.json` is another file than the one that rules for Docker ask for. */
const indexTypes: ImportedBlock = { mediaType: ['*.index.*', '*.list.*'] }

/**
 * Whether rules must speak of whole images. A count of manifests goes by the newest tag of each that the policy may
 * delete; where some of those are no candidates here, a manifest would lose its place for want of its newest tag.
 */
export function countsWholeImages(selection: TagSelection, before: readonly TagSelection[]): boolean {
  const { count, idle, olderThan, unusedFor } = selection.images
  if (idle !== undefined || count?.kind !== 'digests') return false
  const hasAge = olderThan !== undefined || unusedFor !== undefined
  return hasAge || before.some((other) => !isOldestEndOf(other, selection))
}

/** What a rule speaks of: `image` with all its tags, each of which must be one that the policy takes; or each `tag`. */
type Unit = 'image' | 'tag'

/** @param before policies that run before this one, and of which some tags are gone when it counts */
export function cleanupRules(
  selection: TagSelection,
  before: readonly TagSelection[],
  unit: Unit,
  reading: Reading,
): readonly (ImportedRule | ImportedNote)[] {
  const { place, name, images } = selection
  const origin = `line ${place.line}: ${name}`
  if (images.idle !== undefined) return [{ comments: [`${origin}. It deletes nothing: ${images.idle}.`] }]
  const others = images.count === undefined ? [] : before.filter((other) => !isOldestEndOf(other, selection))
  if (others.length > 0) {
    reading.warn(
      place,
      `${name} counts what the policies before it leave; here what those speak of is neither counted nor removed by this one, so more is kept.`,
    )
  }
  if (others.some(({ includes }) => includes.length === 0))
    return [{ comments: [`${origin}. Left out: a policy before it speaks of all these tags.`] }]
  if (images.count !== undefined && images.unusedFor !== undefined) {
    reading.warn(
      place,
      `${name}: beside a count, what was never pulled is kept here; artifactory-cleanup goes by its upload.`,
    )
  }
  if (unit === 'image') {
    reading.warn(
      place,
      `${name}: where manifests are counted, an image goes when all of its tags may go, and stays with all of them else, so more is kept.`,
    )
  }
  const lines = images.count?.kind === 'versions' ? images.count.lines : [undefined]
  return lines.map((line) => ruleOf(selection, line, others, { unit, origin }, reading))
}

/**
 * The other takes the oldest of the same tags or of more, and no more than that: whether those are counted makes no
 * difference, for what is older still is taken as well.
 */
function isOldestEndOf(other: TagSelection, { includes, excludes, images }: TagSelection): boolean {
  const { count, unusedFor, afterCount, idle } = other.images
  if (idle !== undefined) return true
  if (count !== undefined || unusedFor !== undefined || afterCount.length > 0) return false
  if (images.count?.kind === 'versions') return false
  const isSame = (one: unknown, two: unknown): boolean => JSON.stringify(one) === JSON.stringify(two)
  const isAll = other.includes.length === 0 && other.excludes.length === 0 && !other.images.isTaggedOnly
  return isAll || (isSame(other.includes, includes) && isSame(other.excludes, excludes))
}

function ruleOf(
  selection: TagSelection,
  line: VersionLine | undefined,
  others: readonly TagSelection[],
  { unit, origin }: { readonly unit: Unit; readonly origin: string },
  reading: Reading,
): ImportedRule {
  const { images, excludes, name } = selection
  const [first, ...rest] = [...(line === undefined ? [] : [[line.pattern]]), ...selection.includes]
  const digests = digestsOf(first, rest, selection, others, reading)
  const spared = excludes.filter(canNameDigest)
  const not: readonly ImportedBlock[] = [
    indexTypes,
    ...rest.map((tags) => ({ tags: tags.map((tag) => `!${tag}`) })),
    ...(excludes.length > 0 ? [{ tags: excludes }] : []),
    ...(digests !== undefined && spared.length > 0 ? [{ tagged: false, digests: spared }] : []),
    ...others.map(({ includes: [tags = []] }) => ({ tags })),
  ]
  const match = matchOf(first, digests, unit)
  const off = offRemark(selection, reading)
  return {
    name: line?.pattern.startsWith('/v') === true ? `${name}, with v` : name,
    comments: [origin, ...off],
    ...(match !== undefined && { match }),
    not,
    ...(images.afterCount.length > 0 && { except: images.afterCount.map((tag) => ({ tags: [`!${tag}`] })) }),
    delete: deletion(images, line, unit),
    ...(off.length > 0 && { isOff: true }),
  }
}

/**
 * Globs on the digests of manifests without a tag; `*` is all of them, undefined none. They lie in folders that are
 * called by their digest, and a mask on tags is asked of these as well.
 */
function digestsOf(
  first: readonly string[] | undefined,
  rest: readonly unknown[],
  { images, name, place }: TagSelection,
  others: readonly unknown[],
  reading: Reading,
): readonly string[] | undefined {
  const own = first === undefined ? ['*'] : first.filter(canNameDigest)
  if (own.length === 0 || images.isTaggedOnly || images.count?.kind === 'versions') return undefined
  if (rest.length === 0 && others.length === 0) return own
  reading.warn(place, `${name}: what has no tag is kept, for no rule asks as much of a digest.`)
  return undefined
}

function matchOf(
  tags: readonly string[] | undefined,
  digests: readonly string[] | undefined,
  unit: Unit,
): readonly ImportedBlock[] | undefined {
  if (tags === undefined) return digests === undefined ? [{ tagged: true }] : undefined
  return [
    unit === 'tag' ? { tags } : { tagsAll: tags },
    ...(digests === undefined ? [] : [{ tagged: false, digests }]),
  ]
}

/** A count by a time that no registry tells Winnow is left as a comment, and nothing goes until somebody has looked. */
function offRemark({ images: { count }, place, name }: TagSelection, reading: Reading): readonly string[] {
  if (count?.kind !== 'created') return []
  reading.warn(
    place,
    `${name}: ${count.rule} orders by the time at which a tag was first there, and Winnow by its last upload. The nearest rule is there as a comment; until it is switched on, nothing is deleted.`,
  )
  return [
    `Off: ${count.rule} orders by the first upload of a tag, and this by its last.`,
    'Where tags are never pushed a second time it decides alike: switch it on, and look at the plan.',
  ]
}

function deletion(images: ImageSelection, line: VersionLine | undefined, unit: Unit): ImportedDelete {
  const { olderThan, unusedFor, count } = images
  if (count === undefined) return ageAlone(olderThan, unusedFor)
  const hasAge = olderThan !== undefined || unusedFor !== undefined
  return {
    ...(olderThan !== undefined && { olderThan: length(olderThan) }),
    // One order serves both ages and counts, so the age by the last pull needs a criterion of its own.
    ...(unusedFor !== undefined && { notPulledFor: length(unusedFor) }),
    beyondNewest: count.newest,
    by: count.kind === 'versions' ? 'semver' : 'tagged',
    ...(line?.per !== undefined && { per: line.per }),
    ...(count.kind === 'digests' && unit === 'tag' && { count: 'images' }),
    ...(hasAge && { combine: 'all' }),
    countAmong: 'eligible',
  }
}

/** `active` is never before either, so it does for both. */
function ageAlone(olderThan: number | undefined, unusedFor: number | undefined): ImportedDelete {
  if (olderThan === undefined && unusedFor === undefined) return { all: true }
  const days = Math.max(olderThan ?? 0, unusedFor ?? 0)
  return { olderThan: length(days), by: unusedFor === undefined ? 'tagged' : 'active' }
}

function length(days: number): string {
  return `${days + marginDays}d`
}

/**
 * Days are counted back from a midnight, that of the day which the tool's own time zone has, in the time zone of the
 * server. Between that midnight and the moment of the plan lies a day, and at most one more where the zones differ.
 */
const marginDays = 2
