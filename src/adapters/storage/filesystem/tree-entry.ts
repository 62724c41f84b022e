/**
 * What was found at one place of a tree, packed: how it travels from a thread, and how it is kept for the next plan.
 *
 * An entry: numbers of four bytes, little-endian (length of the whole, the key, the words, the facts; how many parts; flags;
 * length of each part), then key, words, facts and parts.
 */
import { FACTS_BYTES, isUnchanged } from './folder-facts.ts'

const HEAD_BYTES = 24
const IS_SETTLED = 1

export interface EntryContent {
  /** What it is of; one of its kind in a tree. */
  readonly key: string
  /** Whatever else is to be known in words. */
  readonly words: string
  /** Facts of folders (folder-facts.ts) that tell whether it still holds. */
  readonly facts: Uint8Array
  /** Whether a later change would show in the facts. */
  readonly isSettled: boolean
  readonly parts: readonly Uint8Array[]
}

export function packEntry({ key, words, facts, isSettled, parts }: EntryContent): Uint8Array {
  const [keyBytes, wordBytes] = [Buffer.from(key), Buffer.from(words)]
  const pieces = [keyBytes, wordBytes, facts, ...parts]
  const headBytes = HEAD_BYTES + parts.length * 4
  const entry = Buffer.allocUnsafeSlow(pieces.reduce((total, { length }) => total + length, headBytes))
  const numbers = [entry.length, keyBytes.length, wordBytes.length, facts.length, parts.length]
  numbers.push(isSettled ? IS_SETTLED : 0, ...parts.map(({ length }) => length))
  for (const [i, number] of numbers.entries()) entry.writeUInt32LE(number, i * 4)
  let at = headBytes
  for (const piece of pieces) {
    entry.set(piece, at)
    at += piece.length
  }
  return entry
}

export class TreeEntry {
  readonly offset: number
  /** Of what follows it. */
  readonly end: number
  readonly isSettled: boolean
  readonly #bytes: Buffer
  readonly #keyAt: number
  readonly #wordsAt: number
  readonly #factsAt: number
  readonly #partsAt: number
  readonly #partLengths: readonly number[]

  /** The entry that begins at `offset`, which must be whole. */
  constructor(bytes: Buffer, offset: number) {
    const number = (i: number): number => bytes.readUInt32LE(offset + i * 4)
    this.#bytes = bytes
    this.offset = offset
    this.end = offset + number(0)
    this.isSettled = number(5) === IS_SETTLED
    this.#partLengths = Array.from({ length: number(4) }, (_, i) => number(6 + i))
    this.#keyAt = offset + HEAD_BYTES + this.#partLengths.length * 4
    this.#wordsAt = this.#keyAt + number(1)
    this.#factsAt = this.#wordsAt + number(2)
    this.#partsAt = this.#factsAt + number(3)
  }

  get key(): string {
    return this.#bytes.toString('utf8', this.#keyAt, this.#wordsAt)
  }

  get words(): string {
    return this.#bytes.toString('utf8', this.#wordsAt, this.#factsAt)
  }

  part(index: number): Buffer {
    const before = this.#partLengths.slice(0, index).reduce((total, length) => total + length, 0)
    const start = this.#partsAt + before
    return this.#bytes.subarray(start, start + (this.#partLengths[index] ?? 0))
  }

  /** The entry's own bytes. */
  get whole(): Buffer {
    return this.#bytes.subarray(this.offset, this.end)
  }

  /** Whether these folders, in the order in which their facts were taken, are as they were. */
  areUnchanged(folders: readonly string[]): boolean {
    if (folders.length * FACTS_BYTES !== this.#partsAt - this.#factsAt) return false
    const { buffer, byteOffset, length } = this.#bytes
    const view = new DataView(buffer, byteOffset, length)
    return folders.every((folder, i) => isUnchanged(folder, view, this.#factsAt + i * FACTS_BYTES))
  }
}

/** Entries one after the other. */
export function* entriesOf(bytes: Buffer): Generator<TreeEntry> {
  for (let offset = 0; offset < bytes.length;) {
    const entry = new TreeEntry(bytes, offset)
    yield entry
    offset = entry.end
  }
}
