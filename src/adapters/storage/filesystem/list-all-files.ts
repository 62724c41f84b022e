/**
 * Names every file below a folder, many folders at a time.
 *
 * Promises what ports/listable-store.ts asks for. Symbolic links are refused and not passed over: a registry writes none,
 * and what lies behind one would be missing from the list.
 */
import { lstatSync, readdir as readdirOf, type Dirent } from 'node:fs'
import { promisify } from 'node:util'
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { ListedFile } from '../../../ports/listable-store.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { errnoOf, unreadable } from './errno.ts'
import { resolveExisting } from './paths.ts'

const readdir = promisify(readdirOf)

/** Disks and network file systems answer many questions at once; more than this gains nothing. */
const FOLDERS_AT_ONCE = 64
const BATCH_FILES = 1000

/** `prefix` is a folder, ending in `/`, or ''; the root itself was resolved by the caller. */
export async function* listAllFiles(
  realRoot: string,
  prefix: string,
  options: RunOptions | undefined,
): AsyncGenerator<readonly ListedFile[]> {
  const start = await resolveExisting(realRoot, prefix.replace(/\/$/, ''))
  if (start === undefined) return
  // Newest first: the walk goes down before it goes on, so that what waits stays short.
  const waiting: Folder[] = [{ path: start, prefix }]
  let batch: ListedFile[] = []
  while (waiting.length > 0) {
    if (options?.signal?.aborted === true) throw new InterruptedError()
    const read = await Promise.all(waiting.splice(-FOLDERS_AT_ONCE).map(readFolder))
    for (const { files, folders } of read) {
      waiting.push(...folders)
      batch.push(...files)
    }
    if (batch.length < BATCH_FILES) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

interface Folder {
  readonly path: string
  /** Its key and a slash; '' for the root. */
  readonly prefix: string
}

interface FolderContent {
  readonly files: readonly ListedFile[]
  readonly folders: readonly Folder[]
}

async function readFolder(folder: Folder): Promise<FolderContent> {
  const entries = await entriesOf(folder.path)
  const link = entries.find((entry) => entry.isSymbolicLink())
  if (link !== undefined) throw symbolicLink(`${folder.path}/${link.name}`)
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => factsOf(folder, name))
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: `${folder.path}/${name}`, prefix: `${folder.prefix}${name}/` }))
  return { files: files.filter((file) => file !== undefined), folders }
}

async function entriesOf(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    // Removed since its name was read: it no longer is when the list ends.
    if (errnoOf(error) === 'ENOENT') return []
    throw unreadable(path, error)
  }
}

function factsOf({ path, prefix }: Folder, name: string): ListedFile | undefined {
  try {
    const facts = lstatSync(`${path}/${name}`)
    return { key: prefix + name, sizeBytes: facts.size, modifiedAt: Math.floor(facts.mtimeMs) }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw unreadable(`${path}/${name}`, error)
  }
}

function symbolicLink(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'it is a symbolic link, and what lies behind it would be missed', {
    hint: 'Put the folder itself in the place of the link, for instance by a bind mount.',
  })
}
