/**
 * Reads what `/acr/v1` lists: manifests and tags with their times and locks (Azure SDK, containerregistry.json).
 *
 * A row that cannot be understood is undefined, which the caller takes for an error of the whole list.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord } from '../oci/answers.ts'

export interface ManifestRow {
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly pushedAt: InstantMs | undefined
  readonly isLocked: boolean
}

export interface TagRow {
  readonly name: string
  readonly digest: Digest
  readonly pushedAt: InstantMs | undefined
  readonly isLocked: boolean
}

type Fields = Readonly<Record<string, unknown>>

export function parseManifestRow(row: unknown): ManifestRow | undefined {
  if (!isRecord(row)) return undefined
  const digest = digestIn(row)
  const tags: unknown = row['tags'] ?? []
  const times = timesIn(row)
  if (digest === undefined || times === undefined || !isNames(tags)) return undefined
  // Azure's own cleaner leaves manifests without a media type alone, and so is this one.
  const isNamed = typeof row['mediaType'] === 'string' && row['mediaType'] !== ''
  return { digest, tags, pushedAt: newest(times), isLocked: !isNamed || isLocked(row) }
}

export function parseTagRow(row: unknown): TagRow | undefined {
  if (!isRecord(row)) return undefined
  const name = row['name']
  const digest = digestIn(row)
  const times = timesIn(row)
  if (typeof name !== 'string' || digest === undefined || times === undefined) return undefined
  return { name, digest, pushedAt: newest(times), isLocked: isLocked(row) }
}

export function parseName(row: unknown): string | undefined {
  return typeof row === 'string' ? row : undefined
}

function digestIn(row: Fields): Digest | undefined {
  const digest = row['digest']
  return typeof digest === 'string' ? parseDigest(digest) : undefined
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}

/** Either of the two refuses a deletion with 405. */
function isLocked(row: Fields): boolean {
  const attributes = row['changeableAttributes']
  return (
    isRecord(attributes) && (attributes['deleteEnabled'] === false || attributes['writeEnabled'] === false)
  )
}

/**
 * First push and last change, each undefined where it is not told; undefined as a whole where one cannot be read. A digest
 * that is pushed again, and a tag that moves, keep the first and change the second.
 */
function timesIn(row: Fields): readonly (InstantMs | undefined)[] | undefined {
  const times = [row['createdTime'], row['lastUpdateTime']].map(instantIn)
  return times.every((time) => time !== 'unreadable') ? times : undefined
}

/** Container images are younger than this; Go writes the year 1 for "none". */
const OLDEST_MS = Date.UTC(2013, 0, 1)

function instantIn(value: unknown): InstantMs | undefined | 'unreadable' {
  if (value === undefined || value === null || value === '') return undefined
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) return 'unreadable'
  return at < OLDEST_MS ? undefined : at
}

/** The later one: a lock that was set since makes an image look younger than it is, never older. */
function newest(times: readonly (InstantMs | undefined)[]): InstantMs | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
