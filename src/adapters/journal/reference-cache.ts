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
const MAGIC = Buffer.from('winnow-references-1\n')
const ENTRY_BYTES = 12 + 32
const HEAD_BYTES = MAGIC.length + SECTIONS * ENTRY_BYTES

/** Nothing of `path` is read before it is asked for. */
export function createReferenceCache(path: string): ReferenceCache {
  return new FileReferenceCache(path)
}

interface Place {
  readonly offset: number
  readonly length: number
  readonly sum: Buffer
}

class FileReferenceCache implements ReferenceCache {
  readonly #path: string
  readonly #added = new Map<number, Uint8Array[]>()
  #places: readonly Place[] | undefined

  constructor(path: string) {
    this.#path = path
  }

  section(shard: number): Promise<Uint8Array> {
    const added = this.#added.get(shard) ?? []
    const kept = this.#read(shard)
    return Promise.resolve(added.length === 0 ? kept : Buffer.concat([kept, ...added]))
  }

  add(shard: number, records: Uint8Array): void {
    const own = this.#added.get(shard)
    // A copy (`slice` of a Buffer is none): what we were given is a window into something much larger.
    const copy = Uint8Array.from(records)
    if (own === undefined) this.#added.set(shard, [copy])
    else own.push(copy)
  }

  async keep(): Promise<void> {
    if (this.#added.size === 0) return
    try {
      await this.#write()
      this.#added.clear()
      this.#places = undefined
    } catch {
      // A cache that cannot be kept costs time at the next run, and nothing else.
    }
  }

  #read(shard: number): Uint8Array {
    const place = this.#head()[shard]
    if (place === undefined || place.length === 0) return EMPTY
    const bytes = readAt(this.#path, place.offset, place.length)
    const isWhole = bytes !== undefined && sumOf(bytes).equals(place.sum)
    return isWhole ? bytes : EMPTY
  }

  #head(): readonly Place[] {
    if (this.#places !== undefined) return this.#places
    const head = readAt(this.#path, 0, HEAD_BYTES)
    const isOurs = head?.subarray(0, MAGIC.length).equals(MAGIC) === true
    this.#places = isOurs ? Array.from({ length: SECTIONS }, (_, i) => placeIn(head, i)) : []
    return this.#places
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

function readAt(path: string, offset: number, length: number): Buffer | undefined {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const bytes = Buffer.alloc(length)
    return readSync(file, bytes, 0, length, offset) === length ? bytes : undefined
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
