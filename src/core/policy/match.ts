/**
 * Does a block of `match`, `not` or `except` hold for a row? All fields that are given must hold.
 *
 * An unknown property never matches: an image of unknown size is not `largerThan` anything, one without the label
 * does not match the label's pattern.
 */
import type { ImageGraph } from '../image/graph.ts'
import type { ManifestRecord, TagRecord } from '../inventory/inventory.ts'
import { plausibleCreated } from './clocks.ts'
import type { TagPatterns, TextPattern } from './patterns.ts'
import type { ImageState, MatchBlock, WerfKind } from './policy.ts'
import type { Row, RowContext } from './rows.ts'
import { imageBytes } from '../plan/image-bytes.ts'

/** Whether any of the blocks holds; an empty list says `whenEmpty`. */
export function matchesAny(
  blocks: readonly MatchBlock[],
  row: Row,
  context: RowContext,
  whenEmpty: boolean,
): boolean {
  return blocks.length === 0 ? whenEmpty : blocks.some((block) => matchesBlock(block, row, context))
}

/** Whether every field of the block holds for the row. */
export function matchesBlock(block: MatchBlock, row: Row, context: RowContext): boolean {
  return (
    matchesTags(block, row.tags) &&
    (block.tagged === undefined || block.tagged === row.tags.length > 0) &&
    (block.digests === undefined || someMatches(block.digests, row.manifest.digest)) &&
    (block.holdsDigests === undefined || holdsDigest(block.holdsDigests, row, context)) &&
    (block.mediaType === undefined || someMatches(block.mediaType, row.manifest.mediaType)) &&
    (block.artifactType === undefined || someMatches(block.artifactType, row.manifest.artifactType)) &&
    (block.labels === undefined || matchesTexts(block.labels, row, context, (each) => each.labels)) &&
    (block.annotations === undefined ||
      matchesTexts(block.annotations, row, context, (each) => each.annotations)) &&
    (block.platform === undefined || matchesPlatform(block.platform, row, context)) &&
    (block.largerThanBytes === undefined || imageBytes(context.graph, row.node) > block.largerThanBytes) &&
    (block.state === undefined || block.state.includes(stateOf(row, context.graph))) &&
    (block.part === undefined || block.part === context.graph.owners(row.node).length > 0) &&
    (block.locked === undefined || block.locked === row.manifest.locked) &&
    (block.created === undefined || block.created === createdOf(row, context)) &&
    (block.werf === undefined || block.werf === werfKindOf(row, context.graph))
  )
}

/** The state of the image a row belongs to. */
export function stateOf(row: Row, graph: ImageGraph): ImageState {
  if (graph.isOrphanedReferrer(row.node)) return 'orphaned-referrer'
  return graph.missingChildren(row.node).length > 0 ? 'missing-children' : 'complete'
}

/** Undefined where werf does not build into the repository: nobody knows what its images are. */
function werfKindOf({ node }: Row, { werf }: ImageGraph): WerfKind | undefined {
  if (werf === undefined) return undefined
  if (werf.stages.has(node)) return 'stage'
  return werf.records.has(node) || werf.hanging.has(node) ? 'record' : 'other'
}

function createdOf({ manifest }: Row, { now }: RowContext): 'known' | 'unknown' {
  if (manifest.children.length > 0) return 'unknown'
  return plausibleCreated(manifest.createdAt, now) === undefined ? 'unknown' : 'known'
}

function matchesTags(block: MatchBlock, tags: readonly TagRecord[]): boolean {
  const { tags: some, tagsAll, tagsEvery, semver } = block
  if (some !== undefined && !tags.some((tag) => some.matches(tag.name))) return false
  // An image without tags has no tag that fails, but nobody who writes "all tags match" means it.
  if (tagsAll !== undefined && !(tags.length > 0 && tags.every((tag) => tagsAll.matches(tag.name))))
    return false
  if (tagsEvery !== undefined && !everyPatternHasATag(tagsEvery, tags)) return false
  return semver === undefined || tags.some((tag) => semver.matches(tag.name))
}

function everyPatternHasATag(patterns: TagPatterns, tags: readonly TagRecord[]): boolean {
  const left = tags.filter((tag) => !patterns.exclude.some((pattern) => pattern.matches(tag.name)))
  return left.length > 0 && patterns.include.every((pattern) => left.some((tag) => pattern.matches(tag.name)))
}

function someMatches(patterns: readonly TextPattern[], text: string | undefined): boolean {
  return text !== undefined && patterns.some((pattern) => pattern.matches(text))
}

/** An index has no labels of its own; those of its platforms stand for it. */
function matchesTexts(
  wanted: Readonly<Record<string, TextPattern>>,
  row: Row,
  { graph }: RowContext,
  texts: (manifest: ManifestRecord) => Readonly<Record<string, string>>,
): boolean {
  const manifests = [row.manifest, ...platformsOf(row, graph)]
  return Object.entries(wanted).every(([key, pattern]) =>
    manifests.some((manifest) => {
      const own = texts(manifest)
      const text = Object.hasOwn(own, key) ? own[key] : undefined
      return text !== undefined && pattern.matches(text)
    }),
  )
}

function holdsDigest(patterns: readonly TextPattern[], { node }: Row, { graph }: RowContext): boolean {
  return [node, ...graph.reachable(node)].some((each) => someMatches(patterns, graph.manifests[each]?.digest))
}

function matchesPlatform(patterns: readonly TextPattern[], row: Row, { graph }: RowContext): boolean {
  return [row.manifest, ...platformsOf(row, graph)].some((manifest) =>
    someMatches(patterns, manifest.platform),
  )
}

function platformsOf(row: Row, graph: ImageGraph): readonly ManifestRecord[] {
  return row.manifest.children.flatMap((child) => {
    const node = graph.nodeOf(child)
    return node === undefined ? [] : (graph.manifests[node] ?? [])
  })
}

/**
 * The tags of a row that made the block match, which are the ones that versions and captures are read from.
 *
 * @param block one that holds for the row
 */
export function matchingTags(
  block: MatchBlock | undefined,
  tags: readonly TagRecord[],
): readonly TagRecord[] {
  // A block that holds for an image of one tag holds by that tag; most images have one.
  if (block === undefined || tags.length < 2) return tags
  const { tags: some, semver } = block
  if (some === undefined && semver === undefined) return tags
  const both = tags.filter(
    (tag) =>
      (some === undefined || some.matches(tag.name)) && (semver === undefined || semver.matches(tag.name)),
  )
  if (both.length > 0) return both
  return tags.filter((tag) => some?.matches(tag.name) === true || semver?.matches(tag.name) === true)
}
