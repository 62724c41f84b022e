/**
 * Setting aside in a bucket that keeps versions: a delete marker hides the file, and its bytes do not move.
 *
 * What is deleted for good is always a version by its own number, taken from a list in which something newer hid it. So a
 * file that is uploaded at any moment has a number that is on no list here.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { Connection } from './connection.ts'
import { deleteObjects } from './delete-objects.ts'
import { findObjects } from './find-objects.ts'
import type { Names, Placement } from './whereabouts.ts'

/** True for what was there, and is hidden now. */
export async function hideObjects(
  connection: Connection,
  names: readonly Names[],
  options: RunOptions | undefined,
): Promise<readonly boolean[]> {
  // A marker over nothing would say "deleted" about what never was, and over a marker nothing new.
  const there = await findObjects(
    connection,
    names.map(({ name }) => name),
    options,
  )
  // Safe: without a version number, a bucket that keeps versions removes nothing; it puts a marker on top.
  await deleteObjects(
    connection,
    [...there.keys()].map((name) => ({ name })),
    options,
  )
  return names.map(({ name }) => there.has(name))
}

/** Takes the markers away that hide the newest layer. */
export async function unhideObjects(
  connection: Connection,
  placements: readonly Placement[],
  options: RunOptions | undefined,
): Promise<void> {
  const markers = placements.flatMap(({ emptyMarkers, layers: [newest] }) => [
    ...emptyMarkers,
    ...(newest?.markers ?? []),
  ])
  // Safe: markers have no bytes; whatever was uploaded since stays on top of what they hid.
  await deleteObjects(connection, markers, options)
}

/**
 * Deletes for good what one run set aside: the oldest layer, since what later runs set aside lies above it.
 */
export async function dropHidden(
  connection: Connection,
  placements: readonly Placement[],
  options: RunOptions | undefined,
): Promise<void> {
  const oldest = placements.map(({ layers }) => layers.at(-1))
  // Safe: every one of these versions lay beneath a marker, so no reader has seen it since, and it goes by its number.
  await deleteObjects(
    connection,
    oldest.flatMap((layer) => layer?.hidden ?? []),
    options,
  )
  // Markers second: without them, what they hide would come to light again.
  await deleteObjects(
    connection,
    [
      ...oldest.flatMap((layer) => layer?.markers ?? []),
      ...placements.flatMap(({ emptyMarkers }) => emptyMarkers),
    ],
    options,
  )
}
