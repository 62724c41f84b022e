/**
 * Removing names and manifests by removing the links that make them, as the registry itself does.
 *
 * Bytes are never removed here. A crash between two steps leaves a tag whose manifest is gone, which nobody can pull
 * and the next attempt removes, or empty folders; never an image that lacks a part.
 */
import pLimit from 'p-limit'
import type { Digest } from '../../../core/image/digest.ts'
import { parseTagName, type RepositoryName, type TagName } from '../../../core/image/names.ts'
import type { MutableBlobStore } from '../../../ports/mutable-blob-store.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import {
  currentLink,
  historyFolder,
  historyLink,
  digestOfFolders,
  isTemporary,
  revisionLink,
  tagFolder,
  tagsFolder,
} from './layout.ts'
import { readLink, type Source } from './read-content.ts'

const TAGS_AT_ONCE = 32

export interface MutableSource extends Source {
  readonly store: MutableBlobStore
}

/** Removes a tag with its history, as Distribution 3.x does; its manifest and sibling tags stay. */
export async function removeTag(
  { store }: MutableSource,
  repository: RepositoryName,
  tag: TagName,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  // History before name: stopped in between, the tag still points where it did.
  for (const digest of await listHistory(store, repository, tag, options)) {
    // Safe: a history link is read by nobody; it says where the tag pointed once.
    await store.remove(historyLink(repository, tag, digest), options)
  }
  // Safe: this is the one file that makes the tag; the manifest keeps its own link.
  const wasThere = await store.remove(currentLink(repository, tag), options)
  await removeTemporaryFiles(store, `${tagFolder(repository, tag)}/current`, options)
  await store.removeEmptyFolders(tagFolder(repository, tag), options)
  return { kind: wasThere ? 'done' : 'absent' }
}

/**
 * Removes a manifest's link, then every tag that points at it: the order in which the registry does it.
 *
 * A push of the same manifest that comes in between shows as a tag that was not there before; it wins, and the link is
 * put back.
 */
export async function removeManifest(
  source: MutableSource,
  repository: RepositoryName,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  // Looked through first, so that a tag which cannot be read stops us while everything is still there.
  const before = new Set(await listTagsOf(source, repository, digest, options))
  // Safe: the caller holds the manifest's bytes in its journal, and the bytes here stay where they are.
  const wasThere = await source.store.remove(revisionLink(repository, digest), options)
  const tags = await listTagsOf(source, repository, digest, options)
  const pushed = tags.filter((tag) => !before.has(tag))
  if (pushed.length > 0) {
    await source.store.write(revisionLink(repository, digest), Buffer.from(digest), options)
    const text = `It was pushed again just now, as ${pushed.join(', ')}.`
    return { kind: 'refused', reason: 'referenced', text }
  }
  for (const tag of tags) await removeTag(source, repository, tag, options)
  return { kind: wasThere || tags.length > 0 ? 'done' : 'absent' }
}

async function listTagsOf(
  source: MutableSource,
  repository: RepositoryName,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<readonly TagName[]> {
  const limit = pLimit(TAGS_AT_ONCE)
  const entries = (await source.store.list(tagsFolder(repository), options)) ?? []
  const tags = entries.flatMap(({ name, kind }) => (kind === 'folder' ? (parseTagName(name) ?? []) : []))
  const matching = await Promise.all(
    tags.map((tag) =>
      limit(async () => {
        const link = await readLink(source, currentLink(repository, tag), { mayBeEmpty: false }, options)
        return link?.target === digest ? [tag] : []
      }),
    ),
  )
  return matching.flat()
}

async function listHistory(
  store: MutableBlobStore,
  repository: RepositoryName,
  tag: TagName,
  options: RunOptions | undefined,
): Promise<readonly Digest[]> {
  const folder = historyFolder(repository, tag)
  const digests: Digest[] = []
  for (const algorithm of (await store.list(folder, options)) ?? []) {
    if (algorithm.kind !== 'folder') continue
    for (const { name, kind } of (await store.list(`${folder}/${algorithm.name}`, options)) ?? []) {
      const digest = kind === 'folder' ? digestOfFolders(algorithm.name, name) : undefined
      if (digest !== undefined) digests.push(digest)
    }
  }
  return digests
}

/** What a registry that was killed left beside the link; the registry would go on listing the tag for it. */
async function removeTemporaryFiles(
  store: MutableBlobStore,
  folder: string,
  options: RunOptions | undefined,
): Promise<void> {
  for (const { name, kind } of (await store.list(folder, options)) ?? []) {
    // Safe: nothing reads a temporary file. A push that is writing it this moment fails and is repeated by its client.
    if (kind === 'file' && isTemporary(name)) await store.remove(`${folder}/${name}`, options)
  }
}
