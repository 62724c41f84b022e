/**
 * Where the bytes of files are now: under their key, hidden by a delete marker, or copied into the quarantine.
 *
 * A copy is looked for in every bucket and a hidden version in every bucket that ever kept versions, so switching
 * versioning on or off between two runs loses nothing.
 */
import { quarantineKey, type AsideFile, type Whereabouts } from '../../../ports/listable-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { findObjects } from './find-objects.ts'
import { findVersions } from './find-versions.ts'
import { objectName } from './keys.ts'
import type { ListedObject } from './list-pages.ts'
import type { VersioningLookup } from './versioning.ts'
import { layersOf, type Layer, type Version } from './versions.ts'

export interface Placement {
  /** The object's name, and the one it has in the quarantine where it was copied. */
  readonly name: string
  readonly copyName: string
  readonly isInPlace: boolean
  /** Undefined where the bytes were not copied. */
  readonly copy: ListedObject | undefined
  readonly layers: readonly Layer[]
  readonly emptyMarkers: readonly Version[]
}

export interface Names {
  readonly name: string
  readonly copyName: string
}

/** @throws StorageEscapeError for any hostile key, before anything is asked */
export function namesOf(connection: Connection, files: readonly AsideFile[]): readonly Names[] {
  return files.map((file) => ({
    name: objectName(connection, file.key),
    copyName: objectName(connection, quarantineKey(file)),
  }))
}

export async function placementsOf(
  connection: Connection,
  versioning: VersioningLookup,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly Placement[]> {
  const names = namesOf(connection, files)
  if (names.length === 0) return []
  const place = await placer(connection, await versioning(options), names, options)
  const copies = await findObjects(
    connection,
    names.map(({ copyName }) => copyName),
    options,
  )
  return names.map((both) => ({ ...both, ...place(both.name), copy: copies.get(both.copyName) }))
}

type InPlace = Pick<Placement, 'isInPlace' | 'layers' | 'emptyMarkers'>

async function placer(
  connection: Connection,
  versioning: Awaited<ReturnType<VersioningLookup>>,
  names: readonly Names[],
  options: RunOptions | undefined,
): Promise<(name: string) => InPlace> {
  const wanted = names.map(({ name }) => name)
  if (versioning === 'never') {
    const objects = await findObjects(connection, wanted, options)
    return (name) => ({ isInPlace: objects.has(name), layers: [], emptyMarkers: [] })
  }
  const versions = await findVersions(connection, wanted, options)
  return (name) => layersOf(versions.get(name) ?? [])
}

export function whereaboutsOf({ isInPlace, copy, layers }: Placement): Whereabouts {
  const isAside = copy !== undefined || layers.length > 0
  if (isInPlace) return isAside ? 'both' : 'in-place'
  return isAside ? 'aside' : 'gone'
}
