/**
 * Packs commits as Git prints them, byte by byte, into a commit graph of a few flat arrays: twenty bytes an id and no string
 * for each, so that a history of millions of commits fits in memory and one of a hundred thousand is read in an instant.
 *
 * It answers as `buildCommitGraph` does for the same commits.
 */
import { invariant } from '../errors/invariant.ts'
import type { CommitGraph, CommitIndex } from './commit-graph.ts'

export interface CommitPacker {
  /** How many commits were begun. */
  readonly size: number
  /**
   * Begins the next commit; they come in topological order, children first.
   *
   * @param committedAt milliseconds since 1970
   * @param bytes holds the id from `at` on, as ASCII hexadecimal digits in lower case
   */
  begin(committedAt: number, bytes: Uint8Array, at: number): void
  /** One more parent of the commit that was begun last, told in the same way. */
  addParent(bytes: Uint8Array, at: number): void
  /**
   * @throws InvariantError when a commit came twice, or a parent before its child or not at all: Git's topological order of
   *   a history that is not shallow has none of these
   */
  finish(): CommitGraph
}

/** @param idDigits 40 of SHA-1, 64 of SHA-256 */
export function createCommitPacker(idDigits: number): CommitPacker {
  const idBytes = idDigits / 2
  const ids = growingBytes(idBytes)
  const parents = growingBytes(idBytes)
  const dates: number[] = []
  const offsets: number[] = []
  return {
    get size() {
      return dates.length
    },
    begin(committedAt, bytes, at) {
      dates.push(committedAt)
      offsets.push(parents.size)
      ids.add(bytes, at)
    },
    addParent(bytes, at) {
      parents.add(bytes, at)
    },
    finish() {
      const places = new Int32Array(dates.length + 1)
      places.set(offsets)
      places[dates.length] = parents.size
      return packedGraph(ids.bytes, parents.bytes, idBytes, Float64Array.from(dates), places)
    },
  }
}

interface GrowingBytes {
  readonly size: number
  readonly bytes: Uint8Array
  add(hex: Uint8Array, at: number): void
}

function growingBytes(idBytes: number): GrowingBytes {
  let bytes = new Uint8Array(1024 * idBytes)
  let size = 0
  return {
    get size() {
      return size
    },
    get bytes() {
      return bytes
    },
    add(hex, at) {
      const start = size * idBytes
      if (start === bytes.length) {
        const larger = new Uint8Array(bytes.length * 2)
        larger.set(bytes)
        bytes = larger
      }
      for (let byte = 0; byte < idBytes; byte++) {
        const digit = at + byte * 2
        bytes[start + byte] = (valueOf(hex[digit]) << 4) | valueOf(hex[digit + 1])
      }
      size += 1
    },
  }
}

/** `0`–`9` are 0x30–0x39, `a`–`f` are 0x61–0x66. */
function valueOf(digit = 0): number {
  return digit < 0x40 ? digit & 15 : (digit & 15) + 9
}

function packedGraph(
  ids: Uint8Array,
  parentIds: Uint8Array,
  idBytes: number,
  dates: Float64Array,
  places: Int32Array,
): CommitGraph {
  const table = hashTable(ids, idBytes, dates.length)
  const parents = new Int32Array(places[dates.length] ?? 0)
  for (let commit = 0; commit < dates.length; commit++) {
    for (let edge = places[commit] ?? 0; edge < (places[commit + 1] ?? 0); edge++) {
      const parent = table.find(parentIds, edge * idBytes)
      invariant(parent !== undefined && parent > commit, 'the parent of a commit does not follow its child')
      parents[edge] = parent
    }
  }
  const texts: string[] = []
  return {
    size: dates.length,
    // Made when it is asked for, and kept: those who compare ids ask many times.
    idOf: (commit) => (texts[commit] ??= hexOf(ids, commit * idBytes, idBytes)),
    committedAtOf: (commit) => dates[commit] ?? 0,
    parentCountOf: (commit) => (places[commit + 1] ?? 0) - (places[commit] ?? 0),
    parentOf: (commit, nth) => parents[(places[commit] ?? 0) + nth] ?? 0,
    indexOf: (id) => (id.length === idBytes * 2 ? table.find(bytesOf(id), 0) : undefined),
  }
}

interface HashTable {
  find(bytes: Uint8Array, at: number): CommitIndex | undefined
}

/** Open addressing with linear steps, at most half full; an id is a hash already, so its first bytes are its place. */
function hashTable(ids: Uint8Array, idBytes: number, size: number): HashTable {
  let capacity = 16
  while (capacity < size * 2) capacity *= 2
  const slots = new Int32Array(capacity).fill(-1)
  const mask = capacity - 1
  const slotOf = (bytes: Uint8Array, at: number): number => {
    const hash =
      ((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)
    let slot = hash & mask
    for (;;) {
      const commit = slots[slot] ?? -1
      if (commit < 0 || isSame(ids, commit * idBytes, bytes, at, idBytes)) return slot
      slot = (slot + 1) & mask
    }
  }
  for (let commit = 0; commit < size; commit++) {
    const slot = slotOf(ids, commit * idBytes)
    invariant((slots[slot] ?? -1) < 0, 'a commit was told twice')
    slots[slot] = commit
  }
  return {
    find(bytes, at) {
      const commit = slots[slotOf(bytes, at)] ?? -1
      return commit < 0 ? undefined : commit
    },
  }
}

function isSame(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): boolean {
  for (let byte = 0; byte < length; byte++) {
    if (a[atA + byte] !== b[atB + byte]) return false
  }
  return true
}

function hexOf(bytes: Uint8Array, at: number, length: number): string {
  let text = ''
  for (let byte = at; byte < at + length; byte++) text += (bytes[byte] ?? 0).toString(16).padStart(2, '0')
  return text
}

function bytesOf(id: string): Uint8Array {
  const bytes = new Uint8Array(id.length / 2)
  for (let byte = 0; byte < bytes.length; byte++) {
    bytes[byte] = (valueOf(id.charCodeAt(byte * 2)) << 4) | valueOf(id.charCodeAt(byte * 2 + 1))
  }
  return bytes
}
