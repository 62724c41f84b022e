/**
 * Writes Distribution's storage on disk, file by file, as the registry would have left it.
 *
 * Shares no code with `src/`: what it knows of the layout was read from the registry, so a mistake of ours about the
 * layout is not made here a second time. The same calls write the same bytes. Everything is three days old until a test
 * says otherwise, which is past every grace a test does not set itself.
 */
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const DAY_MS = 86_400_000
/** How old the files of a tree are, unless told. */
export const TREE_AGE_MS = 3 * DAY_MS

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

export interface StoredManifest extends Descriptor {
  readonly repository: string
  /** Of its configuration and layers; empty for an index. */
  readonly blobs: readonly string[]
}

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  inToto: 'application/vnd.in-toto+json',
  empty: 'application/vnd.oci.empty.v1+json',
} as const

/** Where things lie, from the root that the registry calls `rootdirectory`. */
export const at = {
  base: 'docker/registry/v2',
  blobs: 'docker/registry/v2/blobs',
  repositories: 'docker/registry/v2/repositories',
  blob: (digest: string): string => `docker/registry/v2/blobs/${sharded(digest)}/data`,
  repository: (name: string): string => `docker/registry/v2/repositories/${name}`,
  layer: (name: string, digest: string): string => `${at.repository(name)}/_layers/${hexed(digest)}/link`,
  revision: (name: string, digest: string): string =>
    `${at.repository(name)}/_manifests/revisions/${hexed(digest)}/link`,
  tag: (name: string, tag: string): string => `${at.repository(name)}/_manifests/tags/${tag}`,
  current: (name: string, tag: string): string => `${at.tag(name, tag)}/current/link`,
  history: (name: string, tag: string, digest: string): string =>
    `${at.tag(name, tag)}/index/${hexed(digest)}/link`,
}

