/**
 * `imageID` of a container status, in every form that container runtimes write it (dockershim, cri-dockerd, containerd,
 * cri-o). What it names is what really runs, which the tag in the specification may no longer say.
 *
 * An id that cannot be read is `invalid`, never `empty`: a container runs, and we do not know what.
 */
import { parseDigest, type Digest } from './digest.ts'
import { normalizeReference } from './reference.ts'

export type ImageId =
  /** What was pulled: the index of a multi-platform image, else the manifest. `repository` is undefined when only the digest is legible. */
  | {
      readonly kind: 'repoDigest'
      readonly repository: string | undefined
      readonly digest: Digest
      readonly tag?: string
    }
  /** The image's config; no manifest has this digest. */
  | { readonly kind: 'configDigest'; readonly digest: Digest }
  /** Not started yet. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'invalid'; readonly text: string }

const runtimeScheme = /^docker(?:-pullable)?:\/\//
const bareIdentifier = /^[a-f0-9]{64}$/

/** Reads an `imageID`; also `volumeStatus.image.imageRef`, which has the same forms. */
export function parseImageId(text: string): ImageId {
  if (text === '') return { kind: 'empty' }
  const bare = text.replace(runtimeScheme, '')
  const config = parseDigest(bareIdentifier.test(bare) ? `sha256:${bare}` : bare)
  if (config !== undefined) return { kind: 'configDigest', digest: config }
  if (bare.includes('://')) return { kind: 'invalid', text }

  const reference = normalizeReference(bare)
  if (reference?.digest !== undefined) {
    const repository = `${reference.domain}/${reference.path}`
    const { digest, tag } = reference
    return { kind: 'repoDigest', repository, digest, ...(tag === undefined ? {} : { tag }) }
  }
  // An imported image may carry a name that is none (`<none>@sha256:…`); its digest is still what runs.
  const digest = reference === undefined ? parseDigest(bare.slice(bare.lastIndexOf('@') + 1)) : undefined
  return digest === undefined
    ? { kind: 'invalid', text }
    : { kind: 'repoDigest', repository: undefined, digest }
}
