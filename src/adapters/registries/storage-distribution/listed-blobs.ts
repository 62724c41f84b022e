/** Every blob of a storage with its size and time, from one flat listing; what looks like none is left alone. */
import type { Digest } from '../../../core/image/digest.ts'
import { writeHex } from '../../../core/sweep/digest-key.ts'
import { isTemporaryName, parseBlobKey } from '../../../core/sweep/distribution-keys.ts'
import {
  algorithmOf,
  algorithms,
  digestBytes,
  hexOf,
  type DigestAlgorithm,
} from '../../../core/sweep/reference-record.ts'
import type { ListableStore, ListedFile } from '../../../ports/listable-store.ts'
import type { StoredBlobs } from '../../../ports/readable-layout.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quoted } from './findings.ts'
import { blobsFolder } from './layout.ts'

const PREFIX = `${blobsFolder}/`

export async function readListedBlobs(
  store: ListableStore,
  visit: (blobs: StoredBlobs) => void,
  options: RunOptions | undefined,
): Promise<void> {
  let strays = 0
  let example = ''
  for await (const batch of store.listAll(PREFIX, options)) {
    const found: ListedBlob[] = []
    for (const file of batch) {
      const digest = parseBlobKey(file.key.slice(PREFIX.length))
      if (digest !== undefined) found.push({ digest, file })
      else if (!isTemporaryName(file.key)) {
        if (strays === 0) example = file.key
        strays += 1
      }
    }
    for (const algorithm of algorithms) {
      const blobs = found.filter(({ digest }) => algorithmOf(digest) === algorithm)
      if (blobs.length > 0) visit(packed(algorithm, blobs))
    }
  }
  if (strays > 0) warnOfStrays(example, strays, options)
}

interface ListedBlob {
  readonly digest: Digest
  readonly file: ListedFile
}

function packed(algorithm: DigestAlgorithm, blobs: readonly ListedBlob[]): StoredBlobs {
  const width = digestBytes[algorithm]
  const bytes = new Uint8Array(blobs.length * width)
  blobs.forEach(({ digest }, i) => writeHex(hexOf(digest), bytes, i * width))
  const sizes = Float64Array.from(blobs, ({ file }) => file.sizeBytes)
  const times = Float64Array.from(blobs, ({ file }) => file.modifiedAt)
  return { algorithm, bytes, facts: { sizes, times } }
}

function warnOfStrays(example: string, count: number, options: RunOptions | undefined): void {
  const what = count === 1 ? 'One file lies' : `${count} files lie`
  options?.onEvent?.({
    kind: 'warning',
    text: `${what} among the blobs and can be none (${quoted(example)}); left alone.`,
  })
}
