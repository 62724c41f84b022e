/** Folders of one image: those that hold a manifest, what lies in them, and what lies below. */
import type { Digest } from '../../../core/image/digest.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ProductApi } from '../product-api.ts'
import { findBelow, findByDigest, findInFolders } from './aql.ts'
import type { Place } from './repository-keys.ts'
import { storedManifest, type StoredManifest } from './stored-manifests.ts'

/** Every folder of the image that holds this manifest. */
export async function foldersOf(
  api: ProductApi,
  { key, image }: Place,
  digest: Digest,
  options: RunOptions | undefined,
): Promise<readonly StoredManifest[]> {
  const where = { repo: key, path: { $match: `${image}/*` } }
  const rows = await findByDigest(api, where, digest, options)
  return rows
    .flatMap((row) => storedManifest(api, row) ?? [])
    .filter((file) => file.image === image && file.digest === digest)
}

/** What lies in these folders. */
export async function inFolders(
  api: ProductApi,
  { key, image }: Place,
  paths: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly StoredManifest[]> {
  const rows = await findInFolders(api, key, paths, options)
  return rows
    .flatMap((row) => storedManifest(api, row) ?? [])
    .filter((file) => file.image === image && paths.includes(file.path))
}

/** Why these folders may not go: the image team/app/web lies in the folder of the tag `web` of team/app. */
export async function whatLiesBelow(
  api: ProductApi,
  { key }: Place,
  paths: readonly string[],
  options: RunOptions | undefined,
): Promise<string | undefined> {
  const found = await findBelow(api, key, paths, options)
  return found === undefined
    ? undefined
    : `Another image lies below its folder (${found.path}), and would go with it; delete it in Artifactory if both may go.`
}
