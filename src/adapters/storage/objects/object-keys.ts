/** Keys as they may be given to a store of objects, and where they lie below its prefix. */
import { QUARANTINE_FOLDER, quarantineKey, type AsideFile } from '../../../ports/listable-store.ts'
import { StorageEscapeError } from '../../../ports/readable-blob-store.ts'
import type { Kept, KeptKind } from './object-bucket.ts'

/** As for folders: no registry has longer ones. */
const KEY_LENGTH_MAX = 4096

/** The key itself. @throws StorageEscapeError for one with an empty part, `.`, `..` or a zero byte */
export function requireKey(place: string, key: string): string {
  const isHostile =
    key.length > KEY_LENGTH_MAX ||
    key.includes('\0') ||
    key.split('/').some((part) => part === '' || part === '.' || part === '..')
  if (isHostile) throw new StorageEscapeError(place, key.slice(0, 200))
  return key
}

/** The beginning of every key in a folder; `''` is the root. */
export function folderPrefix(place: string, folder: string): string {
  return folder === '' ? '' : `${requireKey(place, folder)}/`
}

/** @throws StorageEscapeError when the file, its run or its name would lead elsewhere */
export function requireAside(place: string, file: AsideFile): AsideFile {
  requireKey(place, file.key)
  requireKey(place, file.asideName)
  if (!/^[A-Za-z0-9-]+$/.test(file.run)) throw new StorageEscapeError(place, file.run.slice(0, 200))
  requireKey(place, quarantineKey(file))
  return file
}

/** `docker/registry` for `/docker/registry/`, as a beginning of names: with a slash at its end, or empty. */
export function rootOf(prefix: string): string {
  const parts = prefix.split('/').filter((part) => part !== '')
  return parts.map((part) => `${part}/`).join('')
}

/**
 * Empty objects that say which version or softly deleted object a run set aside. A store that keeps removed bytes does not
 * say who removed them; without this, freeing what one run set aside could free what another did, before its time.
 * They have a folder of their own, beside the copies, so that none is ever taken for a copy of an empty file.
 */
export const MARKS_FOLDER: string = QUARANTINE_FOLDER.replace(/[^/]*$/, 'kept')

export function marksPrefix({ run, asideName }: AsideFile): string {
  return `${MARKS_FOLDER}/${run}/${asideName}/`
}

export function markKey(file: AsideFile, { kind, id }: Kept): string {
  return `${marksPrefix(file)}${kind}=${encodeURIComponent(id)}`
}

/** Undefined for what is no mark of this very file: a longer name may begin alike. */
export function parseMark(file: AsideFile, key: string): Kept | undefined {
  const [kind = '', id] = key.slice(marksPrefix(file).length).split('=')
  if (!isKeptKind(kind) || id === undefined || id === '' || id.includes('/')) return undefined
  return { kind, id: decodeURIComponent(id) }
}

function isKeptKind(text: string): text is KeptKind {
  return text === 'versions' || text === 'soft-delete'
}
