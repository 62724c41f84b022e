/** Writes a tree's memory (tree-memory.ts) while the tree is read, in place of an older one. */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { entriesOf } from './tree-entry.ts'
import {
  INDEX_HEAD_BYTES,
  indexed,
  readAt,
  sumOfEntry,
  sumOfIndex,
  TREE_MAGIC,
  type IndexedEntry,
  type SharedTree,
} from './tree-memory.ts'

/** Never throws: a memory may be lost. */
export class TreeWriter {
  readonly #path: string
  readonly #old: SharedTree | undefined
  readonly #kept = new Set<number>()
  readonly #index: Buffer[] = []
  #file: number | undefined
  #at = 0
  #hasFailed = false

  /** `old`: what may be kept from. */
  constructor(path: string, old: SharedTree | undefined) {
    this.#path = path
    this.#old = old
  }

  /** Takes over entries of the old memory, by their numbers. */
  keep(places: Iterable<number>): void {
    for (const place of places) this.#kept.add(place)
  }

  /** Adds those of these entries that may be believed later. */
  add(entries: Buffer): void {
    for (const entry of entriesOf(entries)) {
      if (entry.isSettled) this.#try(() => this.#write(entry.key, entry.whole, sumOfEntry(entry.whole)))
    }
  }

  /** Puts the new memory in place, unless it is the old one. */
  finish(): void {
    const old = [...(this.#old === undefined ? [] : indexed(Buffer.from(this.#old.index)))]
    if (this.#index.length > 0 || this.#kept.size < old.length) {
      this.#try(() => {
        this.#copy(old)
        this.#close()
      })
    }
    this.giveUp()
  }

  /** Leaves the old memory as it is. */
  giveUp(): void {
    if (this.#file === undefined) return
    closeSync(this.#file)
    this.#file = undefined
    rmSync(this.#temporary, { force: true })
  }

  #try(act: () => void): void {
    if (this.#hasFailed) return
    try {
      act()
    } catch {
      this.#hasFailed = true
    }
  }

  get #temporary(): string {
    return `${this.#path}.${process.pid}.tmp`
  }

  #write(key: string, bytes: Uint8Array, sum: Uint8Array): void {
    if (this.#file === undefined) {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
      this.#file = openSync(this.#temporary, 'w', 0o600)
      this.#append(TREE_MAGIC)
    }
    const keyBytes = Buffer.from(key)
    const head = Buffer.alloc(INDEX_HEAD_BYTES)
    head.writeDoubleLE(this.#at, 0)
    head.writeUInt32LE(bytes.length, 8)
    head.set(sum, 12)
    head.writeUInt32LE(keyBytes.length, 20)
    this.#index.push(head, keyBytes)
    this.#append(bytes)
  }

  #append(bytes: Uint8Array): void {
    if (this.#file === undefined) return
    writeSync(this.#file, bytes)
    this.#at += bytes.length
  }

  #copy(old: readonly IndexedEntry[]): void {
    if (this.#old === undefined || this.#kept.size === 0) return
    const file = openSync(this.#old.path, 'r')
    try {
      for (const { place, key, offset, length, sum } of old) {
        // Where another run has put a memory of its own there meanwhile, the sum will not match.
        if (this.#kept.has(place)) this.#write(key, readAt(file, offset, length), sum)
      }
    } finally {
      closeSync(file)
    }
  }

  #close(): void {
    if (this.#file === undefined) return
    const index = Buffer.concat(this.#index)
    const end = Buffer.alloc(8)
    end.writeDoubleLE(this.#at, 0)
    for (const bytes of [index, end, sumOfIndex(index)]) this.#append(bytes)
    closeSync(this.#file)
    this.#file = undefined
    renameSync(this.#temporary, this.#path)
  }
}
