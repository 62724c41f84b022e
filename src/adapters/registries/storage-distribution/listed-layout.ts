/**
 * A Distribution storage on any store that can be listed (a bucket, a container), read for a sweep: few requests, each
 * for much. Files on disk are faster read where they lie (adapters/storage/filesystem/).
 *
 * Promises what ports/readable-layout.ts asks for. A blob that a listing names twice is told of twice.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { MANIFEST_BYTES_MAX, parseManifest } from '../../../core/image/parse-manifest.ts'
import { blobPath } from '../../../core/sweep/distribution-keys.ts'
import {
  bytesOfDigest,
  digestBytes,
  digestOfBytes,
  packReferences,
} from '../../../core/sweep/reference-record.ts'
import { counted } from '../../../core/words/counted.ts'
import type { ListableStore } from '../../../ports/listable-store.ts'
import type {
  BlobFacts,
  BlobPool,
  PackedDigests,
  ReadableLayout,
  ReferencesRead,
  TakenAway,
} from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { mapParallel } from '../oci/parallel.ts'
import { checkLayout } from './check-layout.ts'
import { isSweptEmpty } from './explain-absence.ts'
import { blobKey } from './layout.ts'
import { readListedBlobs } from './listed-blobs.ts'
import { readListedLinks, type ListedSource } from './listed-links.ts'
import { layerLinkKey } from './listed-repository.ts'
import { isContentOf, readVerified } from './read-content.ts'
import { StorageCorruptError, StorageIncompleteError } from './storage-errors.ts'
import { RETRY_PAUSE_MS } from './storage-reader.ts'

const READS_AT_ONCE = 64
/** So many digests at a time are spelled out. */
const DIGESTS_AT_ONCE = 4096

export interface ListedDistributionLayout {
  readonly store: ListableStore
  /** How long to wait before looking again at a file that is not whole. @default 100 */
  readonly retryPauseMs?: number
}

export function createListedDistributionLayout({
  store,
  retryPauseMs = RETRY_PAUSE_MS,
}: ListedDistributionLayout): ReadableLayout {
  const pool = poolOver({ store, retryPauseMs })
  return {
    place: store.place,
    layout: 'distribution',
    check: (options, takenAway) => check(store, options, takenAway),
    async *pools() {
      yield pool
    },
  }
}

async function check(
  store: ListableStore,
  options: RunOptions | undefined,
  takenAway: (() => Promise<TakenAway>) | undefined,
): Promise<void> {
  try {
    await checkLayout(store, options)
  } catch (error) {
    if (!(error instanceof StorageIncompleteError) || takenAway === undefined) throw error
    if (!(await isSweptEmpty(store, await takenAway(), options))) throw error
  }
}

function poolOver(source: ListedSource): BlobPool {
  const { store } = source
  return {
    name: '',
    listBlobs: (visit, options) => readListedBlobs(store, visit, options),
    readLinks: (visit, options) => readListedLinks(source, visit, options),
    readReferences: (manifests, options) => readReferences(source, manifests, options),
    referencesIn: (manifest, bytes) => {
      if (isContentOf(manifest, bytes)) return packReferences(parseManifest(bytes, undefined, manifest))
      const what = `what was set aside (${counted(bytes.length, 'byte')}) does not hash to ${manifest}`
      throw new StorageCorruptError(blobKey(manifest), what)
    },
    blobFacts: (blobs, options) => readBlobFacts(store, blobs, options),
    linkTimes: async (links, options) => {
      const facts = await mapParallel(links, READS_AT_ONCE, (link) => store.stat(layerLinkKey(link), options))
      return Float64Array.from(facts, (fact) => fact?.modifiedAt ?? Number.NaN)
    },
    fileOf: (blob) => ({ key: blobKey(blob), asideName: blobPath(blob) }),
    layerLinkKey,
  }
}

async function readReferences(
  source: ListedSource,
  manifests: PackedDigests,
  options: RunOptions | undefined,
): Promise<ReferencesRead> {
  const records: Uint8Array[] = []
  const absent: Uint8Array[] = []
  for (const digests of slicesOf(manifests)) {
    await mapParallel(digests, READS_AT_ONCE, async (digest) => {
      const bytes = await readVerified(source, digest, { bytesMax: MANIFEST_BYTES_MAX }, options)
      if (bytes === undefined) absent.push(bytesOfDigest(digest))
      else records.push(packReferences(parseManifest(bytes, undefined, digest)))
    })
  }
  return { records: Buffer.concat(records), absent: Buffer.concat(absent) }
}

async function readBlobFacts(
  store: ListableStore,
  blobs: PackedDigests,
  options: RunOptions | undefined,
): Promise<BlobFacts> {
  const count = blobs.bytes.length / digestBytes[blobs.algorithm]
  const facts = { sizes: new Float64Array(count), times: new Float64Array(count) }
  let at = 0
  for (const digests of slicesOf(blobs)) {
    const found = await mapParallel(digests, READS_AT_ONCE, (digest) => store.stat(blobKey(digest), options))
    for (const fact of found) {
      facts.sizes[at] = fact?.sizeBytes ?? Number.NaN
      facts.times[at] = fact?.modifiedAt ?? Number.NaN
      at += 1
    }
  }
  return facts
}

function* slicesOf({ algorithm, bytes }: PackedDigests): Generator<readonly Digest[]> {
  const width = digestBytes[algorithm]
  const step = width * DIGESTS_AT_ONCE
  for (let start = 0; start < bytes.length; start += step) {
    const count = Math.min(DIGESTS_AT_ONCE, (bytes.length - start) / width)
    yield Array.from({ length: count }, (_, i) => digestOfBytes(algorithm, bytes, start + i * width))
  }
}
