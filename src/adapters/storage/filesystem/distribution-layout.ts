/**
 * A Distribution storage in a folder, read for a sweep by threads (distribution-links.ts, distribution-blobs.ts).
 *
 * Promises what ports/readable-layout.ts asks for.
 */
import { join } from 'node:path'
import pLimit from 'p-limit'
import { parseManifest } from '../../../core/image/parse-manifest.ts'
import type { Digest } from '../../../core/image/digest.ts'
import {
  algorithms,
  digestBytes,
  packReferences,
  type DigestAlgorithm,
} from '../../../core/sweep/reference-record.ts'
import { strayWarning } from '../../../core/sweep/stray-folders.ts'
import type {
  BlobFacts,
  BlobFile,
  BlobPool,
  LayerLink,
  PackedDigests,
  ReadableLayout,
  ReferencesRead,
  RepositoryLinks,
  StoredBlobs,
} from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { damaged, isContent } from './distribution-blobs.ts'
import { linksOf } from './distribution-links.ts'
import { resolveRoot } from './paths.ts'
import { entriesIn } from './scan-files.ts'
import type { ScanPool } from './scan-pool.ts'
import { StoredStarts } from './stored-starts.ts'
import { entriesOf } from './tree-entry.ts'
import { loadTree, type SharedTree } from './tree-memory.ts'
import { TreeWriter } from './tree-memory-writer.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'

const LAYOUT_FOLDER = 'docker/registry/v2'
const BLOBS = `${LAYOUT_FOLDER}/blobs`
const REPOSITORIES = `${LAYOUT_FOLDER}/repositories`
/** How much one request to a thread asks for: enough to be worth the way, little enough to spread. */
const FOLDERS_PER_REQUEST = 8
const REPOSITORIES_PER_REQUEST = 32
const MANIFESTS_PER_REQUEST = 512
const FACTS_PER_REQUEST = 512

export interface FileDistributionLayout {
  /** The folder that holds `docker/`. */
  readonly root: string
  readonly pool: ScanPool
  readonly memory?: MemorySettings
  /** Whether the storage is whole and may be swept; throws what stands against it. */
  readonly check: (options?: RunOptions) => Promise<void>
}

/** Where it is kept what was looked at before (tree-memory.ts). */
export interface MemorySettings {
  readonly path: string
  /** Whether it is believed, for plans; whoever acts looks at every file, and only writes it. */
  readonly isBelieved: boolean
}

export function createFileDistributionLayout({
  root,
  pool,
  memory,
  check,
}: FileDistributionLayout): ReadableLayout {
  return {
    place: root,
    layout: 'distribution',
    check,
    async *pools() {
      yield new FilePool(await resolveRoot(root), pool, memory)
    },
  }
}

class FilePool implements BlobPool {
  readonly name = ''
  readonly #root: string
  readonly #pool: ScanPool
  readonly #memory: MemorySettings | undefined
  readonly #believed: SharedTree | undefined
  #writer: TreeWriter | undefined
  #stored: SharedArrayBuffer | undefined

  constructor(root: string, pool: ScanPool, memory: MemorySettings | undefined) {
    this.#root = root
    this.#pool = pool
    this.#memory = memory
    this.#believed = memory?.isBelieved === true ? loadTree(memory.path) : undefined
  }

