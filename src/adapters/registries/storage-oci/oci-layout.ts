/**
 * `layout: oci`: one OCI image layout, or a tree of them (`skopeo copy … oci:FOLDER:TAG`), each with blobs of its own.
 *
 * Nothing locks a layout: a copy that is made during a sweep may come to need a blob that was already there. That is why
 * blobs are set aside first and the index is read again; here every read is a fresh one.
 */
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { ReadableLayout } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { checkPool, refuseSharedBlobs } from './check-pools.ts'
import { refusePlaceholders } from './check-placeholders.ts'
import { findPools, type FoundPool } from './find-pools.ts'
import type { LayoutStore } from './list-files.ts'
import type { Source } from './look-again.ts'
import { createOciPool } from './oci-pool.ts'
import { inPool } from './read-index.ts'
import { archiveError, refuseOtherLayouts, refuseUnknown } from './recognise-layout.ts'

export interface OciLayoutSettings {
  readonly store: LayoutStore
  /** How long to wait before looking again at a file that is not whole. @default 200 */
  readonly retryPauseMs?: number
}

export function createOciLayout(settings: OciLayoutSettings): ReadableLayout {
  const { store } = settings
  const source: Source = settings
  return {
    place: store.place,
    layout: 'oci',
    check: (options) => checkOci(source, options),
    async *pools(options) {
      for (const { name } of await findOciPools(source, false, options)) yield createOciPool(source, name)
    },
  }
}

async function checkOci(source: Source, options: RunOptions | undefined): Promise<void> {
  const { store } = source
  try {
    await refuseOtherLayouts(store, 'oci', options)
  } catch (error) {
    const isArchive = error instanceof StorageUnreadableError && /\.(?:tar|tgz|tar\.gz)$/.test(store.place)
    throw isArchive ? archiveError(store.place, 'oci', error) : error
  }
  const pools = await findOciPools(source, true, options)
  if (pools.length === 0) await refuseUnknown(store, 'oci', nothingFound, options)
  for (const pool of pools) await checkPool(source, pool, options)
  if (pools.length < 2) return
  // One layout's blobs can only be another's need where there are several.
  await refuseSharedBlobs(source, pools, options)
  for (const { name } of pools) await refusePlaceholders(source, inPool(name, 'blobs'), options)
}

const nothingFound = {
  why: 'no file oci-layout was found in it',
  hint: 'Give the folder that holds oci-layout, index.json and blobs/, or one above several such folders.',
}

async function findOciPools(
  { store }: Source,
  tells: boolean,
  options: RunOptions | undefined,
): Promise<readonly FoundPool[]> {
  return findPools(store, { mayEnter: () => true, tells }, options)
}
