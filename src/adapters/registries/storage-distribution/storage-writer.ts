/**
 * Changing a CNCF Distribution registry by its own files, with or without the registry running.
 *
 * Every single write is atomic, so a running registry reads the state before or after it. One with a blob descriptor
 * cache may serve what was deleted until it forgets, and Distribution up to 3.1 with such a cache may take a later push
 * of the same manifest without writing it: bytes are therefore never removed here, only links. A store that cannot be
 * written is a refusal, as a read-only registry is.
 */
import type { RegistryName, RepositoryName } from '../../../core/image/names.ts'
import { StorageWriteError, type MutableBlobStore } from '../../../ports/mutable-blob-store.ts'
import type { ChangeOutcome, MutableRegistry } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { checkLayoutAt } from './check-layout.ts'
import { removeManifest, removeTag, type MutableSource } from './removal.ts'
import { restoreManifest } from './restoring.ts'
import { RETRY_PAUSE_MS } from './storage-reader.ts'

interface StorageWriterOptions {
  readonly name: RegistryName
  readonly store: MutableBlobStore
  /** @default 100, as for the reader */
  readonly retryPauseMs?: number
}

export function createStorageWriter({
  name,
  store,
  retryPauseMs = RETRY_PAUSE_MS,
}: StorageWriterOptions): MutableRegistry {
  const source: MutableSource = { store, retryPauseMs }
  return {
    name,
    untag: (repository, tag, options) =>
      change(source, repository, options, () => removeTag(source, repository, tag, options)),
    deleteManifest: (repository, digest, options) =>
      change(source, repository, options, () => removeManifest(source, repository, digest, options)),
    putManifest: (repository, manifest, tag, options) =>
      change(source, repository, options, () => restoreManifest(source, repository, manifest, tag, options)),
  }
}

async function change(
  { store }: MutableSource,
  repository: RepositoryName,
  options: RunOptions | undefined,
  act: () => Promise<ChangeOutcome>,
): Promise<ChangeOutcome> {
  // Without this, a volume that is not mounted would make every deletion "absent", which counts as done.
  await checkLayoutAt(store, repository, options)
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof StorageWriteError) || error.obstacle === 'other') throw error
    return { kind: 'refused', reason: error.obstacle, text: `${error.message} ${error.hint}` }
  }
}
