/**
 * `layout: zot`: one OCI image layout for each repository, beside zot's databases.
 *
 * Refused is whatever only zot knows: a storage it is running on, one where it keeps bytes once for several repositories
 * (`_blobstore`, or empty files on object stores). Repositories that share a blob by hard links are swept: each name is a
 * file of its own, and its bytes are free when the last name is gone.
 */
import { parseRepositoryName } from '../../../core/image/names.ts'
import type { ReadableLayout } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { checkPool } from '../storage-oci/check-pools.ts'
import { refusePlaceholders } from '../storage-oci/check-placeholders.ts'
import { findPools, type FoundPool } from '../storage-oci/find-pools.ts'
import { MetadataElsewhereError } from '../storage-oci/layout-errors.ts'
import { hasFiles, type LayoutStore } from '../storage-oci/list-files.ts'
import type { Source } from '../storage-oci/look-again.ts'
import { createOciPool } from '../storage-oci/oci-pool.ts'
import { inPool } from '../storage-oci/read-index.ts'
import { refuseOtherLayouts, refuseUnknown } from '../storage-oci/recognise-layout.ts'
import type { RunningState } from './scan-open-files.ts'
import { ZotRunningError } from './zot-errors.ts'

export interface ZotLayoutSettings {
  readonly store: LayoutStore
  readonly state: ZotState
  /** How long to wait before looking again at a file that is not whole. @default 200 */
  readonly retryPauseMs?: number
}

export interface ZotState {
  /** Whether something will be changed. A plan alone may be made while zot runs, with a warning. */
  readonly mayChange: boolean
  /** Asked at every check. */
  readonly isRunning: (options?: RunOptions) => Promise<RunningState>
  /** Whether a person, or a maintenance that stopped it, says that zot is stopped; counts only where nobody can tell. */
  readonly toldStopped: boolean
}

/** Where newer zots keep the bytes of every blob once; no repository can have that name. */
const BLOB_STORE = '_blobstore'

export function createZotLayout(settings: ZotLayoutSettings): ReadableLayout {
  const { store, state } = settings
  const source: Source = settings
  return {
    place: store.place,
    layout: 'zot',
    check: async (options) => {
      await checkStopped(store.place, state, options)
      await checkZot(source, options)
    },
    async *pools(options) {
      for (const { name } of await findRepositories(source, false, options)) yield createOciPool(source, name)
    },
  }
}

async function checkStopped(
  place: string,
  { mayChange, isRunning, toldStopped }: ZotState,
  options: RunOptions | undefined,
): Promise<void> {
  const state = await isRunning(options)
  if (state === 'stopped' || (state === 'unknown' && toldStopped)) return
  if (state === 'running' && mayChange) throw new ZotRunningError(place)
  const text =
    state === 'running'
      ? `zot is running on ${place}. This plan can be read, and not applied before zot is stopped.`
      : `Nobody can tell whether zot is running on ${place}. Blobs are set aside, and none is freed before somebody says that it is not: --stopped.`
  options?.onEvent?.({ kind: 'warning', text })
}

async function checkZot(source: Source, options: RunOptions | undefined): Promise<void> {
  const { store } = source
  await refuseOtherLayouts(store, 'zot', options)
  await refuseBlobStore(source, options)
  const repositories = await findRepositories(source, true, options)
  if (repositories.length === 0) await refuseUnknown(store, 'zot', nothingFound, options)
  for (const repository of repositories) {
    await checkPool(source, repository, options)
    await refusePlaceholders(source, inPool(repository.name, 'blobs'), options)
  }
  if (repositories.length < 2) return
  const text = `Repositories of zot may share blobs by hard links, so the bytes told for ${store.place} are the most that can become free: a blob's bytes are free when its last name is gone.`
  options?.onEvent?.({ kind: 'warning', text })
}

const nothingFound = {
  why: 'no repository was found in it',
  hint: 'Give the rootDirectory of zot’s configuration, or one of its subPaths; each is a storage of its own.',
}

async function refuseBlobStore({ store }: Source, options: RunOptions | undefined): Promise<void> {
  if (!(await hasFiles(store, BLOB_STORE, options))) return
  throw new MetadataElsewhereError(
    store.place,
    `zot keeps a name for every blob in ${BLOB_STORE}, so nothing would become free without removing that one too, and only zot knows when it may`,
    'Let zot collect by itself: "gc": true with "gcDelay" and "gcInterval" under "storage" in its configuration.',
  )
}

/** Layouts whose folder is a repository's name. */
async function findRepositories(
  { store }: Source,
  tells: boolean,
  options: RunOptions | undefined,
): Promise<readonly FoundPool[]> {
  const mayEnter = (name: string): boolean => parseRepositoryName(name) !== undefined
  return findPools(store, { mayEnter, tells }, options)
}
