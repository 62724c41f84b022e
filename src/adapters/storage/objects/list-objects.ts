/**
 * Listing every object below a prefix, in parallel where there are many.
 *
 * A page tells where the next one begins, so one prefix is read page after page. Registries spread their blobs over 256
 * folders: what does not fit one page is split into its folders, and those are listed side by side.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { ListedObject, ObjectBucket, ObjectPage } from './object-bucket.ts'
import { mapParallel, throwIfAborted } from './parallel.ts'

/** So many folders are worth listing side by side; fewer are split further. */
const PREFIXES_MIN = 16
/** `repositories/` may hold chains of folders; further down a page is likely to hold everything. */
const SPLIT_DEPTH_MAX = 4
const LISTED_AT_ONCE = 16

export async function* listObjects(
  bucket: ObjectBucket,
  prefix: string,
  options?: RunOptions,
): AsyncGenerator<readonly ListedObject[]> {
  throwIfAborted(options)
  const first = await bucket.page({ prefix, level: 'all' }, options)
  yield first.objects
  // What follows names these again, which the port allows; where a list fits one page, one request was enough.
  if (first.next !== undefined) yield* listSplit(bucket, prefix, options)
}

/** Everything directly under a prefix, all pages of it. */
export async function listLevel(
  bucket: ObjectBucket,
  prefix: string,
  options?: RunOptions,
): Promise<Pick<ObjectPage, 'objects' | 'folders'>> {
  const objects: ListedObject[] = []
  const folders = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await bucket.page({ prefix, level: 'one', cursor }, options)
    objects.push(...page.objects)
    for (const folder of page.folders) folders.add(folder)
    cursor = page.next
  } while (cursor !== undefined)
  return { objects, folders: [...folders] }
}

async function* listSplit(
  bucket: ObjectBucket,
  prefix: string,
  options: RunOptions | undefined,
): AsyncGenerator<readonly ListedObject[]> {
  let prefixes: readonly string[] = [prefix]
  for (
    let depth = 0;
    depth < SPLIT_DEPTH_MAX && prefixes.length > 0 && prefixes.length < PREFIXES_MIN;
    depth++
  ) {
    const levels = await mapParallel(prefixes, options, async (each) => listLevel(bucket, each, options))
    for (const { objects } of levels) yield objects
    prefixes = levels.flatMap(({ folders }) => folders)
  }
  yield* listSideBySide(bucket, prefixes, options)
}

interface Arrived {
  readonly slot: number
  readonly prefix: string
  readonly page: ObjectPage
}

/** No more pages wait in memory than are asked for at once: a slot asks for its next page when its last one was taken. */
async function* listSideBySide(
  bucket: ObjectBucket,
  prefixes: readonly string[],
  options: RunOptions | undefined,
): AsyncGenerator<readonly ListedObject[]> {
  const waiting = [...prefixes].toReversed()
  const asked = new Map<number, Promise<Arrived>>()
  const ask = (slot: number, prefix: string, cursor?: string): void => {
    const coming = bucket
      .page({ prefix, level: 'all', cursor }, options)
      .then((page) => ({ slot, prefix, page }))
    // Seen to when it is its turn; until then, or when nobody waits any more, a failure is not unhandled.
    coming.catch(() => undefined)
    asked.set(slot, coming)
  }
  const askNext = (slot: number): void => {
    const prefix = waiting.pop()
    if (prefix !== undefined) ask(slot, prefix)
  }
  for (let slot = 0; slot < LISTED_AT_ONCE; slot++) askNext(slot)
  while (asked.size > 0) {
    const { slot, prefix, page } = await Promise.race(asked.values())
    asked.delete(slot)
    if (page.next === undefined) askNext(slot)
    else ask(slot, prefix, page.next)
    yield page.objects
  }
}
