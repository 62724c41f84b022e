/**
 * `layout: trow`: Trow up to 0.6, which keeps everything in files. A tag's file has a line for each push, newest first;
 * the first line says what the tag is now and is needed, the lines below it are history and are not. A manifest that no
 * tag names, and no index that a tag names, is not needed either: Trow of that time has no other links.
 *
 * Refused: Trow from 0.7 on. It keeps manifests in a database and collects by itself.
 */
import { counted } from '../../../core/words/counted.ts'
import type { ReadableLayout } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { StorageIncompleteError } from '../storage-distribution/storage-errors.ts'
import { createPoolOfBlobs } from '../storage-oci/blob-files.ts'
import { MetadataElsewhereError } from '../storage-oci/layout-errors.ts'
import { hasFiles, type LayoutStore } from '../storage-oci/list-files.ts'
import type { Source } from '../storage-oci/look-again.ts'
import { refuseOtherLayouts, refuseUnknown } from '../storage-oci/recognise-layout.ts'
import { askTrowDatabase, DATABASE, type Collectable } from './ask-trow-database.ts'
import { MANIFESTS, readTrowLinks } from './read-trow-links.ts'

export interface TrowLayoutSettings {
  readonly store: LayoutStore
  /** How long to wait before looking again at a file that is not whole. @default 200 */
  readonly retryPauseMs?: number
  /** For what Trow's own collector will take. @default Date.now */
  readonly now?: () => number
}

const BLOBS = 'blobs'

export function createTrowLayout(settings: TrowLayoutSettings): ReadableLayout {
  const { store, now = Date.now } = settings
  const source: Source = settings
  return {
    place: store.place,
    layout: 'trow',
    check: (options) => checkTrow(source, now, options),
    async *pools() {
      yield {
        name: '',
        readLinks: (visit, options) => readTrowLinks(source, visit, options),
        ...createPoolOfBlobs({ source, folder: BLOBS }),
      }
    },
  }
}

async function checkTrow(source: Source, now: () => number, options: RunOptions | undefined): Promise<void> {
  const { store } = source
  await refuseOtherLayouts(store, 'trow', options)
  const top = new Set(((await store.list('', options)) ?? []).map(({ name }) => name))
  if (top.has(DATABASE))
    throw databaseError(store.place, await askTrowDatabase(store, new Date(now()), options))
  if (!top.has(BLOBS) && !top.has(MANIFESTS)) await refuseUnknown(store, 'trow', nothingFound, options)
  const tags = await hasFiles(store, MANIFESTS, options)
  const blobs = await hasFiles(store, BLOBS, options)
  if (tags === blobs) return
  const [missing, other] = tags ? [BLOBS, 'tags'] : [MANIFESTS, 'blobs']
  throw new StorageIncompleteError(store.place, `${missing} is missing or empty while ${other} are there`)
}

const nothingFound = {
  why: 'it has neither blobs nor manifests',
  hint: 'Give the folder that Trow was started with as --data-dir.',
}

function databaseError(place: string, collectable: Collectable | undefined): MetadataElsewhereError {
  const soon =
    collectable === undefined
      ? 'how much that is now could not be read'
      : `now that would be ${counted(collectable.blobs, 'blob')} with ${counted(collectable.bytes, 'byte')}`
  return new MetadataElsewhereError(
    place,
    `this is Trow 0.7 or newer, which keeps its manifests in ${DATABASE} and removes blobs without a manifest by itself, every ten minutes, once nobody has asked for them for a day (${soon})`,
    'Delete manifests through Trow, with winnow plan and winnow apply; Trow frees their bytes within a day. Deleting tags alone frees nothing.',
  )
}
