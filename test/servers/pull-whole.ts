/**
 * Whether an image can still be pulled, byte for byte: the one question a tool that deletes images must survive.
 *
 * Everything beneath the reference is fetched and hashed: the manifest, the children of an index, their configs and
 * layers. Nothing is taken on trust, neither headers nor HEAD, since a registry may still know of a blob it lost.
 */
import { registryRequest, sha256 } from './registry-request.ts'

interface PulledWhole {
  /** Digests, the reference's own first. */
  readonly manifests: readonly string[]
  readonly blobs: readonly string[]
  readonly totalBytes: number
}

interface DescriptorLike {
  readonly mediaType?: string
  readonly digest: string
  readonly size?: number
  /** Foreign layers lie elsewhere, and the registry need not have them. */
  readonly urls?: readonly string[]
}

interface ManifestLike {
  readonly manifests?: readonly DescriptorLike[]
  readonly config?: DescriptorLike
  readonly layers?: readonly DescriptorLike[]
}

const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]

/** Throws with the first thing that is missing or not what its digest says, and the way that leads to it. */
export async function pullWhole(
  registryUrl: string,
  repository: string,
  reference: string,
): Promise<PulledWhole> {
  const manifests = new Set<string>()
  const blobs = new Set<string>()
  let totalBytes = 0

  const fetchChecked = async (
    path: string,
    way: string,
    expected: DescriptorLike | undefined,
  ): Promise<Buffer> => {
    const headers = { accept: MANIFEST_TYPES.join(', ') }
    const response = await registryRequest(registryUrl, 'GET', `/v2/${repository}/${path}`, { headers })
    if (!response.ok) throw broken(way, `HTTP ${response.status} ${(await response.text()).slice(0, 200)}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    if (expected !== undefined) checkBytes(bytes, expected, way)
    totalBytes += bytes.length
    return bytes
  }

  const pullManifest = async (
    ref: string,
    way: string,
    expected: DescriptorLike | undefined,
  ): Promise<void> => {
    if (manifests.has(ref)) return
    const bytes = await fetchChecked(`manifests/${ref}`, way, expected)
    manifests.add(sha256(bytes))
    const manifest = JSON.parse(bytes.toString('utf8')) as ManifestLike
    for (const child of manifest.manifests ?? []) {
      // An index may list blobs: a BuildKit cache lists its layers there.
      if (isManifestType(child.mediaType))
        await pullManifest(child.digest, `${way} > child ${child.digest}`, child)
      else await pullBlob(child, `${way} > blob ${child.digest}`)
    }
    if (manifest.config !== undefined)
      await pullBlob(manifest.config, `${way} > config ${manifest.config.digest}`)
    for (const layer of manifest.layers ?? []) await pullBlob(layer, `${way} > layer ${layer.digest}`)
  }

  const pullBlob = async (blob: DescriptorLike, way: string): Promise<void> => {
    if (blobs.has(blob.digest) || (blob.urls !== undefined && blob.urls.length > 0)) return
    await fetchChecked(`blobs/${blob.digest}`, way, blob)
    blobs.add(blob.digest)
  }

  const isDigest = reference.includes(':')
  const name = `${repository}${isDigest ? '@' : ':'}${reference}`
  await pullManifest(reference, name, isDigest ? { digest: reference } : undefined)
  return { manifests: [...manifests], blobs: [...blobs], totalBytes }
}

function checkBytes(bytes: Buffer, expected: DescriptorLike, way: string): void {
  const actual = sha256(bytes)
  if (actual !== expected.digest) throw broken(way, `the bytes hash to ${actual}`)
  if (expected.size !== undefined && expected.size !== bytes.length) {
    throw broken(way, `${bytes.length} bytes instead of ${expected.size}`)
  }
}

function isManifestType(mediaType: string | undefined): boolean {
  return mediaType === undefined || MANIFEST_TYPES.includes(mediaType)
}

function broken(way: string, why: string): Error {
  return new Error(`Not whole: ${way}: ${why}`)
}
