/**
 * What manifests refer to, in one file of the state directory: a head that says where each of 256 sections lies, then the
 * sections, each with its SHA-256. A section that does not match its sum is nobody's: its manifests are read again.
 */
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ReferenceCache } from '../../ports/reference-cache.ts'

const SECTIONS = 256
/** The last digit is the version: of this file, of the records in it, and of what is read out of a manifest. */
const MAGIC = Buffer.from('winnow-references-2\n')
const ENTRY_BYTES = 12 + 32
const FIRST_BYTES = 2048
const HEAD_BYTES = MAGIC.length + SECTIONS * ENTRY_BYTES

/** Nothing of `path` is read before it is asked for. */
export function createReferenceCache(path: string): ReferenceCache {
  return new FileReferenceCache(path)
}

/** What was added to a section, with room for more. */
interface Added {
  bytes: Uint8Array
  used: number
}

interface Place {
  readonly offset: number
  readonly length: number
  readonly sum: Buffer
}

class FileReferenceCache implements ReferenceCache {
  readonly #path: string
  readonly #added = new Map<number, Added>()
  #places: readonly Place[] | undefined
  #file: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  section(shard: number): Promise<Uint8Array> {
    const added = this.#added.get(shard)
    const kept = this.#read(shard)
    return Promise.resolve(
      added === undefined ? kept : Buffer.concat([kept, added.bytes.subarray(0, added.used)]),
    )
  }

  add(shard: number, records: Uint8Array): void {
    const added = this.#added.get(shard) ?? { bytes: EMPTY, used: 0 }
    if (added.used + records.length > added.bytes.length) {
      const larger = new Uint8Array(
        Math.max(FIRST_BYTES, added.bytes.length * 2, added.used + records.length),
      )
      larger.set(added.bytes.subarray(0, added.used))
      added.bytes = larger
    }
    added.bytes.set(records, added.used)
    added.used += records.length
    this.#added.set(shard, added)
  }

  async keep(): Promise<void> {
    if (this.#added.size === 0) {
      this.#close()
      return
    }
    try {
      await this.#write()
      this.#added.clear()
      this.#close()
    } catch {
      // A cache that cannot be kept costs time at the next run, and nothing else.
    }
  }

  #read(shard: number): Uint8Array {
    const place = this.#head()[shard]
    if (place === undefined || place.length === 0) return EMPTY
    const bytes = this.#readAt(place.offset, place.length)
    const isWhole = bytes !== undefined && sumOf(bytes).equals(place.sum)
    return isWhole ? bytes : EMPTY
  }

  #head(): readonly Place[] {
    if (this.#places !== undefined) return this.#places
    const head = this.#readAt(0, HEAD_BYTES)
    const isOurs = head?.subarray(0, MAGIC.length).equals(MAGIC) === true
    this.#places = isOurs ? Array.from({ length: SECTIONS }, (_, i) => placeIn(head, i)) : []
    return this.#places
  }

  #readAt(offset: number, length: number): Buffer | undefined {
    try {
      this.#file ??= openSync(this.#path, 'r')
      const bytes = Buffer.alloc(length)
      return readSync(this.#file, bytes, 0, length, offset) === length ? bytes : undefined
    } catch {
      return undefined
    }
  }

  /** What is read next is the file that has this name then. */
  #close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#places = undefined
  }

  async #write(): Promise<void> {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    const temporary = `${this.#path}.${process.pid}.tmp`
    const head = Buffer.alloc(HEAD_BYTES)
    MAGIC.copy(head)
    const file = openSync(temporary, 'w', 0o600)
    try {
      let offset = HEAD_BYTES
      for (let shard = 0; shard < SECTIONS; shard += 1) {
        const bytes = await this.section(shard)
        writeSync(file, bytes, 0, bytes.length, offset)
        const at = MAGIC.length + shard * ENTRY_BYTES
        head.writeUIntBE(offset, at, 6)
        head.writeUIntBE(bytes.length, at + 6, 6)
        sumOf(bytes).copy(head, at + 12)
        offset += bytes.length
      }
      writeSync(file, head, 0, head.length, 0)
      closeSync(file)
      renameSync(temporary, this.#path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  }
}

const EMPTY: Uint8Array = new Uint8Array(0)

function placeIn(head: Buffer, index: number): Place {
  const at = MAGIC.length + index * ENTRY_BYTES
  return {
    offset: head.readUIntBE(at, 6),
    length: head.readUIntBE(at + 6, 6),
    sum: head.subarray(at + 12, at + ENTRY_BYTES),
  }
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
