/**
 * Putting a manifest back the way a push would: bytes, links of its blobs, its own link, its tag, in this order.
 *
 * The manifest's own link is what makes it an image, and it is written only after everything it needs was seen to be
 * there. A crash before that leaves unreachable bytes; one after it leaves a whole image that lacks its tag.
 */
import type { Digest } from '../../../core/image/digest.ts'
import type { ManifestFacts } from '../../../core/image/manifest.ts'
import type { RepositoryName, TagName } from '../../../core/image/names.ts'
import { decodeJson } from '../../../core/image/manifest-json.ts'
import { isJsonObject } from '../../../core/image/manifest-fields.ts'
import { MANIFEST_BYTES_MAX, parseManifest } from '../../../core/image/parse-manifest.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RawManifest } from '../../../ports/readable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { blobKey, currentLink, historyLink, layerLink, revisionLink } from './layout.ts'
import { isContentOf, readLink } from './read-content.ts'
import type { MutableSource } from './removal.ts'
import { StorageCorruptError } from './storage-errors.ts'

/** @throws StorageCorruptError when the bytes given do not hash to their digest */
export async function restoreManifest(
  source: MutableSource,
  repository: RepositoryName,
  { digest, mediaType, bytes }: RawManifest,
  tag: TagName | undefined,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  if (!isContentOf(digest, bytes)) {
    throw new StorageCorruptError(
      blobKey(digest),
      'the manifest to put back does not hash to its digest, so it was not written',
    )
  }
  const facts = parseManifest(bytes, mediaType, digest)
  const blobs = neededBlobs(facts, bytes)
  const lost = await findLost(source, repository, facts, blobs, options)
  if (lost.length > 0) {
    const text = `What it refers to is gone from ${repository}: ${lost.join(', ')}.`
    return { kind: 'refused', reason: 'missing-blob', text }
  }

  await writeBytes(source, digest, bytes, options)
  for (const blob of blobs) await writeLink(source, layerLink(repository, blob), blob, options)
  await writeLink(source, revisionLink(repository, digest), digest, options)
  if (tag !== undefined) {
    await writeLink(source, historyLink(repository, tag, digest), digest, options)
    await pointTag(source, repository, tag, digest, options)
  }
  return { kind: 'done' }
}

/** Config and layers, save layers that lie elsewhere by their own word (OCI image specification, `urls`). */
function neededBlobs(facts: ManifestFacts, bytes: Uint8Array): readonly Digest[] {
  const foreign = foreignLayers(bytes)
  const blobs = [...(facts.config ? [facts.config] : []), ...facts.layers].map(({ digest }) => digest)
  return blobs.filter((blob) => !foreign.has(blob))
}

function foreignLayers(bytes: Uint8Array): ReadonlySet<string> {
  const document = decodeJson(bytes)
  const layers: unknown = isJsonObject(document) ? document['layers'] : undefined
  const foreign = new Set<string>()
  for (const layer of Array.isArray(layers) ? (layers as readonly unknown[]) : []) {
    if (!isJsonObject(layer)) continue
    const { urls, digest } = layer
    if (Array.isArray(urls) && urls.length > 0 && typeof digest === 'string') foreign.add(digest)
  }
  return foreign
}

/** Everything the registry would refuse the manifest for; empty when all of it is there. */
async function findLost(
  source: MutableSource,
  repository: RepositoryName,
  facts: ManifestFacts,
  blobs: readonly Digest[],
  options: RunOptions | undefined,
): Promise<readonly Digest[]> {
  const lost: Digest[] = []
  for (const { digest: child } of facts.children) {
    if ((await placeOf(source, revisionLink(repository, child), child, options)) === undefined)
      lost.push(child)
  }
  for (const blob of blobs) {
    // Without a link the bytes still count: the link is written again below.
    const isThere =
      (await placeOf(source, layerLink(repository, blob), blob, options)) !== undefined ||
      (await source.store.stat(blobKey(blob), options)) !== undefined
    if (!isThere) lost.push(blob)
  }
  return lost
}

/** Where what a link names is stored; undefined without the link or without the bytes. */
async function placeOf(
  source: MutableSource,
  key: string,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<Digest | undefined> {
  const link = await readLink(source, key, { mayBeEmpty: true }, options)
  if (link === undefined) return undefined
  for (const place of [digest, link.target ?? digest]) {
    if ((await source.store.stat(blobKey(place), options)) !== undefined) return place
  }
  return undefined
}

/** Bytes that are there and right are left alone; anything else under this name is damaged and is replaced. */
async function writeBytes(
  { store }: MutableSource,
  digest: Digest,
  bytes: Uint8Array,
  options: RunOptions | undefined,
): Promise<void> {
  const present = await store.read(blobKey(digest), MANIFEST_BYTES_MAX, options)
  if (present !== undefined && isContentOf(digest, present.bytes)) return
  await store.write(blobKey(digest), bytes, options)
}

/** A link that is there keeps its content and its time, which is the time of the upload. */
async function writeLink(
  source: MutableSource,
  key: string,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<void> {
  const present = await readLink(source, key, { mayBeEmpty: true }, options)
  if (present?.target !== undefined) return
  await source.store.write(key, Buffer.from(digest), options)
}

async function pointTag(
  source: MutableSource,
  repository: RepositoryName,
  tag: TagName,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<void> {
  const key = currentLink(repository, tag)
  const present = await readLink(source, key, { mayBeEmpty: true }, options)
  if (present?.target !== digest) await source.store.write(key, Buffer.from(digest), options)
}
