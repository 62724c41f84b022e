/**
 * Finds what was set aside, by its marks and copies.
 *
 * Asked about many files of one run, it lists what that run keeps: a page says what a thousand questions would. It gives
 * that up, and asks for each file, once it has read as many pages as there are files.
 */
import { QUARANTINE_FOLDER, quarantineKey, type AsideFile } from '../../../ports/listable-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Kept, ObjectBucket, OwnObject } from './object-bucket.ts'
import { MARKS_FOLDER, marksPrefix, parseMark } from './object-keys.ts'
import { mapParallel } from './parallel.ts'

/** Fewer files of a run are asked for one by one. */
const LISTED_FILES_MIN = 8

export interface Aside {
  readonly file: AsideFile
  /** What the store itself keeps, by the marks of this very run; nearly always one. */
  readonly kept: readonly Kept[]
  /** The copy in the quarantine. */
  readonly copy: OwnObject | undefined
  /** All marks of the file, those of bytes that are no longer kept included. */
  readonly marks: readonly OwnObject[]
}

/** One for each, in the order asked. */
export async function findAsides(
  bucket: ObjectBucket,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly Aside[]> {
  const lists = new Map<string, RunList | undefined>()
  for (const run of new Set(files.map((file) => file.run))) {
    const count = files.filter((file) => file.run === run).length
    lists.set(run, count < LISTED_FILES_MIN ? undefined : await listRun(bucket, run, count, options))
  }
  return mapParallel(files, options, async (file) => {
    const list = lists.get(file.run)
    const found = list === undefined ? await askForFile(bucket, file, options) : lookUp(list, file)
    const kept: Kept[] = []
    for (const { key } of found.marks) {
      const named = parseMark(file, key)
      // A mark may be older than its deed, if a crash came between: then the object is still in place.
      if (named !== undefined && (await bucket.isKept(file.key, named, options))) kept.push(named)
    }
    return { file, kept, ...found }
  })
}

type Found = Pick<Aside, 'copy' | 'marks'>

interface RunList {
  readonly copies: ReadonlyMap<string, OwnObject>
  /** By the beginning that they share. */
  readonly marks: ReadonlyMap<string, readonly OwnObject[]>
}

function lookUp({ copies, marks }: RunList, file: AsideFile): Found {
  return { copy: copies.get(quarantineKey(file)), marks: marks.get(marksPrefix(file)) ?? [] }
}

async function askForFile(
  bucket: ObjectBucket,
  file: AsideFile,
  options: RunOptions | undefined,
): Promise<Found> {
  const copyKey = quarantineKey(file)
  const [page, facts] = await Promise.all([
    bucket.page({ prefix: marksPrefix(file), level: 'all' }, options),
    bucket.head(copyKey, options),
  ])
  const marks = page.objects.filter(({ key }) => parseMark(file, key) !== undefined)
  return { copy: facts && { key: copyKey, facts }, marks }
}

/** Undefined when it is longer than so many pages. */
async function listRun(
  bucket: ObjectBucket,
  run: string,
  pagesMax: number,
  options: RunOptions | undefined,
): Promise<RunList | undefined> {
  const copies = await listWhole(bucket, `${QUARANTINE_FOLDER}/${run}/`, pagesMax, options)
  const marks = copies && (await listWhole(bucket, `${MARKS_FOLDER}/${run}/`, pagesMax, options))
  if (copies === undefined || marks === undefined) return undefined
  const byPrefix = new Map<string, OwnObject[]>()
  for (const mark of marks) {
    const prefix = mark.key.replace(/[^/]*$/, '')
    byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), mark])
  }
  return { copies: new Map(copies.map((copy) => [copy.key, copy])), marks: byPrefix }
}

async function listWhole(
  bucket: ObjectBucket,
  prefix: string,
  pagesMax: number,
  options: RunOptions | undefined,
): Promise<readonly OwnObject[] | undefined> {
  const objects: OwnObject[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await bucket.page({ prefix, level: 'all', cursor }, options)
    for (const object of page.objects) objects.push(object)
    cursor = page.next
    if (cursor === undefined) return objects
  }
  return undefined
}