export function digestOf(bytes: Uint8Array | string, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** Writes a file and the folders it needs, as old as the tree. */
export function put(root: string, key: string, content: string | Uint8Array, ageMs = TREE_AGE_MS): void {
  const path = join(root, key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  touch(root, key, ageMs)
}

/** Sets the age of one file or folder. */
export function touch(root: string, key: string, ageMs: number): void {
  const time = new Date(Date.now() - ageMs)
  utimesSync(join(root, key), time, time)
}

/** Sets the age of everything below a folder, folders and symbolic links themselves included. */
export function ageAll(root: string, key = '.', ageMs = TREE_AGE_MS): void {
  const path = join(root, key)
  if (lstatSync(path).isDirectory())
    for (const name of readdirSync(path)) ageAll(root, join(key, name), ageMs)
  const time = new Date(Date.now() - ageMs)
  lutimesSync(path, time, time)
}

/** The bytes of a blob, and nothing that points at them. */
export function storeBlob(
  root: string,
  content: string | Uint8Array,
  mediaType: string = types.layer,
): Descriptor {
  const bytes = Buffer.from(content)
  const digest = digestOf(bytes)
  if (!existsSync(join(root, at.blob(digest)))) put(root, at.blob(digest), bytes)
  return { mediaType, digest, size: bytes.length }
}

/** What an upload of a blob into a repository leaves: its bytes and the repository's link to them. */
export function uploadBlob(
  root: string,
  repository: string,
  content: string | Uint8Array,
  mediaType: string = types.layer,
): Descriptor {
  const blob = storeBlob(root, content, mediaType)
  put(root, at.layer(repository, blob.digest), blob.digest)
  return blob
}

/**
 * A blob uploaded under a sha512 digest, as 2.8.2 keeps it: the bytes at their sha256, and a link that leads from the one
 * to the other. The descriptor is what a manifest says.
 */
export function uploadAlias(root: string, repository: string, content: string): Descriptor {
  const blob = storeBlob(root, content)
  const digest = digestOf(content, 'sha512')
  put(root, at.layer(repository, digest), blob.digest)
  return { ...blob, digest }
}

export interface ImageWords {
  readonly tags?: readonly string[]
  /** What is in each layer. @default one layer of its own */
  readonly layers?: readonly string[]
  /** Tells one image from another that has the same layers. @default '' */
  readonly name?: string
  /** What the configuration says; equal ones make equal images in two repositories. @default its own */
  readonly about?: string
  readonly subject?: Descriptor
  readonly artifactType?: string
  /** Further layers that are uploaded already, under whatever digest. */
  readonly uploaded?: readonly Descriptor[]
}

/** An image as a push leaves it: layers, configuration, manifest, links, tags. */
export function pushImage(root: string, repository: string, words: ImageWords = {}): StoredManifest {
  const { tags = [], name = '', layers = [`layer of ${repository} ${tags.join(',')} ${name}`] } = words
  const uploaded = layers.map((content) => uploadBlob(root, repository, content))
  const { about = `${repository} ${tags.join(',')} ${name}` } = words
  const config = uploadBlob(
    root,
    repository,
    JSON.stringify({ architecture: 'amd64', os: 'linux', about }),
    types.config,
  )
  const document = {
    schemaVersion: 2,
    mediaType: types.manifest,
    ...(words.artifactType !== undefined && { artifactType: words.artifactType }),
    config,
    layers: [...uploaded, ...(words.uploaded ?? [])],
    ...(words.subject !== undefined && { subject: bare(words.subject) }),
  }
  const blobs = [config, ...uploaded].map(({ digest }) => digest)
  return { ...pushManifest(root, repository, document, tags), blobs }
}

/** What BuildKit puts beside an image into the same index. */
export function pushAttestation(root: string, repository: string, of: Descriptor): StoredManifest {
  const layer = uploadBlob(root, repository, `provenance of ${of.digest}`, types.inToto)
  const config = uploadBlob(root, repository, `{"attests":"${of.digest}"}`, types.config)
  const document = { schemaVersion: 2, mediaType: types.manifest, config, layers: [layer] }
  return { ...pushManifest(root, repository, document), blobs: [config.digest, layer.digest] }
}

/** A signature or bill of materials that points at its subject; without tag, as tools push them. */
export function pushReferrer(
  root: string,
  repository: string,
  subject: Descriptor,
  name = 'sbom',
): StoredManifest {
  return pushImage(root, repository, {
    name,
    subject,
    artifactType: 'application/vnd.example',
    layers: [name],
  })
}

export function pushIndex(
  root: string,
  repository: string,
  words: {
    readonly tags?: readonly string[]
    readonly children: readonly Descriptor[]
    readonly subject?: Descriptor
  },
): StoredManifest {
  const document = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: words.children.map(bare),
    ...(words.subject !== undefined && { subject: bare(words.subject) }),
  }
  return pushManifest(root, repository, document, words.tags)
}

/** Any document as a manifest: its bytes, its link, and its tags. */
export function pushManifest(
  root: string,
  repository: string,
  document: object,
  tags: readonly string[] = [],
): StoredManifest {
  const mediaType = 'mediaType' in document ? String(document.mediaType) : types.manifest
  const stored = storeBlob(root, JSON.stringify(document, null, 2), mediaType)
  put(root, at.revision(repository, stored.digest), stored.digest)
  for (const tag of tags) setTag(root, repository, tag, stored.digest)
  return { ...stored, repository, blobs: [] }
}

/** Points a tag at a manifest; what it pointed at before stays in its history, as the registry leaves it. */
export function setTag(root: string, repository: string, tag: string, digest: string): void {
  put(root, at.history(repository, tag, digest), digest)
  put(root, at.current(repository, tag), digest)
}

/** DELETE by digest: the link goes and its folder stays, and so do blobs and layer links; tags on it go. */
export function deleteManifest(root: string, repository: string, digest: string): void {
  rmSync(join(root, at.revision(repository, digest)))
  const tags = join(root, at.repository(repository), '_manifests/tags')
  for (const tag of existsSync(tags) ? readdirSync(tags) : []) {
    const current = join(root, at.current(repository, tag))
    if (readFileSync(current, 'utf8') === digest) rmSync(join(tags, tag), { recursive: true })
  }
  ageAll(root, join(at.repository(repository), '_manifests'))
}

/** An upload that never ended; its folder names no digest. */
export function beginUpload(root: string, repository: string, id: string, ageMs: number): string {
  const folder = `${at.repository(repository)}/_uploads/${id}`
  put(root, `${folder}/startedat`, new Date(Date.now() - ageMs).toISOString())
  put(root, `${folder}/data`, `half a layer ${id}`)
  put(root, `${folder}/hashstates/sha256/0`, 'state')
  ageAll(root, folder, ageMs)
  return folder
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}

function hexed(digest: string): string {
  return digest.replace(':', '/')
}

function sharded(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':')
  return `${algorithm}/${hex.slice(0, 2)}/${hex}`
}
