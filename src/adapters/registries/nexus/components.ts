/**
 * Components of a Nexus: one for each tag of an image, and, depending on its version, one for each manifest that was pushed
 * by its digest.
 *
 * Promises: every page of a list, or an error.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { guardPages } from '../../http/link-header.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'

export interface Component {
  readonly id: string
  readonly image: string
  /** A tag, or a digest. */
  readonly version: string
  /** What its manifest files are, under any name. */
  readonly digests: readonly Digest[]
  /** Those that a file of it has for a name: by these, and not by tags alone, Nexus may give out what it holds. */
  readonly named: readonly Digest[]
  /** That of its own version; undefined where its checksum does not tell it. */
  readonly digest: Digest | undefined
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
}

/**
 * @param path `/components` or `/search`
 * @throws PagingError for pages that do not end
 */
export async function listComponents(
  api: ProductApi,
  path: string,
  query: Readonly<Record<string, string>>,
  options: RunOptions | undefined,
): Promise<readonly Component[]> {
  const found: Component[] = []
  const guard = guardPages()
  let token: string | undefined
  do {
    const parameters = new URLSearchParams({
      ...query,
      ...(token !== undefined && { continuationToken: token }),
    })
    const url = api.url(`${path}?${parameters.toString()}`)
    guard.enter(url)
    const what = `Listing the components of ${query['repository'] ?? ''}`
    const answer = await api.read(what, { method: 'GET', url }, options)
    const rows: unknown = isRecord(answer) ? answer['items'] : undefined
    const next: unknown = isRecord(answer) ? answer['continuationToken'] : undefined
    if (!Array.isArray(rows) || (next !== null && typeof next !== 'string'))
      throw api.mismatch(`${what} was answered without items and continuationToken`)
    found.push(...rows.map((row: unknown) => componentOf(api, row)))
    token = next ?? undefined
  } while (token !== undefined)
  return found
}

interface ManifestAsset {
  /** A tag, or a digest. */
  readonly reference: string
  readonly digest: Digest | undefined
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
}

function componentOf(api: ProductApi, row: unknown): Component {
  const { id, name, version, assets } = isRecord(row) ? row : {}
  if (
    typeof id !== 'string' ||
    typeof name !== 'string' ||
    typeof version !== 'string' ||
    !Array.isArray(assets)
  )
    throw api.content('a component has no id, name, version or assets')
  const manifests = assets.flatMap((asset: unknown) => manifestAsset(api, name, asset) ?? [])
  const own = manifests.find(({ reference }) => reference === version)
  return {
    id,
    image: name,
    version,
    digests: manifests.flatMap(({ digest }) => digest ?? []),
    named: manifests.flatMap(({ reference }) => parseDigest(reference) ?? []),
    digest: parseDigest(version) ?? own?.digest,
    pushedAt: newest(manifests.map(({ pushedAt }) => pushedAt)),
    pulledAt: newest(manifests.map(({ pulledAt }) => pulledAt)),
  }
}

/** Undefined for an asset that is no manifest of this image. */
function manifestAsset(api: ProductApi, image: string, asset: unknown): ManifestAsset | undefined {
  if (!isRecord(asset) || typeof asset['path'] !== 'string')
    throw api.content(`an asset of ${quotable(image)} has no path`)
  const before = `v2/${image}/manifests/`
  const path = asset['path'].replace(/^\//, '')
  if (!path.startsWith(before)) return undefined
  const reference = path.slice(before.length)
  return {
    reference,
    digest: parseDigest(reference) ?? checksumOf(asset),
    pushedAt: newest([instant(api, asset, 'blobCreated'), instant(api, asset, 'lastModified')]),
    pulledAt: instant(api, asset, 'lastDownloaded'),
  }
}

/** The digest of the bytes; a signed manifest of schema 1 has another one. */
function checksumOf({ checksum, contentType }: Readonly<Record<string, unknown>>): Digest | undefined {
  const sha256: unknown = isRecord(checksum) ? checksum['sha256'] : undefined
  const isSigned = typeof contentType === 'string' && contentType.includes('prettyjws')
  return typeof sha256 === 'string' && !isSigned ? parseDigest(`sha256:${sha256}`) : undefined
}

function instant(
  api: ProductApi,
  asset: Readonly<Record<string, unknown>>,
  field: string,
): InstantMs | undefined {
  const told = asset[field]
  if (told === undefined || told === null) return undefined
  const at = typeof told === 'string' ? Date.parse(told) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw api.content(`an asset has a ${field} that is no time`)
}

function newest(times: readonly (InstantMs | undefined)[]): InstantMs | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
