/**
 * Finds many objects by name in a few lists instead of asking for each.
 *
 * The wanted names are sorted, and the server's list is read beside them: a page answers for every wanted name up to its
 * last one, and the next page begins right before the next wanted name. So it takes at most one request a name, and where
 * they lie close together one for a thousand.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { compareNames, justBefore } from './keys.ts'
import { listPage, requireOrder, type ListedObject, type Page } from './list-pages.ts'
import { mapParallel, partsOf } from './parallel.ts'

/** Below this many names, another list beside costs more than it saves. */
const NAMES_PER_LIST_MIN = 32
/** How many names around a wanted one are looked at where they lie far apart. */
const NAMES_AROUND = 20

/** Those of `names` that are there. */
export async function findObjects(
  connection: Connection,
  names: readonly string[],
  options: RunOptions | undefined,
): Promise<ReadonlyMap<string, ListedObject>> {
  const found = new Map<string, ListedObject>()
  const sorted = [...new Set(names)].toSorted(compareNames)
  const parts = partsOf(sorted, connection.requestsAtOnce, NAMES_PER_LIST_MIN)
  await mapParallel(parts, connection.requestsAtOnce, async (part) => {
    for (const object of await findSorted(connection, part, options)) found.set(object.name, object)
  })
  return found
}

async function findSorted(
  connection: Connection,
  wanted: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly ListedObject[]> {
  const beginning = commonBeginning(wanted)
  const isWanted = new Set(wanted)
  const found: ListedObject[] = []
  let decided = 0
  let after = ''
  let namesMax = connection.pageKeys
  while (decided < wanted.length) {
    after = later(after, justBefore(wanted[decided] ?? ''))
    const page = await nextPage(connection, { beginning, after, namesMax }, options)
    found.push(...page.objects.filter(({ name }) => isWanted.has(name)))
    const last = page.objects.at(-1)?.name
    if (page.token === undefined || last === undefined) return found
    const before = decided
    while (decided < wanted.length && compareNames(wanted[decided] ?? '', last) <= 0) decided += 1
    namesMax = Math.max(NAMES_AROUND, NAMES_AROUND * (decided - before))
    after = last
  }
  return found
}

/** A page with names on it, unless there are no more. */
async function nextPage(
  connection: Connection,
  request: { readonly beginning: string; readonly after: string; readonly namesMax: number },
  options: RunOptions | undefined,
): Promise<Page> {
  let page = await listPage(connection, request, options)
  while (page.objects.length === 0 && page.token !== undefined) {
    page = await listPage(connection, { ...request, token: page.token }, options)
  }
  const names = page.objects.map(({ name }) => name)
  requireOrder(connection, request.after, names)
  return page
}

export function later(a: string, b: string): string {
  return compareNames(a, b) < 0 ? b : a
}

/** Of sorted names: what the first and the last begin with. */
export function commonBeginning(sorted: readonly string[]): string {
  const [first = '', last = ''] = [sorted[0], sorted.at(-1)]
  let length = 0
  while (length < first.length && first[length] === last[length]) length += 1
  // Not in the middle of a letter.
  return /[\ud800-\udbff]$/.test(first.slice(0, length)) ? first.slice(0, length - 1) : first.slice(0, length)
}
