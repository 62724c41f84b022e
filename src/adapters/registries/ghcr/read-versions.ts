/**
 * Lists the versions of a package: every manifest, tagged or not, with its tags and times.
 *
 * The list is cut into pages by position, newest first. A deletion while it is read moves a version from a page that is to
 * be read to one that was, and hides it; an index that is hidden would leave its platforms looking as if nobody needed
 * them. So the last page is read before those between, which tells how many there are, and the first once more at the end,
 * which tells how many were pushed; and what was read must add up.
 */
import { mapParallel } from '../oci/parallel.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { VersionsUnsettledError } from './errors.ts'
import type { ApiAnswer, GitHubApi } from './github-api.ts'
import { readPage, type ApiList, type ApiPage } from './pages.ts'
import { parseVersion, type PackageVersion } from './version.ts'

const PAGES_AT_ONCE = 10
const READINGS_MAX = 6

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

/** Everything after the first page; undefined when something was deleted or overlooked meanwhile. */
async function readRest(
  first: VersionPage,
  page: (number: number) => Promise<VersionPage>,
): Promise<readonly PackageVersion[] | undefined> {
  const last = first.last ?? (await findLast(page))
  const end = await page(last)
  const numbers = Array.from({ length: Math.max(0, last - 2) }, (_, i) => i + 2)
  const between = await mapParallel(numbers, PAGES_AT_ONCE, page)
  const firstAgain = await page(1)
  const pushed = pushedBefore(first, firstAgain)
  // A push moves versions from the page before the last to the last, which was read early.
  const endAgain = pushed === 0 || last === 2 ? end : await page(last)
  const rows = [first, ...between, end, endAgain, firstAgain].flatMap((each) => each.rows)
  const total = (last - 1) * first.rows.length + end.rows.length
  // What a deletion hides is missing in the sum, since what was deleted was counted when the last page was read.
  const isWhole =
    pushed !== undefined &&
    !end.hasNext &&
    !endAgain.hasNext &&
    new Set(rows.map(({ id }) => id)).size === total + pushed
  return isWhole ? rows : undefined
}

/** How many versions came before those of the first page; undefined when one of these went, or all were pushed out of it. */
function pushedBefore(first: VersionPage, firstAgain: VersionPage): number | undefined {
  const pushed = firstAgain.rows.findIndex(({ id }) => id === first.rows[0]?.id)
  const kept = first.rows.slice(0, first.rows.length - pushed)
  const now = firstAgain.rows.slice(pushed)
  const isSame = now.length === kept.length && now.every(({ id }, i) => id === kept[i]?.id)
  return pushed >= 0 && isSame ? pushed : undefined
}

async function findLast(page: (number: number) => Promise<VersionPage>): Promise<number> {
  let number = 2
  while ((await page(number)).hasNext) number += 1
  return number
}

function versionsOf(api: GitHubApi, list: ApiList, { rows, hasNext, last }: ApiPage): VersionPage {
  return { rows: rows.map((row) => parseVersion(api, list.what, row)), hasNext, last }
}
