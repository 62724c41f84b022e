/**
 * Reading fields of a JSON document whose author is not trusted. A field is absent, or has the right shape, or the
 * document is unreadable; nothing is bent into shape, because a misread reference is a reference that gets lost.
 */
import { OperationalError } from '../errors/errors.ts'
import type { BlobReference } from '../inventory/inventory.ts'
import { parseDigest, type Digest } from './digest.ts'

/** A manifest whose bytes are there and cannot be understood; what it refers to is unknown, so nothing may go. */
export class ManifestUnreadableError extends OperationalError {
  readonly code = 'MANIFEST_UNREADABLE'
  override readonly category = 'incomplete'
  readonly hint =
    'Nothing in its repository is deleted while this manifest is there. Push the image again, or delete the manifest by hand if nobody needs it.'
  readonly digest: string

  constructor(digest: string, what: string, options?: { readonly cause?: unknown }) {
    super(`The manifest ${digest} cannot be understood: ${what}.`, options)
    this.digest = digest
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

export interface Descriptor {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly mediaType: string
  readonly platform: JsonObject | undefined
  readonly annotations: Readonly<Record<string, string>>
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** One document, for fields and for the words of its errors. */
export interface ManifestDocument {
  readonly digest: string
  readonly fields: JsonObject
}

export function textField(document: ManifestDocument, key: string): string | undefined {
  const value = document.fields[key]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw new ManifestUnreadableError(document.digest, `its ${key} is not a text`)
}

/** An absent or null list is empty: Go programs write an empty list as null. */
export function listField(document: ManifestDocument, key: string): readonly unknown[] {
  const value = document.fields[key]
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw new ManifestUnreadableError(document.digest, `its ${key} is not a list`)
}

export function descriptorField(document: ManifestDocument, key: string): Descriptor | undefined {
  const value = document.fields[key]
  return value === undefined || value === null ? undefined : readDescriptor(document, value, key)
}

/** OCI image specification, "Content Descriptors". */
export function readDescriptor(document: ManifestDocument, value: unknown, path: string): Descriptor {
  if (!isJsonObject(value)) throw new ManifestUnreadableError(document.digest, `${path} is not a descriptor`)
  const { mediaType = '', platform } = value
  if (typeof mediaType !== 'string') {
    throw new ManifestUnreadableError(document.digest, `${path}.mediaType is not a text`)
  }
  return {
    digest: readDigest(document, value['digest'], `${path}.digest`),
    sizeBytes: readSize(document, value['size'], `${path}.size`),
    mediaType,
    platform: isJsonObject(platform) ? platform : undefined,
    annotations: readTexts(document, value['annotations'], `${path}.annotations`),
  }
}

export function readDigest(document: ManifestDocument, value: unknown, path: string): Digest {
  const digest = typeof value === 'string' ? parseDigest(value) : undefined
  if (digest === undefined) throw new ManifestUnreadableError(document.digest, `${path} is not a digest`)
  return digest
}

function readSize(document: ManifestDocument, value: unknown, path: string): number {
  // Go leaves a zero out or writes it; both mean the same.
  if (value === undefined) return 0
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new ManifestUnreadableError(document.digest, `${path} is not a number of bytes`)
}

/** A map of texts, with keys in order so that equal maps print alike; `__proto__` is a key like any other. */
export function readTexts(
  document: ManifestDocument,
  value: unknown,
  path: string,
): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  if (!isJsonObject(value)) throw new ManifestUnreadableError(document.digest, `its ${path} are not a map`)
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== 'string')
      throw new ManifestUnreadableError(document.digest, `${path} holds more than texts`)
    return [key, text]
  })
  return Object.fromEntries(entries.toSorted(byKey))
}

/** Each digest once, where it came first. */
export function distinct<T extends BlobReference | { readonly digest: Digest }>(
  references: readonly T[],
): readonly T[] {
  const seen = new Set<Digest>()
  return references.filter(({ digest }) => !seen.has(digest) && seen.add(digest))
}

export function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
