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

/** `versions` are all there are of one name. */
export function layersOf(versions: readonly Version[]): VersionedName {
  const sorted = versions.toSorted(newestFirst)
  const layers: { markers: Version[]; hidden: Version[] }[] = []
  for (const version of sorted) {
    const layer = layers.at(-1)
    if (version.isMarker) {
      if (layer === undefined || layer.hidden.length > 0) layers.push({ markers: [version], hidden: [] })
      else layer.markers.push(version)
    } else layer?.hidden.push(version)
  }
  return {
    isInPlace: sorted[0] !== undefined && !sorted[0].isMarker,
    layers: layers.filter(({ hidden }) => hidden.length > 0),
    emptyMarkers: layers.filter(({ hidden }) => hidden.length === 0).flatMap(({ markers }) => markers),
  }
}

/**
 * Times are told in seconds, so a version and a marker may have the same; then the marker counts as newer, and the
 * version as hidden. That is safe: only the latest is what readers see, and the server says which that is.
 */
function newestFirst(a: Version, b: Version): number {
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1
  return b.modifiedAt - a.modifiedAt || Number(b.isMarker) - Number(a.isMarker)
}
