/**
 * Lists the versions of a package: every manifest, tagged or not, with its tags and times.
 *
 * The list is cut into pages by position, newest first. A push while it is read shows a version twice, which does no harm;
 * a deletion hides one, and an index that is hidden would leave its platforms looking as if nobody needed them. So the
 * last page is read before those between, and the last and the first once more at the end: if nothing was deleted, they
 * show exactly what must stand there.
 */
import { mapParallel } from '../oci/parallel.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { VersionsUnsettledError } from './errors.ts'
import type { ApiAnswer, GitHubApi } from './github-api.ts'
import { readPage, type ApiList, type ApiPage } from './pages.ts'
import { parseVersion, type PackageVersion } from './version.ts'

const PAGES_AT_ONCE = 10
const READINGS_MAX = 4

export type VersionsAnswer =
  /** Rows in the order in which they were read: of two with the same id the later one is newer. */
  | { readonly kind: 'versions'; readonly rows: readonly PackageVersion[] }
  | { readonly kind: 'refused'; readonly answer: ApiAnswer }

interface VersionPage extends Pick<ApiPage, 'hasNext' | 'last'> {
  readonly rows: readonly PackageVersion[]
}

/** @throws VersionsUnsettledError, RegistryAnswerError, RegistryContentError */
export async function readVersions(
  api: GitHubApi,
  list: ApiList,
  repository: RepositoryName,
  options?: RunOptions,
): Promise<VersionsAnswer> {
  const page = async (number: number): Promise<VersionPage> => {
    const read = await readPage(api, list, number, options)
    if (read.kind === 'refused') throw api.unexpected(`Listing ${list.what}`, read.answer)
    return versionsOf(api, list, read.page)
  }
  for (let reading = 0; reading < READINGS_MAX; reading += 1) {
    const read = await readPage(api, list, 1, options)
    if (read.kind === 'refused') return read
    const first = versionsOf(api, list, read.page)
    if (!first.hasNext) return { kind: 'versions', rows: first.rows }
    const rows = await readRest(first, page)
    if (rows !== undefined) return { kind: 'versions', rows }
  }
  throw new VersionsUnsettledError(api.name, repository)
}

/** Everything after the first page; undefined when something was deleted meanwhile. */
async function readRest(
  first: VersionPage,
  page: (number: number) => Promise<VersionPage>,
): Promise<readonly PackageVersion[] | undefined> {
  const last = first.last ?? (await findLast(page))
  const end = await page(last)
  const numbers = Array.from({ length: Math.max(0, last - 2) }, (_, i) => i + 2)
  const between = await mapParallel(numbers, PAGES_AT_ONCE, page)
  const endAgain = await page(last)
  const firstAgain = await page(1)
  const read = [first, ...between, end].flatMap(({ rows }) => rows)
  const ids = new Set(read.map(({ id }) => id))
  const pushed = firstAgain.rows.filter(({ id }) => !ids.has(id))
  const expected = [...pushed.map(({ id }) => id), ...ids]
  const size = first.rows.length
  const isWhole =
    !end.hasNext &&
    !endAgain.hasNext &&
    isSame(firstAgain.rows, expected.slice(0, size)) &&
    isSame(endAgain.rows, expected.slice((last - 1) * size))
  return isWhole ? [...read, ...endAgain.rows, ...firstAgain.rows] : undefined
}

async function findLast(page: (number: number) => Promise<VersionPage>): Promise<number> {
  let number = 2
  while ((await page(number)).hasNext) number += 1
  return number
}

function isSame(rows: readonly PackageVersion[], ids: readonly number[]): boolean {
  return rows.length === ids.length && rows.every(({ id }, i) => id === ids[i])
}

function versionsOf(api: GitHubApi, list: ApiList, { rows, hasNext, last }: ApiPage): VersionPage {
  return { rows: rows.map((row) => parseVersion(api, list.what, row)), hasNext, last }
}
