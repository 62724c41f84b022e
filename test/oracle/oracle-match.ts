/** Which rows a block matches (DESIGN section 3, `match`), with the plainest pattern matching there is. */
import { satisfies } from 'semver'
import type { WorldBlock, WorldManifest } from './world.ts'

/** What counting and verdicts are about: an image, or under `unit: tag` one of its tags. */
export interface Row {
  readonly digest: string
  readonly manifest: WorldManifest
  /** The tags that match blocks look at: all of the image, or the one of this row. */
  readonly tags: readonly string[]
  readonly state: readonly string[]
  readonly platforms: readonly string[]
  /** Of the manifest and, for an index, of everything it holds. */
  readonly labels: readonly Readonly<Record<string, string>>[]
  readonly annotations: readonly Readonly<Record<string, string>>[]
  readonly imageBytes: number
  /** Its own digest and those of all that hangs on it. */
  readonly hanging: readonly string[]
  readonly isOrphan: boolean
  /** Something in the repository holds it, or it hangs on something there. */
  readonly isPart: boolean
  /** Its own config tells a time of building that can be true. */
  readonly isBuildKnown: boolean
  /** Hangs on a manifest of another repository and has no name of its own: no rule speaks of it. */
  readonly isUnreachable: boolean
  /** Under `unit: tag`, an image without any tag. */
  readonly needsTaggedFalse: boolean
}

export interface Version {
  readonly numbers: readonly [number, number, number]
  readonly prerelease: readonly string[]
}

/** Versions as people write them; a bare number of five digits and more is a date or a build. */
export function readVersion(tag: string): Version | undefined {
  const match = /^(v?)(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:[_+][0-9A-Za-z._-]+)?$/i.exec(tag)
  if (!match) return undefined
  const [, v = '', major = '', minor, patch, prerelease] = match
  if (minor === undefined && v === '' && (major.length > 4 || /^\d{4}-\d\d/.test(tag))) return undefined
  return {
    numbers: [Number(major), Number(minor ?? 0), Number(patch ?? 0)],
    prerelease: prerelease === undefined ? [] : prerelease.split('.'),
  }
}

/** Negative when `a` is the older version (semver, section 11). */
export function compareVersions(a: Version, b: Version): number {
  for (const i of [0, 1, 2] as const) {
    if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] - b.numbers[i]
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Number(a.prerelease.length === 0) - Number(b.prerelease.length === 0)
  }
  for (let i = 0; i < Math.max(a.prerelease.length, b.prerelease.length); i++) {
    const [left, right] = [a.prerelease[i], b.prerelease[i]]
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1
    if (left === right) continue
    const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)]
    if (leftIsNumber && rightIsNumber) {
      if (Number(left) !== Number(right)) return Number(left) - Number(right)
    } else if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1
    else return left < right ? -1 : 1
  }
  return 0
}

function versionText({ numbers, prerelease }: Version): string {
  return numbers.join('.') + (prerelease.length === 0 ? '' : `-${prerelease.join('.')}`)
}

