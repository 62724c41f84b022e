/**
 * Versions of packages, as Gitea and Forgejo list them: one for each tag, and one for each manifest that was pushed by its
 * digest, children of indexes included.
 *
 * Promises: all versions, or an error. Pages are numbered, newest first, so a deletion in between moves a row to a page that
 * was read already; the total that comes with every page shows it, and the list is read again.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { isRecord } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'

export interface PackageVersion {
  readonly id: number
  /** The image's name without its owner. */
  readonly name: string
  /** A tag in lower case, or a digest. */
  readonly version: string
  readonly createdAt: InstantMs
}

/** More than the server gives is not refused, it gives its own number (MAX_RESPONSE_ITEMS). */
const PAGE_ROWS = 50
const READINGS_MAX = 3
const PAGES_MAX = 100_000

/**
 * @param image what the name must contain; all images of the owner when left out
 * @returns undefined when there is no such owner
 */
export async function listVersions(
  api: ProductApi,
  owner: string,
  image: string | undefined,
  options: RunOptions | undefined,
): Promise<readonly PackageVersion[] | undefined> {
  for (let reading = 1; reading <= READINGS_MAX; reading += 1) {
    const found = await readPages(api, owner, image, options)
    if (found !== 'changed') return found
  }
  throw api.content(
    `the packages of ${owner} changed each time while they were read, so their list is not whole`,
  )
}

async function readPages(
  api: ProductApi,
  owner: string,
  image: string | undefined,
  options: RunOptions | undefined,
): Promise<readonly PackageVersion[] | undefined | 'changed'> {
  const found = new Map<number, PackageVersion>()
  let total: number | undefined
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const query = new URLSearchParams({ type: 'container', page: `${page}`, limit: `${PAGE_ROWS}` })
    if (image !== undefined) query.set('q', image)
    const url = api.url(`/packages/${encodeURIComponent(owner)}?${query.toString()}`)
    const response = await api.send({ method: 'GET', url }, options)
    if (response.status === 404 && isOwnAnswer(response)) return undefined
    const what = `Listing the packages of ${owner}`
    if (response.status !== 200) throw api.unexpected(what, response)
    const rows = api.jsonOf(what, response)
    const count = totalOf(response)
    if (!Array.isArray(rows) || count === undefined)
      throw api.mismatch(`${what} was answered without a list and its X-Total-Count`)
    if (total !== undefined && count !== total) return 'changed'
    total = count
    for (const row of rows.map((each: unknown) => versionOf(api, each))) found.set(row.id, row)
    if (found.size === total) return [...found.values()]
    // The last page came, and rows are missing: they moved between pages.
    if (rows.length === 0 || found.size > total) return 'changed'
  }
  throw api.content(`the packages of ${owner} take more than ${PAGES_MAX} pages`)
}

function versionOf(api: ProductApi, row: unknown): PackageVersion {
  const { id, name, version, created_at: created } = isRecord(row) ? row : {}
  const createdAt = typeof created === 'string' ? Date.parse(created) : Number.NaN
  if (
    typeof id === 'number' &&
    typeof name === 'string' &&
    typeof version === 'string' &&
    !Number.isNaN(createdAt)
  )
    return { id, name, version, createdAt }
  throw api.content('a row of its packages has no id, name, version or created_at')
}

function totalOf({ headers }: HttpResponse): number | undefined {
  const told = headers.get('x-total-count') ?? ''
  return /^\d+$/.test(told) ? Number(told) : undefined
}

/** Gitea's own 404 is JSON with a message; another product's is not. */
export function isOwnAnswer(response: HttpResponse): boolean {
  try {
    const body = response.json()
    return isRecord(body) && typeof body['message'] === 'string' && Array.isArray(body['errors'] ?? [])
  } catch {
    // A page of something else.
    return false
  }
}
