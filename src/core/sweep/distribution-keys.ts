/**
 * What the names of files say in a storage that CNCF Distribution laid out (`docker/registry/v2`), and what a link says.
 *
 * Only names are read here, and they are taken for nothing but what they spell. A repository's name is whatever stands
 * before the first of its own folders, valid or not: marking more is safe. What is not of a form that a registry reads
 * is `other`, so a temporary file (`link.<uuid>.tmp`) or a tag's history is never taken for a link that counts.
 */
import { parseDigest, type Digest } from '../image/digest.ts'

/** Below `repositories/`, by the path from there. */
export type RepositoryKey =
  /** `_manifests/revisions/<alg>/<hex>/link`, `_layers/<alg>/<hex>/link`; no digest where the folders spell none. */
  | {
      readonly kind: 'revision' | 'layer'
      readonly repository: string
      readonly digest: Digest | undefined
    }
  /** `_manifests/tags/<tag>/current/link` */
  | { readonly kind: 'tag'; readonly repository: string; readonly tag: string }
  /** `_uploads/<upload>/…` */
  | { readonly kind: 'upload'; readonly repository: string; readonly upload: string }
  /** Any other file in the folders that a repository has of its own. */
  | { readonly kind: 'other'; readonly repository: string }

/** What a file is; undefined for one that lies in no folder of a repository's own, which no registry writes. */
export function parseRepositoryKey(path: string): RepositoryKey | undefined {
  const parts = path.split('/')
  const own = parts.findIndex((part) => ownFolders.has(part))
  if (own === -1) return undefined
  const repository = parts.slice(0, own).join('/')
  const rest = parts.slice(own + 1)
  switch (parts[own]) {
    case '_layers':
      return isLink(rest, 3)
        ? { kind: 'layer', repository, digest: digestOfFolders(rest[0], rest[1]) }
        : { kind: 'other', repository }
    case '_uploads':
      return rest.length >= 2 && rest[0] !== undefined
        ? { kind: 'upload', repository, upload: rest[0] }
        : { kind: 'other', repository }
    default:
      return parseManifestsKey(repository, rest)
  }
}

const ownFolders: ReadonlySet<string> = new Set(['_layers', '_manifests', '_uploads'])

function parseManifestsKey(
  repository: string,
  [folder, first, second, ...rest]: readonly string[],
): RepositoryKey {
  if (folder === 'revisions' && isLink(rest, 1)) {
    return { kind: 'revision', repository, digest: digestOfFolders(first, second) }
  }
  if (folder === 'tags' && first !== undefined && second === 'current' && isLink(rest, 1)) {
    return { kind: 'tag', repository, tag: first }
  }
  return { kind: 'other', repository }
}

function isLink(parts: readonly string[], length: number): boolean {
  return parts.length === length && parts[length - 1] === 'link'
}

/** The digest that two folder names spell. */
export function digestOfFolders(algorithm: string | undefined, hex: string | undefined): Digest | undefined {
  return parseDigest(`${algorithm ?? ''}:${hex ?? ''}`)
}

/** The digest of `<alg>/<first two of hex>/<hex>/data`, a path below `blobs/`; undefined for any other. */
export function parseBlobKey(path: string): Digest | undefined {
  const [algorithm, start, hex, file, ...rest] = path.split('/')
  if (file !== 'data' || rest.length > 0 || start === undefined || hex?.slice(0, 2) !== start)
    return undefined
  return digestOfFolders(algorithm, hex)
}

/** `<alg>/<first two of hex>/<hex>`: where a blob lies below `blobs/`, and its name while it is set aside. */
export function blobPath(digest: Digest): string {
  const colon = digest.indexOf(':')
  const hex = digest.slice(colon + 1)
  return `${digest.slice(0, colon)}/${hex.slice(0, 2)}/${hex}`
}

/** `<alg>/<hex>`: the folders that spell a digest in a repository. */
export function digestFolders(digest: Digest): string {
  return digest.replace(':', '/')
}

/** A registry's file that is not whole yet (Distribution 3.x writes beside, then renames). */
export function isTemporaryName(name: string): boolean {
  return name.endsWith('.tmp')
}

/** A link is 71 bytes (sha256) or 135 (sha512); much more is no link. */
export const LINK_BYTES_MAX = 1024

/** What a link file says. `empty`: Distribution 2.8 writes in place, so one may be met before it is written. */
export type LinkContent =
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'empty' }
  /** `text` is the beginning of what it says instead. */
  | { readonly kind: 'unreadable'; readonly text: string }

export function parseLink(bytes: Uint8Array): LinkContent {
  // Digests are ASCII; other bytes become characters that no digest has.
  const text = String.fromCharCode(...bytes.subarray(0, LINK_BYTES_MAX)).trim()
  if (text === '') return { kind: 'empty' }
  const digest = bytes.length <= LINK_BYTES_MAX ? parseDigest(text) : undefined
  return digest === undefined ? { kind: 'unreadable', text: text.slice(0, 80) } : { kind: 'digest', digest }
}
