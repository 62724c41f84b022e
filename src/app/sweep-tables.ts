/** What one reading of a pool showed, packed: stored blobs, links, and what is left of repositories. */
import type { Digest } from '../core/image/digest.ts'
import { RecordTable } from '../core/sweep/record-table.ts'
import {
  algorithms,
  digestBytes,
  digestOfBytes,
  type DigestAlgorithm,
} from '../core/sweep/reference-record.ts'
import type { Scratch } from '../core/sweep/scratch.ts'
import type {
  LinkAlias,
  PackedDigests,
  RepositoryLinks,
  RepositoryRemains,
  StoredBlobs,
  UploadFolder,
} from '../ports/readable-layout.ts'

/** Each table moves to scratch beyond this; there are a handful of them. */
const TABLE_BYTES_MAX = 8 * 1024 * 1024

export type ByAlgorithm<T> = Readonly<Record<DigestAlgorithm, T>>

/** One table for each algorithm, since their digests differ in length. `extra`: bytes of a record after the digest. */
export function tablesOf(name: string, extra: number, scratch: Scratch): ByAlgorithm<RecordTable> {
  const table = (algorithm: DigestAlgorithm): RecordTable =>
    new RecordTable(`${name}-${algorithm}`, digestBytes[algorithm] + extra, {
      scratch,
      memoryBytesMax: TABLE_BYTES_MAX,
    })
  return { sha256: table('sha256'), sha512: table('sha512') }
}

export function sizeOf(tables: ByAlgorithm<RecordTable>): number {
  return algorithms.reduce((total, algorithm) => total + tables[algorithm].size, 0)
}

/** After the digest of a stored blob: its size and its time, NaN where the listing did not tell. */
export const STORED_EXTRA = 16
/** After the digest of a layer link: the number of its repository, and its time. */
export const LAYER_EXTRA = 12

/** Size and time where the listing did not tell them. */
const UNTOLD: Uint8Array = new Uint8Array(STORED_EXTRA)
new DataView(UNTOLD.buffer).setFloat64(0, Number.NaN)
new DataView(UNTOLD.buffer).setFloat64(8, Number.NaN)

export class PoolTables {
  readonly stored: ByAlgorithm<RecordTable>
  readonly roots: ByAlgorithm<RecordTable>
  readonly layers: ByAlgorithm<RecordTable>
  /** Folders of deleted manifests, with the number of their repository. */
  readonly deleted: ByAlgorithm<RecordTable>
  readonly aliases: (LinkAlias & { readonly repository: number })[] = []
  readonly repositories: string[] = []
  readonly remains = new Map<number, RepositoryRemains>()
  readonly uploads: UploadFolder[] = []

  constructor(name: string, scratch: Scratch) {
    this.stored = tablesOf(`${name}-stored`, STORED_EXTRA, scratch)
    this.roots = tablesOf(`${name}-roots`, 0, scratch)
    this.layers = tablesOf(`${name}-layers`, LAYER_EXTRA, scratch)
    this.deleted = tablesOf(`${name}-deleted`, LAYER_EXTRA, scratch)
  }

  addBlobs({ algorithm, bytes, facts }: StoredBlobs): void {
    if (facts === undefined) {
      this.stored[algorithm].addEach(bytes, UNTOLD)
      return
    }
    const width = digestBytes[algorithm]
    const { record, view } = recordOf(width + STORED_EXTRA)
    for (let i = 0; i * width < bytes.length; i += 1) {
      record.set(bytes.subarray(i * width, (i + 1) * width))
      view.setFloat64(width, facts.sizes[i] ?? Number.NaN)
      view.setFloat64(width + 8, facts.times[i] ?? Number.NaN)
      this.stored[algorithm].addAt(record, 0)
    }
  }

  addLinks(links: RepositoryLinks): void {
    const repository = this.repositories.push(links.repository) - 1
    for (const { algorithm, bytes } of links.roots) this.roots[algorithm].add(bytes)
    for (const [i, layers] of links.layers.entries())
      addLinked(this.layers, layers, repository, links.layerTimes?.[i])
    for (const deleted of links.deletedManifests) addLinked(this.deleted, deleted, repository, undefined)
    this.aliases.push(...links.aliases.map((alias) => ({ ...alias, repository })))
    this.uploads.push(...links.uploads)
    if (links.remains !== undefined) this.remains.set(repository, links.remains)
  }

  nameOf(repository: number): string {
    return this.repositories[repository] ?? ''
  }

  clear(): void {
    for (const tables of [this.stored, this.roots, this.layers, this.deleted]) {
      for (const algorithm of algorithms) tables[algorithm].clear()
    }
  }
}

function addLinked(
  tables: ByAlgorithm<RecordTable>,
  { algorithm, bytes }: PackedDigests,
  repository: number,
  times: Float64Array | undefined,
): void {
  if (times === undefined) {
    const { record: tail, view } = recordOf(LAYER_EXTRA)
    view.setUint32(0, repository)
    view.setFloat64(4, Number.NaN)
    tables[algorithm].addEach(bytes, tail)
    return
  }
  const width = digestBytes[algorithm]
  const { record, view } = recordOf(width + LAYER_EXTRA)
  for (let i = 0; i * width < bytes.length; i += 1) {
    record.set(bytes.subarray(i * width, (i + 1) * width))
    view.setUint32(width, repository)
    view.setFloat64(width + 4, times[i] ?? Number.NaN)
    tables[algorithm].addAt(record, 0)
  }
}

function recordOf(length: number): { readonly record: Uint8Array; readonly view: DataView } {
  const record = new Uint8Array(length)
  return { record, view: new DataView(record.buffer) }
}

/** One layer link, or folder of a deleted manifest, as a table has it. */
export interface LinkedRecord {
  readonly digest: Digest
  readonly repository: number
  /** NaN where it is not known. */
  readonly time: number
}

/** Reads the link at `offset` of a shard. */
export function linkedRecord(algorithm: DigestAlgorithm, bytes: Uint8Array, offset: number): LinkedRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, digestBytes[algorithm] + LAYER_EXTRA)
  const width = digestBytes[algorithm]
  return {
    digest: digestOfBytes(algorithm, bytes, offset),
    repository: view.getUint32(width),
    time: view.getFloat64(width + 4),
  }
}

/** The number of the repository alone. */
export function linkedRepository(algorithm: DigestAlgorithm, bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset + digestBytes[algorithm], 4).getUint32(0)
}

/** The size of the stored blob whose record begins at `offset`. */
export function storedSize(algorithm: DigestAlgorithm, bytes: Uint8Array, offset: number): number {
  return storedView(algorithm, bytes, offset).getFloat64(0)
}

/** What follows the digest in the record of a stored blob. */
function storedView(algorithm: DigestAlgorithm, bytes: Uint8Array, offset: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + offset + digestBytes[algorithm], STORED_EXTRA)
}

/** Calls back with the offset of each layer link of a shard. */
export function eachLink(
  table: RecordTable,
  algorithm: DigestAlgorithm,
  shard: number,
  visit: (links: Uint8Array, offset: number) => void,
): void {
  const links = table.shard(shard)
  for (let at = 0; at < links.length; at += digestBytes[algorithm] + LAYER_EXTRA) visit(links, at)
}
