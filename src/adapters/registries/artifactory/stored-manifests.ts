/**
 * What AQL tells of manifest files, as manifests: a folder for each tag, and one named by its digest for what was pushed
 * without one.
 */
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { isRecord, quotable } from '../oci/answers.ts'
import type { KnownManifest, KnownTag, ListedRepository } from '../oci/listing.ts'
import type { ProductApi } from '../product-api.ts'
import type { AqlRow } from './aql.ts'

export interface StoredManifest {
  /** Path of its folder below the repository key: `team/app/1.0`. */
  readonly path: string
  readonly image: string
  /** A tag, or a digest. */
  readonly folder: string
  readonly isList: boolean
  /** Undefined where what is told of it disagrees: then the registry is asked. */
  readonly digest: Digest | undefined
  readonly pushedAt: InstantMs | undefined
  readonly pulledAt: InstantMs | undefined
  /** When it went into the bin, where that is where it lies. */
  readonly trashedAt: InstantMs | undefined
}

/**
 * @param below what stands before the image in its path, with a slash at its end: nothing, or the key in the bin
 * @returns undefined for a file that no image has
 * @throws RegistryContentError for a row that cannot be understood
 */
export function storedManifest(api: ProductApi, row: AqlRow, below = ''): StoredManifest | undefined {
  if (!row.path.startsWith(below)) return undefined
  const path = row.path.slice(below.length)
  const cut = path.lastIndexOf('/')
  // Uploads in flight are no manifests yet; and a file beside the images is none.
  if (cut < 1 || /(?:^|\/)_uploads(?:\/|$)/.test(path)) return undefined
  const folder = path.slice(cut + 1)
  const properties = propertiesOf(row)
  return {
    path,
    image: path.slice(0, cut),
    folder,
    isList: row.name === 'list.manifest.json',
    digest: parseDigest(folder) ?? toldDigest(api, row, properties),
    // A promotion keeps when the file was made and last written; only `updated` says when it came here.
    pushedAt: newest(['created', 'modified', 'updated'].map((field) => instant(api, row, field))),
    pulledAt: pulled(api, row),
    trashedAt: epochMs(properties.get('trash.time')),
  }
}

/** One image's files as the reader wants them. */
export function listedRepository(files: readonly StoredManifest[]): ListedRepository {
  const manifests = new Map<Digest, KnownManifest>()
  const tags: KnownTag[] = []
  for (const [folder, inside] of byFolder(files)) {
    const [only] = inside
    if (parseDigest(folder) === undefined) {
      // Beside an index, a manifest pushed later lies in the same folder; only the registry knows which one a pull gets.
      const digest = inside.length === 1 ? only?.digest : undefined
      const times = { pushedAt: newest(inside.map((each) => each.pushedAt)), pulledAt: newestPull(inside) }
      tags.push({ name: folder, digest, ...times })
      if (digest === undefined) continue
    }
    for (const { digest, pushedAt, pulledAt } of inside) {
      if (digest === undefined) continue
      const known = manifests.get(digest)
      manifests.set(digest, {
        digest,
        pushedAt: newest([known?.pushedAt, pushedAt]),
        pulledAt: newest([known?.pulledAt, pulledAt]),
      })
    }
  }
  return { tags, manifests: [...manifests.values()], isExhaustive: true }
}

export function byFolder(files: readonly StoredManifest[]): ReadonlyMap<string, readonly StoredManifest[]> {
  const folders = new Map<string, StoredManifest[]>()
  for (const file of files) {
    const inside = folders.get(file.folder)
    if (inside === undefined) folders.set(file.folder, [file])
    else inside.push(file)
  }
  return folders
}

function toldDigest(
  api: ProductApi,
  { path, sha256 }: AqlRow,
  properties: ReadonlyMap<string, string>,
): Digest | undefined {
  const stored = typeof sha256 === 'string' ? parseDigest(`sha256:${sha256}`) : undefined
  const noted = parseDigest(properties.get('docker.manifest.digest') ?? '')
  if (stored === undefined && noted === undefined)
    throw api.content(`the manifest at ${quotable(path)} has no checksum in its search`)
  // A signed manifest of schema 1 has another digest than its bytes; anything else that differs is stale.
  return stored === undefined || noted === undefined || stored === noted ? (noted ?? stored) : undefined
}

function propertiesOf({ properties }: AqlRow): ReadonlyMap<string, string> {
  const rows: readonly unknown[] = Array.isArray(properties) ? properties : []
  return new Map(
    rows.flatMap((row) => {
      const { key, value } = isRecord(row) ? row : {}
      return typeof key === 'string' && typeof value === 'string' ? [[key, value] as const] : []
    }),
  )
}

function pulled(api: ProductApi, row: AqlRow): InstantMs | undefined {
  const stats: readonly unknown[] = Array.isArray(row['stats']) ? row['stats'] : []
  return newest(
    stats.flatMap((each) => {
      if (!isRecord(each)) return []
      const told = { ...each, path: row.path, name: row.name }
      const here = each['downloads'] === 0 ? undefined : instant(api, told, 'downloaded')
      // Pulls through another Artifactory whose remote repository this one is.
      return [here, instant(api, told, 'remote_downloaded')]
    }),
  )
}

function newestPull(files: readonly StoredManifest[]): InstantMs | undefined {
  return newest(files.map(({ pulledAt }) => pulledAt))
}

function instant(api: ProductApi, row: AqlRow, field: string): InstantMs | undefined {
  const told = row[field]
  if (told === undefined || told === null || told === '') return undefined
  const at = typeof told === 'string' ? Date.parse(told) : Number.NaN
  if (!Number.isNaN(at)) return at
  throw api.content(`the manifest at ${quotable(row.path)} has a ${field} that is no time`)
}

function epochMs(told: string | undefined): InstantMs | undefined {
  return told !== undefined && /^\d{12,14}$/.test(told) ? Number(told) : undefined
}

function newest(times: readonly (InstantMs | undefined)[]): InstantMs | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
