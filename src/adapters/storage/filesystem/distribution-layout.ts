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
import { damaged, isContent, shardKey } from './distribution-blobs.ts'
import { resolveRoot } from './paths.ts'
import { entriesIn } from './scan-files.ts'
import type { ScanPool } from './scan-pool.ts'
import { saveTreeMemory } from './tree-memory.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'

const LAYOUT_FOLDER = 'docker/registry/v2'
const BLOBS = `${LAYOUT_FOLDER}/blobs`
const REPOSITORIES = `${LAYOUT_FOLDER}/repositories`
/** How much one request to a thread asks for: enough to be worth the way, little enough to spread. */
const REPOSITORIES_PER_REQUEST = 32
const MANIFESTS_PER_REQUEST = 512
const FACTS_PER_REQUEST = 1024

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
  /** Whether it is believed; whoever acts looks at every file, and only writes it. */
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
  /** What this scan has looked at. */
  readonly #seen = new Map<string, string>()

  constructor(root: string, pool: ScanPool, memory: MemorySettings | undefined) {
    this.#root = root
    this.#pool = pool
    this.#memory = memory
  }

  async listBlobs(visit: (blobs: StoredBlobs) => void, options?: RunOptions): Promise<void> {
    const folders = this.#shardFolders(options)
    const strays: string[] = []
    await this.#each(folders, async ({ algorithm, prefix }) => {
      const asked = { blobs: this.#blobs, algorithm, prefix, memoryPath: this.#believed }
      const { digests, strays: found, fingerprint } = await this.#pool.ask('blobs', asked, options)
      strays.push(...found)
      if (fingerprint !== undefined) this.#seen.set(shardKey(algorithm, prefix), fingerprint)
      visit({ algorithm, bytes: digests })
    })
    if (strays.length > 0) warnOfStrays(strays.toSorted(), options)
  }

  async readLinks(visit: (links: RepositoryLinks) => void, options?: RunOptions): Promise<void> {
    const base = join(this.#root, REPOSITORIES)
    const pending: string[] = ['']
    const working = new Set<Promise<void>>()
    const failures: unknown[] = []
    const work = async (names: readonly string[], repositoriesMax: number): Promise<void> => {
      const asked = { base, names, repositoriesMax, memoryPath: this.#believed }
      const scanned = await this.#pool.ask('links', asked, options)
      pending.push(...scanned.pending)
      for (const [i, links] of scanned.repositories.entries()) {
        visit(withStoreKeys(links))
        const fingerprint = scanned.fingerprints[i]
        if (fingerprint !== undefined) this.#seen.set(links.repository, fingerprint)
      }
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
    // Links are read last, so everything of this scan was looked at by now.
    if (this.#memory !== undefined) saveTreeMemory(this.#memory.path, this.#seen)
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
      const paths = links
        .slice(at, at + FACTS_PER_REQUEST)
        .map((link) => join(this.#root, this.layerLinkKey(link)))
      times.set(await this.#pool.ask('times', { paths }, options), at)
    })
    return times
  }

  fileOf(blob: Digest): BlobFile {
    const [algorithm = '', hex = ''] = blob.split(':')
    const name = `${algorithm}/${hex.slice(0, 2)}/${hex}`
    return { key: `${BLOBS}/${name}/data`, asideName: name }
  }

  layerLinkKey({ repository, digest }: LayerLink): string {
    return `${REPOSITORIES}/${repository}/_layers/${digest.replace(':', '/')}/link`
  }

  get #believed(): string | undefined {
    return this.#memory?.isBelieved === true ? this.#memory.path : undefined
  }

  get #blobs(): string {
    return join(this.#root, BLOBS)
  }

  #shardFolders(options: RunOptions | undefined): readonly ShardFolder[] {
    const strays: string[] = []
    const found = (entriesIn(this.#blobs) ?? []).flatMap((top) => {
      if (top.isFile()) return []
      const algorithm = algorithms.find((known) => known === top.name)
      const path = join(this.#blobs, top.name)
      if (!top.isDirectory()) throw symbolic(path)
      if (algorithm === undefined) strays.push(path)
      return algorithm === undefined ? [] : shardsIn(path, algorithm, strays)
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

interface ShardFolder {
  readonly algorithm: DigestAlgorithm
  readonly prefix: string
}

function shardsIn(path: string, algorithm: DigestAlgorithm, strays: string[]): readonly ShardFolder[] {
  return (entriesIn(path) ?? []).flatMap((entry) => {
    if (entry.isFile()) return []
    if (!entry.isDirectory()) throw symbolic(join(path, entry.name))
    if (/^[0-9a-f]{2}$/.test(entry.name)) return [{ algorithm, prefix: entry.name }]
    strays.push(join(path, entry.name))
    return []
  })
}

function symbolic(path: string): StorageUnreadableError {
  return new StorageUnreadableError(path, 'it is a symbolic link, or no folder and no file', {
    hint: 'Winnow follows no links within a storage. Mount the folder there instead (a bind mount), or remove the link.',
  })
}

function warnOfStrays([first = '', ...others]: readonly string[], options: RunOptions | undefined): void {
  const more = others.length === 0 ? '' : `, and ${others.length} more`
  const text = `${JSON.stringify(first.slice(0, 300))}${more} lie among the blobs and are none; they were left alone.`
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
