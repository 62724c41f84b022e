/** Rows of AWS's answers, read with mistrust: what cannot be understood ends the listing, since it may hide an image. */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord } from '../oci/answers.ts'
import { RegistryContentError } from '../oci/errors.ts'

export interface ImageRow {
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
  readonly mediaType: string | undefined
  /** `ACTIVE`, `ARCHIVED`, `ACTIVATING`; ECR Public has no such thing and tells none. */
  readonly status: string
}

export interface RepositoryRow {
  readonly name: string
  /** `public.ecr.aws/alias/team/app`; empty where it is not told. */
  readonly uri: string
}

type Fields = Readonly<Record<string, unknown>>

/** The rows under `field`, each of them an object. */
export function rowsIn(registry: string, output: Fields, field: string, what: string): readonly Fields[] {
  const rows = output[field]
  if (!Array.isArray(rows)) throw unreadable(registry, what, `it has no ${field}`)
  return rows.map((row: unknown) => {
    if (!isRecord(row)) throw unreadable(registry, what, `${field} holds something else than objects`)
    return row
  })
}

/** Undefined on the last page. */
export function nextTokenIn(registry: string, output: Fields, what: string): string | undefined {
  const token = output['nextToken']
  if (token === undefined || token === null || token === '') return undefined
  if (typeof token !== 'string') throw unreadable(registry, what, 'its nextToken is no text')
  return token
}

export function imageRow(registry: string, row: Fields, what: string): ImageRow {
  const digest = parseDigest(text(row['imageDigest']) ?? '')
  if (digest === undefined) throw unreadable(registry, what, 'a row has no digest')
  return {
    digest,
    tags: tagsIn(registry, row['imageTags'], what),
    pushedAt: instant(registry, row['imagePushedAt'], what),
    pulledAt: instant(registry, row['lastRecordedPullTime'], what),
    mediaType: text(row['imageManifestMediaType']),
    status: text(row['imageStatus']) ?? 'ACTIVE',
  }
}

export function repositoryRow(registry: string, row: Fields, what: string): RepositoryRow {
  const name = text(row['repositoryName'])
  if (name === undefined) throw unreadable(registry, what, 'a row has no name')
  return { name, uri: text(row['repositoryUri']) ?? '' }
}

/** A time that the library has read: a Date, or nothing. */
export function instant(registry: string, value: unknown, what: string): InstantMs | undefined {
  if (value === undefined || value === null) return undefined
  const ms = value instanceof Date ? value.getTime() : Number.NaN
  if (Number.isNaN(ms)) throw unreadable(registry, what, 'a row has a time that is none')
  return ms
}

/** Archived, or on its way back from there. */
export function isArchived(status: string): boolean {
  return status !== 'ACTIVE'
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function unreadable(registry: string, what: string, why: string): RegistryContentError {
  return new RegistryContentError(registry, `the answer to ${what} cannot be understood: ${why}`)
}

function tagsIn(registry: string, value: unknown, what: string): readonly string[] {
  // Left out for what has no tag.
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((tag) => typeof tag === 'string'))
    throw unreadable(registry, what, 'a row has tags that are none')
  return value
}
