/**
 * Takes folders back out of the trash can, which only administrators may look into. What lies there under the same path
 * may have been another image, so folders are found by their digest.
 */
import type { Digest } from '../../../core/image/digest.ts'
import { parseTagName, type TagName } from '../../../core/image/names.ts'
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { refused } from '../oci/refusals.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'
import { findByDigest } from './aql.ts'
import type { Place } from './repository-keys.ts'
import { storedManifest, type StoredManifest } from './stored-manifests.ts'

export const TRASH_KEY = 'auto-trashcan'
/** The folders of one image go within moments. */
const TOGETHER_MS = 60_000

export async function restoreFromTrash(
  api: ProductApi,
  { key, image }: Place,
  wanted: { readonly digest: Digest; readonly tag: TagName | undefined },
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  const where = { repo: TRASH_KEY, path: { $match: `${key}/${image}/*` } }
  const rows = await findByDigest(api, where, wanted.digest, options)
  const files = rows
    .flatMap((row) => storedManifest(api, row, `${key}/`) ?? [])
    .filter((file) => file.image === image && file.digest === wanted.digest)
  const chosen =
    wanted.tag === undefined ? goneTogether(files) : files.filter((file) => file.folder === wanted.tag)
  if (chosen.length === 0) return { kind: 'absent' }
  for (const { path } of chosen) {
    const outcome = await restoreFolder(api, `${key}/${path}`, options)
    if (outcome.kind !== 'done') return outcome
  }
  return { kind: 'done' }
}

/**
 * What brings a manifest back: its own folder, and the tags that went with it at the last time. Tags that went earlier
 * were removed by somebody else, and stay where they are.
 */
function goneTogether(files: readonly StoredManifest[]): readonly StoredManifest[] {
  const last = Math.max(...files.map(({ trashedAt }) => trashedAt ?? 0))
  return files.filter(
    ({ folder, trashedAt }) =>
      parseTagName(folder) === undefined ||
      files.length === 1 ||
      (trashedAt !== undefined && last - trashedAt <= TOGETHER_MS),
  )
}

async function restoreFolder(
  api: ProductApi,
  path: string,
  options: RunOptions | undefined,
): Promise<ChangeOutcome> {
  const url = api.url(`/api/trash/restore/${encodedPath(path)}?to=${encodeURIComponent(path)}`)
  const response = await api.send({ method: 'POST', url }, options)
  if ([200, 202, 204].includes(response.status)) return { kind: 'done' }
  if (response.status === 404) return { kind: 'absent' }
  if (response.status === 403)
    return refused(
      'forbidden',
      `Only an administrator may restore from the trash can (${saidByProduct(response)}).`,
    )
  throw api.unexpected(`Restoring ${path} from the trash can`, response)
}

/** A path for an address; the `:` of a digest becomes %3A. */
export function encodedPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
