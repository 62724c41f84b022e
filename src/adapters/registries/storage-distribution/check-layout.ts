/**
 * Whether this is a whole Distribution storage. Refuses whatever looks like a volume that is not mounted or a wrong
 * path: an empty inventory made from that would look exactly like a registry whose images are all gone.
 */
import type { ReadableBlobStore, StoreEntry } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import { blobsFolder, layoutFolder, repositoriesFolder, repositoryFolder } from './layout.ts'
import { StorageIncompleteError, StorageLayoutError } from './storage-errors.ts'

/**
 * @throws StorageIncompleteError when it is empty, or blobs or repositories are missing while the other exists
 * @throws StorageLayoutError when it is something else
 */
export async function checkLayout(store: ReadableBlobStore, options?: RunOptions): Promise<void> {
  const [repositories, blobs] = await Promise.all([
    store.list(repositoriesFolder, options),
    store.list(blobsFolder, options),
  ])
  if (hasFolders(repositories) && hasFolders(blobs)) return
  if (repositories === undefined && blobs === undefined) return refuse(store, options)
  if (!hasFolders(repositories) && !hasFolders(blobs)) return
  const [missing, other] = hasFolders(blobs) ? ['repositories', 'blobs'] : ['blobs', 'repositories']
  throw new StorageIncompleteError(
    store.place,
    `${layoutFolder}/${missing} is missing or empty while ${other} are there`,
  )
}

/**
 * The same, at a cost that does not grow with the number of repositories where `repository` is there.
 *
 * @throws as checkLayout
 */
export async function checkLayoutAt(
  store: ReadableBlobStore,
  repository: RepositoryName,
  options?: RunOptions,
): Promise<void> {
  const own = await store.list(repositoryFolder(repository), options)
  if (hasFolders(own) && hasFolders(await store.list(blobsFolder, options))) return
  await checkLayout(store, options)
}

async function refuse(store: ReadableBlobStore, options: RunOptions | undefined): Promise<never> {
  const top = (await store.list('', options)) ?? []
  const names = new Set(top.map(({ name }) => name))
  // A volume of its own has a lost+found even when nothing was ever put on it.
  if ([...names].every((name) => name === 'lost+found' || name.startsWith('.'))) {
    throw new StorageIncompleteError(store.place, 'it is empty')
  }
  if ((await store.list(layoutFolder, options)) !== undefined) {
    throw new StorageIncompleteError(store.place, `${layoutFolder} has neither blobs nor repositories`)
  }
  throw new StorageLayoutError(store.place, hintFor(names))
}

function hintFor(names: ReadonlySet<string>): string {
  if (names.has('repositories') || names.has('v2') || names.has('registry')) {
    return 'Give the folder that holds docker/: the registry’s own rootdirectory.'
  }
  if (names.has('oci-layout') || names.has('index.json'))
    return 'This is an OCI image layout. Write layout: oci.'
  return 'Give the registry’s rootdirectory, or write the layout it has: distribution, oci, trow or zot.'
}

function hasFolders(entries: readonly StoreEntry[] | undefined): boolean {
  return entries?.some(({ kind }) => kind !== 'file') ?? false
}