/** The regular expression of a glob (`*` only, in worlds) or of an expression between slashes, anchored at both ends. */
function expressionOf(pattern: string, star: string): RegExp {
  const slashed = /^\/(.*)\/(i?)$/.exec(pattern)
  if (slashed) return new RegExp(`^(?:${slashed[1] ?? ''})$`, slashed[2])
  const pieces = pattern.split(/(\*+)/).map((piece) => {
    if (piece === '**') return '(.*)'
    if (piece === '*') return star
    return piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${pieces.join('')}$`)
}

export function matchesText(pattern: string, text: string): boolean {
  return expressionOf(pattern, '(.*)').test(text)
}

export function matchesRepository(patterns: readonly string[], name: string): boolean {
  const isAny = (some: readonly string[]): boolean =>
    some.some((pattern) => expressionOf(pattern, '([^/]*)').test(name))
  const included = patterns.filter((pattern) => !pattern.startsWith('!'))
  const excluded = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1))
  return (included.length === 0 || isAny(included)) && !isAny(excluded)
}

/** Some pattern matches and no `!pattern` does. */
export function matchesTagList(patterns: readonly string[], tag: string): boolean {
  const included = patterns.filter((pattern) => !pattern.startsWith('!'))
  const excluded = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1))
  return (
    (included.length === 0 || included.some((pattern) => matchesText(pattern, tag))) &&
    !excluded.some((pattern) => matchesText(pattern, tag))
  )
}

function matchesRange(range: string, tag: string): boolean {
  const version = readVersion(tag)
  return version !== undefined && satisfies(versionText(version), range)
}

export function matchesFields(block: WorldBlock, row: Row): boolean {
  const { manifest, tags } = row
  const textsMatch = (
    patterns: Readonly<Record<string, string>>,
    texts: readonly Readonly<Record<string, string>>[],
  ): boolean =>
    Object.entries(patterns).every(([key, pattern]) =>
      texts.some((one) => one[key] !== undefined && matchesText(pattern, one[key])),
    )
  const anyMatches = (patterns: readonly string[], text: string | null | undefined): boolean =>
    typeof text === 'string' && patterns.some((pattern) => matchesText(pattern, text))
  const { tags: some, tagsAll, tagsEvery, semver, state, digests, labels, annotations } = block
  const tagsEveryHolds = (patterns: readonly string[]): boolean => {
    const excluded = patterns.filter((pattern) => pattern.startsWith('!'))
    const usable = tags.filter((tag) => matchesTagList(excluded, tag))
    return patterns
      .filter((pattern) => !pattern.startsWith('!'))
      .every((pattern) => usable.some((tag) => matchesText(pattern, tag)))
  }
  return [
    some === undefined || tags.some((tag) => matchesTagList(some, tag)),
    tagsAll === undefined || (tags.length > 0 && tags.every((tag) => matchesTagList(tagsAll, tag))),
    tagsEvery === undefined || tagsEveryHolds(tagsEvery),
    semver === undefined || tags.some((tag) => matchesRange(semver, tag)),
    block.tagged === undefined || block.tagged === tags.length > 0,
    digests === undefined || anyMatches(digests, row.digest),
    block.holdsDigests === undefined ||
      row.hanging.some((digest) => anyMatches(block.holdsDigests ?? [], digest)),
    labels === undefined || textsMatch(labels, row.labels),
    annotations === undefined || textsMatch(annotations, row.annotations),
    block.artifactType === undefined || anyMatches(block.artifactType, manifest.artifactType),
    block.mediaType === undefined || anyMatches(block.mediaType, manifest.mediaType),
    block.platform === undefined ||
      row.platforms.some((platform) => anyMatches(block.platform ?? [], platform)),
    block.largerThan === undefined || row.imageBytes > Number(block.largerThan.replace(/B$/, '')),
    block.part === undefined || block.part === row.isPart,
    block.locked === undefined || block.locked === (manifest.locked === true),
    block.created === undefined || (block.created === 'known') === row.isBuildKnown,
    state === undefined || state.some((one) => row.state.includes(one)),
  ].every(Boolean)
}

/** Matching, and the two kinds of rows that only a block naming them reaches. */
export function reaches(block: WorldBlock, row: Row): boolean {
  if (row.isUnreachable) return false
  if (row.isOrphan) {
    if (!(block.state ?? []).includes('orphaned-referrer')) return false
  } else if (row.needsTaggedFalse && block.tagged !== false) return false
  return matchesFields(block, row)
}

/** The tags by which a row matches a block: those that satisfy its `tags` and its `semver`, else either of them. */
export function matchedTags({ tags, semver }: WorldBlock, row: Row): string[] {
  const says = row.tags.map((tag) => ({
    tag,
    some: tags === undefined || matchesTagList(tags, tag),
    inRange: semver === undefined || matchesRange(semver, tag),
  }))
  const both = says.filter((one) => one.some && one.inRange)
  return (both.length > 0 ? both : says.filter((one) => one.some || one.inRange)).map(({ tag }) => tag)
}

/** What `per:` may name: the parts of the tag's version and the captures of the pattern that matched. */
function captures(block: WorldBlock, tag: string): Record<string, string> {
  const named: Record<string, string> = {}
  const version = readVersion(tag)
  if (version) {
    const [major, minor, patch] = version.numbers
    Object.assign(named, {
      major: String(major),
      minor: String(minor),
      patch: String(patch),
      prerelease: version.prerelease[0] ?? '',
    })
  }
  const pattern = (block.tags ?? []).find((one) => !one.startsWith('!') && matchesText(one, tag))
  const found = pattern === undefined ? null : expressionOf(pattern, '(.*)').exec(tag)
  found?.forEach((text, i) => {
    if (i > 0 && typeof text === 'string') named[String(i)] = text
  })
  Object.assign(named, found?.groups ?? {})
  return named
}

/** The stream of a tag, or undefined when a part of the template is unknown. */
export function streamOf(template: string, block: WorldBlock, tag: string): string | undefined {
  const named = captures(block, tag)
  let isKnown = true
  const text = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = named[name]
    if (value === undefined) isKnown = false
    return value ?? ''
  })
  return isKnown ? text : undefined
}
