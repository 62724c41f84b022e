/**
 * Builds the files of a CNCF Distribution storage (layout v2) in memory: a real one, byte by byte, that a real registry
 * serves. The same calls always make the same bytes; times come from the caller.
 */
import { createHash } from 'node:crypto'
import type { InstantMs } from '../../core/inventory/inventory.ts'

export interface SampleFile {
  /** Relative, with `/` between its parts. */
  readonly path: string
  readonly bytes: Uint8Array
  readonly modifiedAt: InstantMs
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: { readonly os: string; readonly architecture: string }
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
}

export interface RegistryTree {
  /** Files by path; a later call for the same path wins, as a later push does. */
  readonly files: Map<string, SampleFile>
}

const root = 'docker/registry/v2'

export function startTree(): RegistryTree {
  return { files: new Map() }
}

/** Uploads a layer or config to a repository. Bytes that are there already keep their time, their link gets a new one. */
export function addBlob(
  tree: RegistryTree,
  repository: string,
  bytes: Uint8Array,
  mediaType: string,
  at: InstantMs,
): Descriptor {
  const digest = addBytes(tree, bytes, at)
  addLink(tree, `repositories/${repository}/_layers/${digest.replace(':', '/')}/link`, digest, at)
  return { mediaType, digest, size: bytes.length }
}

/** Pushes a manifest or index by digest, and under each of `tags`. */
export function addManifest(
  tree: RegistryTree,
  repository: string,
  document: { readonly mediaType: string; readonly [field: string]: unknown },
  at: InstantMs,
  tags: readonly string[] = [],
): Descriptor {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...document }, null, 2))
  const digest = addBytes(tree, bytes, at)
  addLink(
    tree,
    `repositories/${repository}/_manifests/revisions/${digest.replace(':', '/')}/link`,
    digest,
    at,
  )
  for (const tag of tags) setTag(tree, repository, tag, digest, at)
  return { mediaType: document.mediaType, digest, size: bytes.length }
}

/** Points a tag at a manifest; what it pointed to before stays in its history, and stays as an untagged manifest. */
export function setTag(
  tree: RegistryTree,
  repository: string,
  tag: string,
  digest: string,
  at: InstantMs,
): void {
  const folder = `repositories/${repository}/_manifests/tags/${tag}`
  addLink(tree, `${folder}/index/${digest.replace(':', '/')}/link`, digest, at)
  addLink(tree, `${folder}/current/link`, digest, at)
}

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function addBytes(tree: RegistryTree, bytes: Uint8Array, at: InstantMs): string {
  const digest = sha256(bytes)
  const hex = digest.slice('sha256:'.length)
  const path = `${root}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
  if (!tree.files.has(path)) tree.files.set(path, { path, bytes, modifiedAt: at })
  return digest
}

function addLink(tree: RegistryTree, name: string, digest: string, at: InstantMs): void {
  const path = `${root}/${name}`
  tree.files.set(path, { path, bytes: Buffer.from(digest), modifiedAt: at })
}
