/**
 * Asks by AQL, Artifactory's query language. One query answers for a whole repository key; where the server trims the
 * answer, the rows are read page by page and their details in portions.
 *
 * Promises: every row there is, or an error. A trimmed answer says so in `range.notification` and is never used as it is.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import { isRecord } from '../oci/answers.ts'
import type { ProductApi } from '../product-api.ts'

export type AqlRow = Readonly<Record<string, unknown>> & AqlPlace

interface AqlPlace {
  readonly path: string
  readonly name: string
}

/** Criteria of one `items.find`, without the names of files. */
export type AqlCriteria = Readonly<Record<string, unknown>>

const manifestNames = ['manifest.json', 'list.manifest.json']
const ofManifests: AqlCriteria = { $or: manifestNames.map((name) => ({ name })) }
// Users who are no administrators must ask for repo, path and name.
const PLAIN = 'include("repo","path","name","sha256","created","modified")'
const FULL =
  'include("repo","path","name","sha256","created","modified","updated","stat.downloaded","stat.downloads","stat.remote_downloaded","property.key","property.value")'

const PAGE_ROWS = 10_000
const PORTION_ROWS = 100
const READINGS_MAX = 3

/** Every manifest file that fits, with its times, pulls and properties. */
export async function findManifests(
  api: ProductApi,
  where: AqlCriteria,
  options: RunOptions | undefined,
): Promise<readonly AqlRow[]> {
  const whole = await ask(api, `items.find(${JSON.stringify({ ...where, ...ofManifests })}).${FULL}`, options)
  if (!whole.isTrimmed) return whole.rows
  const rows = await readPages(api, where, options)
  const { repo } = where
  return inPortions(api, { repo }, rows, PORTION_ROWS, options)
}

/** Manifest files by what the distribution API calls them by. */
export async function findByDigest(
  api: ProductApi,
  where: AqlCriteria,
  digest: string,
  options: RunOptions | undefined,
): Promise<readonly AqlRow[]> {
  const named = [{ sha256: digest.slice(digest.indexOf(':') + 1) }, { '@docker.manifest.digest': digest }]
  const query = `items.find(${JSON.stringify({ ...where, $or: named })}).${FULL}`
  const { rows, isTrimmed } = await ask(api, query, options)
  if (isTrimmed) throw trimmed(api)
  return rows.filter(({ name }) => manifestNames.includes(name))
}

/** What lies in these folders. */
export function findInFolders(
  api: ProductApi,
  repo: string,
  paths: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly AqlRow[]> {
  const rows = paths.flatMap((path) => manifestNames.map((name) => ({ path, name })))
  return inPortions(api, { repo }, rows, PORTION_ROWS, options)
}

/** The first manifest file found anywhere below these folders, which is one of another image. */
export async function findBelow(
  api: ProductApi,
  repo: string,
  paths: readonly string[],
  options: RunOptions | undefined,
): Promise<AqlRow | undefined> {
  const below = { $or: paths.map((path) => ({ path: { $match: `${path}/*` } })) }
  const query = `items.find(${JSON.stringify({ repo, $and: [below], ...ofManifests })}).${PLAIN}`
  const { rows } = await ask(api, query, options)
  // Only what truly lies below counts, whatever the server takes for a match.
  return rows.find((row) => paths.some((path) => row.path.startsWith(`${path}/`)))
}

/** Sorting and paging do not go together with times of pulls and with properties, so those are asked for afterwards. */
async function readPages(
  api: ProductApi,
  where: AqlCriteria,
  options: RunOptions | undefined,
): Promise<readonly AqlPlace[]> {
  for (let reading = 1; reading <= READINGS_MAX; reading += 1) {
    const rows = await readPagesOnce(api, where, options)
    if (rows !== undefined) return rows
  }
  throw api.content('its list of manifests changed each time while it was read, so it is not whole')
}

/**
 * Each page begins with the last row of the one before: where it does not, something came or went in between, and a row
 * may have slipped from one page to the other.
 *
 * @returns undefined when the list changed while it was read
 */
async function readPagesOnce(
  api: ProductApi,
  where: AqlCriteria,
  options: RunOptions | undefined,
): Promise<readonly AqlPlace[] | undefined> {
  const found: AqlPlace[] = []
  const find = `items.find(${JSON.stringify({ ...where, ...ofManifests })}).${PLAIN}`
  for (;;) {
    const last = found.at(-1)
    const offset = last === undefined ? 0 : found.length - 1
    const query = `${find}.sort({"$asc":["path","name"]}).offset(${offset}).limit(${PAGE_ROWS})`
    const { rows, isTrimmed } = await ask(api, query, options)
    if (last !== undefined && !isSame(rows[0], last)) return undefined
    const fresh = last === undefined ? rows : rows.slice(1)
    if (fresh.length === 0 && isTrimmed) throw trimmed(api)
    found.push(...fresh.map(({ path, name }) => ({ path, name })))
    if (rows.length < PAGE_ROWS && !isTrimmed) return found
  }
}

async function inPortions(
  api: ProductApi,
  where: AqlCriteria,
  wanted: readonly AqlPlace[],
  size: number,
  options: RunOptions | undefined,
): Promise<readonly AqlRow[]> {
  const found: AqlRow[] = []
  for (let start = 0; start < wanted.length; start += size) {
    const portion = wanted.slice(start, start + size)
    const exactly = portion.map(({ path, name }) => ({ $and: [{ path }, { name }] }))
    const query = `items.find(${JSON.stringify({ ...where, $or: exactly })}).${FULL}`
    const { rows, isTrimmed } = await ask(api, query, options)
    if (!isTrimmed) found.push(...rows)
    else if (portion.length === 1) throw trimmed(api)
    else found.push(...(await inPortions(api, where, portion, Math.ceil(portion.length / 2), options)))
  }
  return found
}

async function ask(
  api: ProductApi,
  query: string,
  options: RunOptions | undefined,
): Promise<{ readonly rows: readonly AqlRow[]; readonly isTrimmed: boolean }> {
  const what = 'Its search by AQL'
  const url = api.url('/api/search/aql')
  // A question, although it is a POST: asking twice does no harm.
  const request = { method: 'POST', url, headers: { 'content-type': 'text/plain' }, body: query } as const
  const answer = await api.read(what, { ...request, idempotent: true }, options)
  const { results, range } = isRecord(answer) ? answer : {}
  if (!Array.isArray(results) || !isRecord(range))
    throw api.mismatch(`${what} was answered without results and range`)
  return {
    rows: results.map((row: unknown) => rowOf(api, row)),
    isTrimmed: range['notification'] !== undefined,
  }
}

function rowOf(api: ProductApi, row: unknown): AqlRow {
  const { path, name } = isRecord(row) ? row : {}
  if (!isRecord(row) || typeof path !== 'string' || typeof name !== 'string')
    throw api.content('its search answered with a row without path and name')
  return { ...row, path, name }
}

function isSame(row: AqlPlace | undefined, last: AqlPlace): boolean {
  return row?.path === last.path && row.name === last.name
}

function trimmed(api: ProductApi): Error {
  return api.content(
    'its search trims even the smallest answers (artifactory.search.userQueryLimit and its like), so no list of it is whole',
  )
}
