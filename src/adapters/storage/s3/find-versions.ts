/** Finds all versions of many objects in a few lists; the same walk as in find-objects.ts, over another list. */
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { commonBeginning, later } from './find-objects.ts'
import { compareNames, justBefore, keyOf } from './keys.ts'
import { brokenList, decoderOf, requireOrder } from './list-pages.ts'
import { mapParallel, partsOf } from './parallel.ts'
import { newestFirst, type Version } from './versions.ts'

const NAMES_PER_LIST_MIN = 32
/** How many versions from a wanted name on are looked at where they lie far apart. */
const VERSIONS_AROUND = 20

/** By name, newest first; what is not in it has no version and no marker. */
export async function findVersions(
  connection: Connection,
  names: readonly string[],
  options: RunOptions | undefined,
): Promise<ReadonlyMap<string, readonly Version[]>> {
  const listed = new Map<string, Version[]>()
  const sorted = [...new Set(names)].toSorted(compareNames)
  const parts = partsOf(sorted, connection.requestsAtOnce, NAMES_PER_LIST_MIN)
  await mapParallel(parts, connection.requestsAtOnce, async (part) => {
    for (const version of await findSorted(connection, part, options)) {
      const versions = listed.get(version.name)
      if (versions === undefined) listed.set(version.name, [version])
      // Some servers name the last of a page again on the next.
      else if (!versions.some(({ versionId }) => versionId === version.versionId)) versions.push(version)
    }
  })
  const found = await mapParallel([...listed], connection.requestsAtOnce, async ([name, versions]) => {
    const order = newestFirst(versions, connection.isAmazon)
    return [name, order ?? (await orderByPages(connection, name, versions, options))] as const
  })
  return new Map(found)
}

/**
 * The server's own order: what a page of n has and one of n - 1 has not is the nth. Always from the top, because some
 * servers stumble where a list is to go on between two versions of one name.
 */
async function orderByPages(
  connection: Connection,
  name: string,
  listed: readonly Version[],
  options: RunOptions | undefined,
): Promise<readonly Version[]> {
  const left = new Map(listed.map((version) => [version.versionId, version]))
  const order: Version[] = []
  for (let versionsMax = 1; left.size > 0; versionsMax++) {
    const page = await versionsPage(
      connection,
      { beginning: name, marker: { name: '' }, versionsMax },
      options,
    )
    // What was uploaded since the list was read is not on it, and is not touched.
    for (const { versionId } of page.versions.filter((version) => version.name === name)) {
      const version = left.get(versionId)
      if (version !== undefined) order.push(version)
      left.delete(versionId)
    }
    if (page.next === undefined) return order
    if (versionsMax > connection.pageKeys)
      throw brokenList(connection.place, 'it has too many versions of one name')
  }
  return order
}

async function findSorted(
  connection: Connection,
  wanted: readonly string[],
  options: RunOptions | undefined,
): Promise<readonly Version[]> {
  const beginning = commonBeginning(wanted)
  const isWanted = new Set(wanted)
  const found: Version[] = []
  let decided = 0
  let versionsMax = connection.pageKeys
  let marker: Marker = { name: justBefore(wanted[0] ?? '') }
  for (;;) {
    const page = await versionsPage(connection, { beginning, marker, versionsMax }, options)
    found.push(...page.versions.filter(({ name }) => isWanted.has(name)))
    if (page.next === undefined) return found
    const before = decided
    // Of the last name on the page there may be more on the next.
    while (decided < wanted.length && compareNames(wanted[decided] ?? '', page.next.name) < 0) decided += 1
    if (decided === wanted.length) return found
    versionsMax = Math.max(VERSIONS_AROUND, VERSIONS_AROUND * (decided - before))
    const jump = justBefore(wanted[decided] ?? '')
    marker = later(jump, page.next.name) === page.next.name ? page.next : { name: jump }
  }
}

interface Marker {
  /** The list goes on after this name; with a version, after that version of it. */
  readonly name: string
  readonly versionId?: string
}

interface VersionsPage {
  readonly versions: readonly Version[]
  readonly next: Marker | undefined
}

async function versionsPage(
  connection: Connection,
  request: { readonly beginning: string; readonly marker: Marker; readonly versionsMax: number },
  options: RunOptions | undefined,
): Promise<VersionsPage> {
  const { beginning, marker } = request
  const key = keyOf(connection, beginning)
  const answer = await connection.ask(key, options, (s3, http) =>
    s3.listObjectVersions(
      {
        Bucket: connection.bucket,
        Prefix: beginning,
        EncodingType: 'url',
        MaxKeys: Math.min(request.versionsMax, connection.pageKeys),
        ...(marker.name !== '' && { KeyMarker: marker.name }),
        ...(marker.versionId !== undefined && { VersionIdMarker: marker.versionId }),
      },
      http,
    ),
  )
  if (answer === undefined) {
    throw new StorageUnreadableError(`${connection.place}/${key}`, 'the server does not list versions')
  }
  const decode = decoderOf(answer.EncodingType)
  const versions = [
    ...versionsOf(answer.Versions, false, decode),
    ...versionsOf(answer.DeleteMarkers, true, decode),
  ].toSorted((a, b) => compareNames(a.name, b.name))
  requireOrder(
    connection,
    marker.versionId === undefined ? marker.name : '',
    versions.map(({ name }) => name),
  )
  if (answer.IsTruncated !== true) return { versions, next: undefined }
  if (answer.NextKeyMarker === undefined) throw brokenList(connection.place, 'it breaks off')
  const next = { name: decode(answer.NextKeyMarker), versionId: answer.NextVersionIdMarker }
  const isSame = next.name === marker.name && next.versionId === marker.versionId
  if (isSame || later(marker.name, next.name) !== next.name)
    throw brokenList(connection.place, 'it goes round in a circle')
  return {
    versions,
    next: next.versionId === undefined ? { name: next.name } : { ...next, versionId: next.versionId },
  }
}

interface ListedVersion {
  readonly Key?: string | undefined
  readonly VersionId?: string | undefined
  readonly IsLatest?: boolean | undefined
  readonly LastModified?: Date | undefined
}

function versionsOf(
  listed: readonly ListedVersion[] | undefined,
  isMarker: boolean,
  decode: (text: string) => string,
): readonly Version[] {
  return (listed ?? []).map((version) => ({
    name: decode(version.Key ?? ''),
    versionId: version.VersionId ?? 'null',
    isMarker,
    isLatest: version.IsLatest ?? false,
    modifiedAt: version.LastModified?.getTime() ?? 0,
  }))
}