  async listBlobs(visit: (blobs: StoredBlobs) => void, options?: RunOptions): Promise<void> {
    this.#writer = this.#memory && new TreeWriter(this.#memory.path, this.#believed)
    const starts = this.#memory?.isBelieved === true ? new StoredStarts() : undefined
    const folders = this.#shardFolders(options)
    const strays: string[] = []
    await this.#each(folders, async (asked) => {
      const { algorithm } = asked
      const scanned = await this.#pool.ask(
        'blobs',
        { ...asked, blobs: this.#blobs, memory: this.#believed },
        options,
      )
      strays.push(...scanned.strays)
      this.#writer?.keep(scanned.kept)
      this.#writer?.add(bufferOf(scanned.entries))
      if (algorithm === 'sha256') starts?.add(scanned.digests)
      visit({ algorithm, bytes: scanned.digests })
    })
    this.#stored = starts?.shared()
    if (strays.length > 0) warnOfStrays(strays.toSorted(), options)
  }

  async readLinks(visit: (links: RepositoryLinks) => void, options?: RunOptions): Promise<void> {
    try {
      await this.#readLinks(visit, options)
      // Links are read last, so everything of this scan was looked at by now.
      this.#writer?.finish()
    } finally {
      this.#writer?.giveUp()
      // Links may be read once more, and what a scan kept is kept once.
      this.#writer = undefined
    }
  }

  async #readLinks(visit: (links: RepositoryLinks) => void, options?: RunOptions): Promise<void> {
    const base = join(this.#root, REPOSITORIES)
    const pending: string[] = ['']
    const working = new Set<Promise<void>>()
    const failures: unknown[] = []
    const strays: string[] = []
    const beliefs = { memory: this.#believed, stored: this.#stored }
    const work = async (names: readonly string[], repositoriesMax: number): Promise<void> => {
      const scanned = await this.#pool.ask('links', { base, names, repositoriesMax, ...beliefs }, options)
      pending.push(...scanned.pending)
      const found = bufferOf(scanned.entries)
      for (const entries of [bufferOf(scanned.keptEntries), found])
        for (const entry of entriesOf(entries)) visit(linksOf(entry))
      for (const links of scanned.others) visit(withStoreKeys(links))
      strays.push(...scanned.strays.map((name) => join(base, name)))
      this.#writer?.keep(scanned.kept)
      this.#writer?.add(found)
    }
    while ((pending.length > 0 || working.size > 0) && failures.length === 0) {
      while (pending.length > 0 && working.size < this.#pool.threads * 2) {
        // Few at first, so that there is something to share; a thread gives back what it did not get to.
        const names = pending.splice(-Math.min(REPOSITORIES_PER_REQUEST, Math.ceil(pending.length / 4)))
        const job: Promise<void> = work(names, REPOSITORIES_PER_REQUEST)
          .catch((error: unknown) => {
            failures.push(error)
          })
          .finally(() => working.delete(job))
        working.add(job)
      }
      await Promise.race(working)
    }
    await Promise.all(working)
    if (failures.length > 0) throw failures[0]
    const text = strayWarning(strays)
    if (text !== undefined) options?.onEvent?.({ kind: 'warning', text })
  }

  async readReferences(manifests: PackedDigests, options?: RunOptions): Promise<ReferencesRead> {
    const records: Uint8Array[] = []
    const absent: Uint8Array[] = []
    await this.#each(slices(manifests, MANIFESTS_PER_REQUEST), async (slice) => {
      const read = await this.#pool.ask('references', { blobs: this.#blobs, manifests: slice }, options)
      records.push(read.records)
      absent.push(read.absent)
    })
    return { records: Buffer.concat(records), absent: Buffer.concat(absent) }
  }

  referencesIn(manifest: Digest, bytes: Uint8Array): Uint8Array {
    if (!isContent(bytes, manifest)) throw damaged(`${manifest}, set aside,`, bytes.length, manifest)
    return packReferences(parseManifest(bytes, undefined, manifest))
  }

  async blobFacts(blobs: PackedDigests, options?: RunOptions): Promise<BlobFacts> {
    const width = digestBytes[blobs.algorithm]
    const count = blobs.bytes.length / width
    const facts = { sizes: new Float64Array(count), times: new Float64Array(count) }
    const all = slices(blobs, FACTS_PER_REQUEST).map((digests, i) => ({ digests, at: i * FACTS_PER_REQUEST }))
    await this.#each(all, async ({ digests, at }) => {
      const { sizes, times } = await this.#pool.ask('facts', { blobs: this.#blobs, digests }, options)
      facts.sizes.set(sizes, at)
      facts.times.set(times, at)
    })
    return facts
  }

  async linkTimes(links: readonly LayerLink[], options?: RunOptions): Promise<Float64Array> {
    const times = new Float64Array(links.length)
    const starts = Array.from(
      { length: Math.ceil(links.length / FACTS_PER_REQUEST) },
      (_, i) => i * FACTS_PER_REQUEST,
    )
    await this.#each(starts, async (at) => {
      const names = links.slice(at, at + FACTS_PER_REQUEST).map(layerLinkName)
      const asked = { base: join(this.#root, REPOSITORIES), names: names.join('\0') }
      times.set(await this.#pool.ask('times', asked, options), at)
    })
    return times
  }

  fileOf(blob: Digest): BlobFile {
    const [algorithm = '', hex = ''] = blob.split(':')
    const name = `${algorithm}/${hex.slice(0, 2)}/${hex}`
    return { key: `${BLOBS}/${name}/data`, asideName: name }
  }

  layerLinkKey(link: LayerLink): string {
    return `${REPOSITORIES}/${layerLinkName(link)}`
  }

  get #blobs(): string {
    return join(this.#root, BLOBS)
  }

  #shardFolders(options: RunOptions | undefined): readonly ShardFolders[] {
    const strays: string[] = []
    const found = (entriesIn(this.#blobs) ?? []).flatMap((top) => {
      if (top.isFile()) return []
      const algorithm = algorithms.find((known) => known === top.name)
      const path = join(this.#blobs, top.name)
      if (!top.isDirectory()) throw symbolic(path)
      if (algorithm === undefined) strays.push(path)
      const prefixes = algorithm === undefined ? [] : shardsIn(path, strays)
      return algorithm === undefined ? [] : inRequests(algorithm, prefixes)
    })
    if (strays.length > 0) warnOfStrays(strays, options)
    return found
  }

  async #each<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
    const limit = pLimit(this.#pool.threads * 2)
    try {
      await Promise.all(all.map((each) => limit(work, each)))
    } finally {
      limit.clearQueue()
    }
  }
}

