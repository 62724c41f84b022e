/**
 * Blobs that lie as `<folder>/<algorithm>/<hex>`: every one of them a file, manifests, configs and layers alike. The part
 * of a pool that OCI layouts, zot and Trow have in common.
 */
import pLimit from 'p-limit'
import type { Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { invariant } from '../../../core/errors/invariant.ts'
import { algorithmOf, algorithms, hexOf } from '../../../core/sweep/reference-record.ts'
import { counted } from '../../../core/words/counted.ts'
import type { ListedFile } from '../../../ports/listable-store.ts'
import type { BlobPool, StoredBlobs } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quoted } from '../storage-distribution/findings.ts'
import { listFiles } from './list-files.ts'
import type { Source } from './look-again.ts'
import { digestOfPath, packHex, unpackDigests } from './packing.ts'
import { readReferences, referencesIn, type MaybeBlob } from './read-references.ts'

const STATS_AT_ONCE = 32

export interface BlobFiles {
  readonly source: Source
  /** Holds the folders of algorithms. */
  readonly folder: string
  /** Whether something names this digest as needed without calling it a manifest. @default nothing does */
  readonly isNamedAsBlob?: MaybeBlob
  /** Called with every blob; throws where one shows that the storage must not be swept. */
  readonly examine?: (blob: StoredBlob) => void
}

export interface StoredBlob extends ListedFile {
  readonly digest: Digest
}

/** All of a pool but its name and its links. */
export type PoolOfBlobs = Omit<BlobPool, 'name' | 'readLinks'>

export function createPoolOfBlobs(files: BlobFiles): PoolOfBlobs {
  const { source, folder } = files
  const keyOf = (digest: Digest): string => `${folder}/${algorithmOf(digest)}/${hexOf(digest)}`
  return {
    listBlobs: (visit, options) => listBlobs(files, visit, options),
    readReferences: (manifests, options) =>
      readReferences(
        { source, keyOf, isNamedAsBlob: files.isNamedAsBlob },
        unpackDigests(manifests),
        options,
      ),
    referencesIn,
    blobFacts: async (blobs, options) => {
      const limit = pLimit(STATS_AT_ONCE)
      const found = await Promise.all(
        unpackDigests(blobs).map((digest) => limit(() => source.store.stat(keyOf(digest), options))),
      )
      return {
        sizes: Float64Array.from(found, (facts) => facts?.sizeBytes ?? NaN),
        times: Float64Array.from(found, (facts): InstantMs => facts?.modifiedAt ?? NaN),
      }
    },
    linkTimes: async (links) => new Float64Array(links.length).fill(NaN),
    // A key is unique over all pools of a storage, and so is a name made of it.
    fileOf: (blob) => ({ key: keyOf(blob), asideName: keyOf(blob) }),
    layerLinkKey: () => {
      invariant(false, 'a layout without layer links was asked for one')
    },
  }
}

/** Every blob with size and time; one warning for whatever is none. */
export async function* storedBlobs(
  { source, folder }: Pick<BlobFiles, 'source' | 'folder'>,
  options?: RunOptions,
): AsyncGenerator<readonly StoredBlob[]> {
  const strays: string[] = []
  for await (const batch of listFiles(source.store, folder, options)) {
    const blobs = batch.flatMap((file) => {
      const [algorithm = '', hex = '', ...deeper] = file.key.slice(folder.length + 1).split('/')
      const digest = deeper.length === 0 ? digestOfPath(algorithm, hex) : undefined
      if (digest === undefined) strays.push(file.key)
      return digest === undefined ? [] : [{ ...file, digest }]
    })
    if (blobs.length > 0) yield blobs
  }
  const [first] = strays
  if (first === undefined) return
  const text = `${counted(strays.length, 'file')} under ${quoted(folder)} ${strays.length === 1 ? 'is no blob and was' : 'are no blobs and were'} left alone, ${quoted(first)} for one.`
  options?.onEvent?.({ kind: 'warning', text })
}

async function listBlobs(
  files: BlobFiles,
  visit: (blobs: StoredBlobs) => void,
  options: RunOptions | undefined,
): Promise<void> {
  for await (const batch of storedBlobs(files, options)) {
    batch.forEach((blob) => files.examine?.(blob))
    for (const algorithm of algorithms) {
      const blobs = batch.filter(({ digest }) => algorithmOf(digest) === algorithm)
      if (blobs.length === 0) continue
      visit({
        algorithm,
        bytes: packHex(blobs.map(({ digest }) => hexOf(digest))),
        facts: {
          sizes: Float64Array.from(blobs, ({ sizeBytes }) => sizeBytes),
          times: Float64Array.from(blobs, ({ modifiedAt }) => modifiedAt),
        },
      })
    }
  }
}
