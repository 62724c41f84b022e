/**
 * What lies under a name in a bucket that keeps versions, and which of it was set aside.
 *
 * From new to old there is first what a reader sees, then layers: delete markers, and beneath them the versions that they
 * hide. Setting aside puts a marker on top. So what is beneath a marker was set aside (or deleted by somebody else); what
 * is above every marker was not, and is never touched here.
 */
export interface Version {
  readonly name: string
  readonly versionId: string
  readonly isMarker: boolean
  /** What a reader sees: this version, or with a marker nothing. */
  readonly isLatest: boolean
  readonly modifiedAt: number
}

export interface Layer {
  readonly markers: readonly Version[]
  /** Newest first, at least one. */
  readonly hidden: readonly Version[]
}

export interface VersionedName {
  /** Whether a reader sees a file. */
  readonly isInPlace: boolean
  /** Newest first. */
  readonly layers: readonly Layer[]
  /** Markers that hide nothing any more. */
  readonly emptyMarkers: readonly Version[]
}

/** `versions` are all there are of one name, newest first. */
export function layersOf(versions: readonly Version[]): VersionedName {
  const layers: { markers: Version[]; hidden: Version[] }[] = []
  for (const version of versions) {
    const layer = layers.at(-1)
    if (version.isMarker) {
      if (layer === undefined || layer.hidden.length > 0) layers.push({ markers: [version], hidden: [] })
      else layer.markers.push(version)
    } else layer?.hidden.push(version)
  }
  return {
    isInPlace: versions[0] !== undefined && !versions[0].isMarker,
    layers: layers.filter(({ hidden }) => hidden.length > 0),
    emptyMarkers: layers.filter(({ hidden }) => hidden.length === 0).flatMap(({ markers }) => markers),
  }
}

/**
 * The order of `listed`, which is in the order of the server's list but with the markers last; undefined when times do not
 * tell it: they are told in seconds, and a marker and a version may have the same.
 *
 * @param areTimesTrue whether the server tells when a version was made; some tell when it was replaced
 */
export function newestFirst(
  listed: readonly Version[],
  areTimesTrue: boolean,
): readonly Version[] | undefined {
  const markers = listed.filter(({ isMarker }) => isMarker)
  const latest = listed.filter(({ isLatest }) => isLatest)
  const older = listed.filter(({ isLatest }) => !isLatest)
  const olderMarkers = new Set(older.filter(({ isMarker }) => isMarker).map(({ modifiedAt }) => modifiedAt))
  // Of one kind the list gives the order; only between kinds it must be found.
  const isOneKind = markers.length === 0 || olderMarkers.size === 0 || older.every(({ isMarker }) => isMarker)
  const isTie = older.some(({ isMarker, modifiedAt }) => !isMarker && olderMarkers.has(modifiedAt))
  if (!isOneKind && (isTie || !areTimesTrue)) return undefined
  return [...latest, ...(isOneKind ? older : older.toSorted((a, b) => b.modifiedAt - a.modifiedAt))]
}