interface ShardFolders {
  readonly algorithm: DigestAlgorithm
  readonly prefixes: readonly string[]
}

function inRequests(algorithm: DigestAlgorithm, prefixes: readonly string[]): readonly ShardFolders[] {
  return Array.from({ length: Math.ceil(prefixes.length / FOLDERS_PER_REQUEST) }, (_, i) => ({
    algorithm,
    prefixes: prefixes.slice(i * FOLDERS_PER_REQUEST, (i + 1) * FOLDERS_PER_REQUEST),
  }))
}

function shardsIn(path: string, strays: string[]): readonly string[] {
  return (entriesIn(path) ?? []).flatMap((entry) => {
    if (entry.isFile()) return []
    if (!entry.isDirectory()) throw symbolic(join(path, entry.name))
    if (/^[0-9a-f]{2}$/.test(entry.name)) return [entry.name]
    strays.push(join(path, entry.name))
    return []
  })
}

function layerLinkName({ repository, digest }: LayerLink): string {
  return `${repository}/_layers/${digest.replace(':', '/')}/link`
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

function symbolic(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'it is a symbolic link, or no folder and no file', {
    hint: 'Winnow follows no links within a storage. Mount the folder there instead (a bind mount), or remove the link.',
  })
}

function warnOfStrays([first = '', ...others]: readonly string[], options: RunOptions | undefined): void {
  const name = JSON.stringify(first.slice(0, 300))
  const text =
    others.length === 0
      ? `${name} lies among the blobs and is none; it was left alone.`
      : `${name}, and ${others.length} more, lie among the blobs and are none; they were left alone.`
  options?.onEvent?.({ kind: 'warning', text })
}

/** Keys as the store spells them, from the root of the storage. */
function withStoreKeys(links: RepositoryLinks): RepositoryLinks {
  const folder = `${REPOSITORIES}/${links.repository}`
  const uploads = links.uploads.map((upload) => {
    const at = `${folder}/_uploads/${upload.folder}`
    return {
      folder: at,
      keys: upload.keys.map((key) => (key === '' ? at : `${at}/${key}`)),
      newestAt: upload.newestAt,
    }
  })
  if (links.remains === undefined) return { ...links, uploads }
  const keys = links.remains.keys.map((key) => `${folder}/${key}`)
  return { ...links, uploads, remains: { ...links.remains, folder, keys } }
}

function slices({ algorithm, bytes }: PackedDigests, digestsMax: number): readonly PackedDigests[] {
  const step = digestBytes[algorithm] * digestsMax
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => ({
    algorithm,
    bytes: bytes.slice(i * step, (i + 1) * step),
  }))
}
