/** The plainest mark there is, over one pool of a layout: for judging what a layout says is needed. */
import type { Digest } from '../../src/core/image/digest.ts'
import { eachBlob, eachManifest, readRecord } from '../../src/core/sweep/reference-record.ts'
import type {
  BlobPool,
  PackedDigests,
  ReadableLayout,
  UploadFolder,
} from '../../src/ports/readable-layout.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'

export interface MarkedPool {
  readonly name: string
  /** Stored blobs, sorted. */
  readonly stored: readonly string[]
  /** Those of them that nothing needs, sorted. */
  readonly unneeded: readonly string[]
  /** Manifests that something needs and that are not stored. */
  readonly absent: readonly string[]
  readonly uploads: readonly UploadFolder[]
  readonly repositories: readonly string[]
}

export async function markLayout(
  layout: ReadableLayout,
  options?: RunOptions,
): Promise<readonly MarkedPool[]> {
  await layout.check(options)
  const marked: MarkedPool[] = []
  for await (const pool of layout.pools(options)) marked.push(await markPool(pool))
  return marked
}

export async function markPool(pool: BlobPool): Promise<MarkedPool> {
  const stored: string[] = []
  await pool.listBlobs((blobs) => stored.push(...unpack(blobs)))
  const repositories: string[] = []
  const uploads: UploadFolder[] = []
  const waiting: string[] = []
  await pool.readLinks((links) => {
    repositories.push(links.repository)
    uploads.push(...links.uploads)
    waiting.push(...links.roots.flatMap(unpack))
  })
  const needed = new Set<string>()
  const keys = new Set<string>()
  const absent: string[] = []
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (needed.has(digest)) continue
    needed.add(digest)
    const read = await pool.readReferences(pack(digest))
    if (read.absent.length > 0) absent.push(digest)
    follow(
      read.records,
      (blobKey) => keys.add(blobKey),
      (manifest) => waiting.push(manifest),
    )
  }
  const unneeded = stored.filter((digest) => !needed.has(digest) && !keys.has(hexOf(digest).slice(0, 16)))
  return {
    name: pool.name,
    stored: stored.toSorted(),
    unneeded: unneeded.toSorted(),
    absent: absent.toSorted(),
    uploads,
    repositories: repositories.toSorted(),
  }
}

function follow(
  records: Uint8Array,
  onBlob: (key: string) => void,
  onManifest: (digest: string) => void,
): void {
  const bytes = Buffer.from(records)
  for (let at = 0; at < bytes.length;) {
    const record = readRecord(bytes, at)
    if (record === undefined) throw new Error('A record is damaged.')
    eachBlob(record, (offset) => {
      onBlob(bytes.toString('hex', offset, offset + 8))
    })
    eachManifest(bytes, record, (algorithm, offset) => {
      onManifest(`${algorithm}:${bytes.toString('hex', offset, offset + (algorithm === 'sha256' ? 32 : 64))}`)
    })
    at = record.end
  }
}

export function pack(digest: string): PackedDigests {
  const algorithm = digest.startsWith('sha256') ? 'sha256' : 'sha512'
  return { algorithm, bytes: Buffer.from(hexOf(digest), 'hex') }
}

export function unpack({ algorithm, bytes }: PackedDigests): readonly Digest[] {
  const hex = Buffer.from(bytes).toString('hex')
  const width = algorithm === 'sha256' ? 64 : 128
  return Array.from(
    { length: hex.length / width },
    (_, i) => `${algorithm}:${hex.slice(i * width, (i + 1) * width)}` as Digest,
  )
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1)
}
