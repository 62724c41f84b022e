/**
 * What a storage is, when it is not what it was said to be: told by the names at its top, so that the error can say what
 * to write instead.
 */
import type { ReadableBlobStore } from '../../../ports/readable-blob-store.ts'
import type { LayoutKind } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { StorageIncompleteError } from '../storage-distribution/storage-errors.ts'
import { LayoutMismatchError } from './layout-errors.ts'

interface Sign {
  readonly layout?: LayoutKind
  readonly isThere: (names: ReadonlySet<string>) => boolean
  readonly why: string
  readonly hint: string
}

const ARCHIVE_HINT =
  'Unpack an archive into a layout first, and give the folder of that:\nskopeo copy oci-archive:FILE oci:LAYOUT:TAG'
const DISTRIBUTION_FOLDER = 'docker/registry/v2'

/** Databases, and folders and marks of deduplication, some of which are there without any database. */
const zotNames = [
  'cache.db',
  'meta.db',
  '_trivy',
  '_blobstore',
  '_global_blobstore_migrated',
  '_restore_complete',
]

/** Names that nothing else has at its top. What names a product comes before what only names a format. */
const certainSigns: readonly Sign[] = [
  {
    layout: 'distribution',
    isThere: (names) => names.has(DISTRIBUTION_FOLDER),
    why: 'it is the storage of CNCF Distribution',
    hint: 'Write layout: distribution.',
  },
  {
    layout: 'trow',
    isThere: (names) => names.has('trow.db'),
    why: 'it is the data folder of Trow',
    hint: 'Write layout: trow.',
  },
  {
    layout: 'zot',
    isThere: (names) => zotNames.some((name) => names.has(name)),
    why: 'it is the storage of zot, which keeps a database beside its layouts',
    hint: 'Write layout: zot.',
  },
  {
    layout: 'oci',
    isThere: (names) => names.has('oci-layout'),
    why: 'it is one OCI image layout',
    hint: 'Write layout: oci.',
  },
]

/** Names that could also be those of repositories; asked for only where nothing else was found. */
const likelySigns: readonly Sign[] = [
  {
    layout: 'trow',
    isThere: (names) => names.has('blobs') && names.has('manifests'),
    why: 'it looks like the data folder of Trow',
    hint: 'Write layout: trow.',
  },
  {
    layout: 'oci',
    isThere: (names) => names.has('index.json') && names.has('blobs'),
    why: 'it is a part of an OCI image layout, whose file oci-layout is missing',
    hint: 'Restore the file oci-layout, or copy the images into a new layout. A copy that runs writes it last.',
  },
  {
    isThere: (names) => names.has('manifest.json') && names.has('version'),
    why: 'it is one image in skopeo’s dir: format',
    hint: 'Nothing can be freed of it. To keep many images, copy them to an OCI layout:\nskopeo copy dir:FOLDER oci:LAYOUT:TAG',
  },
  {
    isThere: (names) => [...names].some((name) => /\.(?:tar|tgz|tar\.gz)$/.test(name)),
    why: 'it holds archives, and nothing can be freed inside of an archive',
    hint: ARCHIVE_HINT,
  },
]

/** @throws LayoutMismatchError when names at the top are those of another layout */
export async function refuseOtherLayouts(
  store: ReadableBlobStore,
  layout: LayoutKind,
  options?: RunOptions,
): Promise<void> {
  const names = await topNames(store, options)
  const found = certainSigns.find(({ isThere }) => isThere(names))
  if (found !== undefined && found.layout !== layout)
    throw new LayoutMismatchError(store.place, layout, found.why, { hint: found.hint })
}

/**
 * For storages in which nothing of the layout was found.
 *
 * @throws StorageIncompleteError when it is empty, LayoutMismatchError when it is something else
 */
export async function refuseUnknown(
  store: ReadableBlobStore,
  layout: LayoutKind,
  expected: { readonly why: string; readonly hint: string },
  options?: RunOptions,
): Promise<never> {
  const names = await topNames(store, options)
  // A volume of its own has a lost+found even when nothing was ever put on it.
  if ([...names].every((name) => name === 'lost+found' || name.startsWith('.')))
    throw new StorageIncompleteError(store.place, 'it is empty')
  const sign = [...certainSigns, ...likelySigns].find((each) => each.isThere(names))
  const { why, hint } = sign ?? expected
  throw new LayoutMismatchError(store.place, layout, why, { hint })
}

/** What lies at the top, and whether the folder of Distribution does, whose first part may be a repository's name. */
async function topNames(
  store: ReadableBlobStore,
  options: RunOptions | undefined,
): Promise<ReadonlySet<string>> {
  const names = new Set(((await store.list('', options)) ?? []).map(({ name }) => name))
  if (names.has('docker') && (await store.list(DISTRIBUTION_FOLDER, options)) !== undefined)
    names.add(DISTRIBUTION_FOLDER)
  return names
}

/** For a storage whose path is that of an archive. */
export function archiveError(place: string, layout: LayoutKind, cause: unknown): LayoutMismatchError {
  return new LayoutMismatchError(place, layout, 'it is an archive, and nothing can be freed inside of one', {
    hint: ARCHIVE_HINT,
    cause,
  })
}
