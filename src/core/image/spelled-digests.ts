/**
 * Every digest that a document spells, wherever in it: what a manifest of a media type that nobody knows may refer to.
 *
 * Its fields mean what its media type says, and that is unknown, so no field is left out.
 */
import type { Digest } from './digest.ts'
import { isJsonObject } from './manifest-fields.ts'
import { bareMediaType, shapeOf } from './media-types.ts'

export interface SpelledDigests {
  /** Named by a descriptor whose media type is one of a manifest: what they refer to is needed too. */
  readonly manifests: readonly Digest[]
  readonly others: readonly Digest[]
}

const spelled = /sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}/g

/** In texts and in names of fields, at any depth of a decoded JSON document; each digest once. */
export function spelledDigests(document: unknown): SpelledDigests {
  const manifests = new Set<Digest>()
  const all = new Set<Digest>()
  const read = (value: unknown): void => {
    if (typeof value === 'string') for (const [digest] of value.matchAll(spelled)) all.add(digest as Digest)
    if (Array.isArray(value)) value.forEach(read)
    if (!isJsonObject(value)) return
    const { mediaType, digest } = value
    const isManifest = typeof mediaType === 'string' && shapeOf(bareMediaType(mediaType)) !== undefined
    if (isManifest && typeof digest === 'string')
      for (const [each] of digest.matchAll(spelled)) manifests.add(each as Digest)
    for (const [key, each] of Object.entries(value)) {
      read(key)
      read(each)
    }
  }
  read(document)
  return { manifests: [...manifests], others: [...all].filter((digest) => !manifests.has(digest)) }
}
