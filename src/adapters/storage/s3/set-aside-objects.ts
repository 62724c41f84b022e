/** Files set aside in a bucket, put back and freed, whichever way the bucket keeps them. */
import type { AsideFile } from '../../../ports/listable-store.ts'
import type { FreeOutcome, PutBackOutcome, SetAsideOutcome } from '../../../ports/mutable-sweep-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import type { ListedObject } from './list-pages.ts'
import { copyBack, dropForGood, moveAside } from './set-aside-copies.ts'
import { dropHidden, hideObjects, unhideObjects } from './set-aside-versions.ts'
import type { VersioningLookup } from './versioning.ts'
import { namesOf, placementsOf, type Placement } from './whereabouts.ts'

export async function setAsideObjects(
  connection: Connection,
  versioning: VersioningLookup,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly SetAsideOutcome[]> {
  const names = namesOf(connection, files)
  if (names.length === 0) return []
  const act = (await versioning(options)) === 'on' ? hideObjects : moveAside
  const isAside = await act(connection, names, options)
  return isAside.map((is) => (is ? 'set-aside' : 'absent'))
}

export async function putBackObjects(
  connection: Connection,
  versioning: VersioningLookup,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly PutBackOutcome[]> {
  const placements = await placementsOf(connection, versioning, files, options)
  if (placements.length === 0) return []
  const isAbsent = (placement: Placement): boolean => !placement.isInPlace
  const fromCopy = placements.filter((placement) => isAbsent(placement) && placement.copy !== undefined)
  const hidden = placements.filter(
    (placement) => isAbsent(placement) && placement.copy === undefined && placement.layers.length > 0,
  )
  const copiedBack = await copyBack(connection, fromCopy, options)
  await unhideObjects(connection, hidden, options)
  const restored = new Set([...hidden, ...fromCopy.filter((_, i) => copiedBack[i] === true)])
  // Under every one of these keys lies the file that was put back, or a newer one of the same content.
  await dropForGood(connection, await versioning(options), copiesOf(placements), options)
  await dropHidden(
    connection,
    placements.filter(({ isInPlace, copy, layers }) => isInPlace && copy === undefined && layers.length > 0),
    options,
  )
  return placements.map((placement) => {
    if (restored.has(placement)) return 'restored'
    return placement.isInPlace || placement.copy !== undefined ? 'present' : 'lost'
  })
}

export async function freeObjects(
  connection: Connection,
  versioning: VersioningLookup,
  files: readonly AsideFile[],
  options: RunOptions | undefined,
): Promise<readonly FreeOutcome[]> {
  const placements = await placementsOf(connection, versioning, files, options)
  if (placements.length === 0) return []
  await dropForGood(connection, await versioning(options), copiesOf(placements), options)
  await dropHidden(
    connection,
    placements.filter(({ copy }) => copy === undefined),
    options,
  )
  return placements.map(({ copy, layers }) => (copy !== undefined || layers.length > 0 ? 'freed' : 'absent'))
}

function copiesOf(placements: readonly Placement[]): readonly ListedObject[] {
  return placements.map(({ copy }) => copy).filter((copy) => copy !== undefined)
}
