/**
 * Reads rows of Docker Hub's API (Docker Hub API reference, "Repositories" and "Tags"). A row that cannot be understood is
 * undefined, which the caller takes for an error of the whole list.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord } from '../oci/answers.ts'
import type { KnownManifest } from '../oci/listing.ts'

export interface HubTag {
  readonly name: string
  /** Missing on old tags. */
  readonly digest: Digest | undefined
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
  /** The platforms, of an index or of the one manifest that the tag names. */
  readonly images: readonly KnownManifest[]
}

type Fields = Readonly<Record<string, unknown>>

export function parseRepositoryRow(row: unknown): string | undefined {
  const name = isRecord(row) ? row['name'] : undefined
  return typeof name === 'string' && name !== '' ? name : undefined
}

export function parseTagRow(row: unknown): HubTag | undefined {
  if (!isRecord(row)) return undefined
  const name = row['name']
  const digest = digestIn(row)
  const pushed = newestIn(row, 'tag_last_pushed', 'last_updated')
  const pulled = newestIn(row, 'tag_last_pulled')
  const images = imagesIn(row['images'] ?? [])
  if (typeof name !== 'string' || digest === 'unreadable' || images === undefined) return undefined
  if (pushed === 'unreadable' || pulled === 'unreadable') return undefined
  return { name, digest, pushedAt: pushed, pulledAt: pulled, images }
}

function imagesIn(value: unknown): readonly KnownManifest[] | undefined {
  if (!Array.isArray(value)) return undefined
  const images: KnownManifest[] = []
  for (const row of value) {
    if (!isRecord(row)) return undefined
    const digest = digestIn(row)
    const pushedAt = newestIn(row, 'last_pushed')
    const pulledAt = newestIn(row, 'last_pulled')
    if (digest === 'unreadable' || pushedAt === 'unreadable' || pulledAt === 'unreadable') return undefined
    if (digest !== undefined) images.push({ digest, pushedAt, pulledAt })
  }
  return images
}

function digestIn(row: Fields): Digest | undefined | 'unreadable' {
  const value = row['digest']
  if (value === undefined || value === null || value === '') return undefined
  return (typeof value === 'string' ? parseDigest(value) : undefined) ?? 'unreadable'
}

/** Go writes the year 1 for "never", and nothing here is older than Docker Hub. */
const OLDEST_MS = Date.UTC(2013, 0, 1)

function newestIn(row: Fields, ...names: readonly string[]): InstantMs | undefined | 'unreadable' {
  let newest: InstantMs | undefined
  for (const value of names.map((name) => row[name])) {
    if (value === undefined || value === null || value === '') continue
    const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
    if (Number.isNaN(at)) return 'unreadable'
    if (at >= OLDEST_MS) newest = Math.max(at, newest ?? 0)
  }
  return newest
}
