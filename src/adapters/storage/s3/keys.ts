/** Keys of a store and names of objects in its bucket: which are hostile, and in which order servers list them. */
import { StorageEscapeError } from '../../../ports/readable-blob-store.ts'
import type { Connection } from './connection.ts'

/** Object stores take no longer names. */
const NAME_BYTES_MAX = 1024

/** The object's name. @throws StorageEscapeError for a hostile key, as on every other kind of store */
export function objectName({ prefix, place }: Connection, key: string): string {
  const name = prefix + key
  const isHostile =
    key.includes('\0') ||
    key.split('/').some((part) => part === '' || part === '.' || part === '..') ||
    Buffer.byteLength(name) > NAME_BYTES_MAX
  if (isHostile) throw new StorageEscapeError(place, key.slice(0, 200))
  return name
}

/** The beginning that all objects in a folder have. @throws StorageEscapeError */
export function folderPrefix(connection: Connection, folder: string): string {
  return folder === '' ? connection.prefix : `${objectName(connection, folder)}/`
}

export function keyOf({ prefix }: Connection, name: string): string {
  return name.slice(prefix.length)
}

/** Servers list names in the order of their UTF-8 bytes, which is not JavaScript's for letters beyond the first 65,536. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0
  // Equal up to where they part; bytes are compared only where a surrogate could decide.
  let i = 0
  while (a.charCodeAt(i) === b.charCodeAt(i)) i += 1
  const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
  if (Number.isNaN(x) || Number.isNaN(y)) return a.length - b.length
  if (x < 0xd800 || y < 0xd800) return x - y
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** A name that lies just before `name`, with little or nothing between: lists can be begun after it. */
export function justBefore(name: string): string {
  const isPair = /[\udc00-\udfff]$/.test(name)
  return name.slice(0, isPair ? -2 : -1)
}
