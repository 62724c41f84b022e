/**
 * What a plan found in folders of links and blobs, so that the next one need not look into those that are as they were.
 *
 * What is believed, and why: a folder whose own facts are unchanged has the entries it had (folder-facts.ts). What lies
 * deeper is taken for granted where only a registry writes to the storage:
 * - a blob's folder that had its data has it (one that had none is looked at);
 * - a layer's link says what its path says;
 * - a tag points to a manifest that is linked in its repository, as long as no tag was removed and no manifest is linked
 *   that was not before: a registry links a manifest before it writes the tag (both lines of Distribution, by strace), so
 *   a tag that was rewritten in its place, which no folder's facts show, points to one of those that are known.
 * Whether a manifest is linked is looked at each time: its link may go and come back within a folder that stays.
 *
 * Nothing of this decides what is freed: what acts on a storage looks at every file, and is given no memory. A memory that
 * is lost, or was made on another machine, costs time.
 *
 * The file: entries (tree-entry.ts), then an index of them, then where the index begins and its SHA-256. It may be larger
 * than memory, so only the index is read at once, and each entry when it is asked for.
 */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { TreeEntry } from './tree-entry.ts'

export const TREE_MAGIC: Buffer = Buffer.from('winnow-tree-3\n')
/** At the end: where the index begins (8 bytes), and its sum. */
export const TREE_END_BYTES: number = 8 + 32
/** Of each entry: where it begins (8), its length (4), the beginning of its sum (8), the length of its key (4); the key. */
export const INDEX_HEAD_BYTES = 24

/** A memory as threads share it. */
export interface SharedTree {
  readonly path: string
  /** Tells one memory from another within a program. */
  readonly number: number
  readonly index: SharedArrayBuffer
}

export interface IndexedEntry {
  /** The number of the entry within the index. */
  readonly place: number
  readonly key: string
  readonly offset: number
  readonly length: number
  readonly sum: Buffer
}

/** Every entry of an index, in order. */
export function* indexed(index: Buffer): Generator<IndexedEntry> {
  for (let at = 0, place = 0; at < index.length; place += 1) {
    const keyAt = at + INDEX_HEAD_BYTES
    const end = keyAt + index.readUInt32LE(at + 20)
    yield {
      place,
      key: index.toString('utf8', keyAt, end),
      offset: index.readDoubleLE(at),
      length: index.readUInt32LE(at + 8),
      sum: index.subarray(at + 12, at + 20),
    }
    at = end
  }
}

export class TreeMemory {
  readonly #path: string
  readonly #entries = new Map<string, IndexedEntry>()
  #file: number | undefined

  constructor({ path, index }: SharedTree) {
    this.#path = path
    for (const entry of indexed(Buffer.from(index))) this.#entries.set(entry.key, entry)
  }

  /** The number of an entry, and the entry; undefined where there is none that is whole. */
  find(key: string): { readonly place: number; readonly entry: TreeEntry } | undefined {
    const found = this.#entries.get(key)
    const bytes = found && this.#read(found)
    return bytes && { place: found.place, entry: new TreeEntry(bytes, 0) }
  }

  #read({ offset, length, sum }: IndexedEntry): Buffer | undefined {
    try {
      this.#file ??= openSync(this.#path, 'r')
      const bytes = Buffer.allocUnsafe(length)
      const isWhole = readSync(this.#file, bytes, 0, length, offset) === length
      return isWhole && sumOfEntry(bytes).equals(sum) ? bytes : undefined
    } catch {
      // Replaced or removed by another run.
      return undefined
    }
  }
}

let opened: { readonly number: number; readonly memory: TreeMemory } | undefined

/** The memory that is shared; opened once in each thread. */
export function openTree(shared: SharedTree | undefined): TreeMemory | undefined {
  if (shared === undefined) return undefined
  if (opened?.number !== shared.number) opened = { number: shared.number, memory: new TreeMemory(shared) }
  return opened.memory
}

let loads = 0

/** The memory in a file; undefined when there is none, or it is not ours, or not whole. */
export function loadTree(path: string): SharedTree | undefined {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const { size } = fstatSync(file)
    const magic = readAt(file, 0, TREE_MAGIC.length)
    if (size < TREE_MAGIC.length + TREE_END_BYTES || !magic.equals(TREE_MAGIC)) return undefined
    const end = readAt(file, size - TREE_END_BYTES, TREE_END_BYTES)
    const indexAt = end.readDoubleLE(0)
    const index = new SharedArrayBuffer(size - TREE_END_BYTES - indexAt)
    const bytes = Buffer.from(index)
    readSync(file, bytes, 0, bytes.length, indexAt)
    const isWhole = sumOfIndex(bytes).equals(end.subarray(8))
    return isWhole ? { path, number: (loads += 1), index } : undefined
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

export function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(file, bytes, 0, length, offset)
  return bytes
}

export function sumOfEntry(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, 8)
}

export function sumOfIndex(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
