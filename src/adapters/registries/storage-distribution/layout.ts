/**
 * Where CNCF Distribution keeps what (layout `v2`, the same in 2.x and 3.x; registry/storage/paths.go there).
 *
 * A file named `link` holds a digest and nothing else. Nothing on disk tells media types or which blob refers to which.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'

export const layoutFolder = 'docker/registry/v2'
export const repositoriesFolder = `${layoutFolder}/repositories`
export const blobsFolder = `${layoutFolder}/blobs`

export function repositoryFolder(repository: RepositoryName): string {
  return `${repositoriesFolder}/${repository}`
}

/** The bytes of a layer, config, manifest or index. */
export function blobKey(digest: Digest): string {
  const [algorithm, hex] = split(digest)
  return `${blobsFolder}/${algorithm}/${hex.slice(0, 2)}/${hex}/data`
}

export function revisionsFolder(repository: RepositoryName): string {
  return `${repositoryFolder(repository)}/_manifests/revisions`
}

/** Says that the repository has this manifest, tagged or not; its time is the time of the upload. */
export function revisionLink(repository: RepositoryName, digest: Digest): string {
  return `${revisionsFolder(repository)}/${split(digest).join('/')}/link`
}

/** Says that the repository may serve this layer or config. */
export function layerLink(repository: RepositoryName, digest: Digest): string {
  return `${repositoryFolder(repository)}/_layers/${split(digest).join('/')}/link`
}

export function tagsFolder(repository: RepositoryName): string {
  return `${repositoryFolder(repository)}/_manifests/tags`
}

export function tagFolder(repository: RepositoryName, tag: TagName): string {
  return `${tagsFolder(repository)}/${tag}`
}

/** What the tag points to now. */
export function currentLink(repository: RepositoryName, tag: TagName): string {
  return `${tagFolder(repository, tag)}/current/link`
}

/** The tag's history: everything it ever pointed to. */
export function historyFolder(repository: RepositoryName, tag: TagName): string {
  return `${tagFolder(repository, tag)}/index`
}

export function historyLink(repository: RepositoryName, tag: TagName, digest: Digest): string {
  return `${historyFolder(repository, tag)}/${split(digest).join('/')}/link`
}

/** The digest that two folder names spell. */
export function digestOfFolders(algorithm: string, hex: string): Digest | undefined {
  return parseDigest(`${algorithm}:${hex}`)
}

/** A registry's file that is not whole yet (Distribution 3.x writes beside, then renames). */
export function isTemporary(name: string): boolean {
  return name.endsWith('.tmp')
}

function split(digest: Digest): readonly [algorithm: string, hex: string] {
  const colon = digest.indexOf(':')
  return [digest.slice(0, colon), digest.slice(colon + 1)]
}
