/**
 * Rows: what rules speak of. Under `unit: image` a row is an image with all its tags; under `unit: tag` it is one tag,
 * or an image that has none.
 */
import type { GitView } from '../git/git-view.ts'
import type { ImageGraph, Node } from '../image/graph.ts'
import type { Digest } from '../image/digest.ts'
import type { InstantMs, ManifestRecord, TagRecord } from '../inventory/inventory.ts'
import { imageTimes, type ImageTimes } from './clocks.ts'
import type { Policy } from './policy.ts'

export interface Row {
  readonly node: Node
  readonly manifest: ManifestRecord
  /** The tags this row stands for; attached tags are not among them. */
  readonly tags: readonly TagRecord[]
  readonly times: ImageTimes
}

export interface RowContext {
  readonly graph: ImageGraph
  readonly unit: Policy['unit']
  readonly now: InstantMs
  /** What Git said; undefined where no rule asks. */
  readonly git?: GitView
}

/** The rows of a repository, in the order of their digests, then of their tags: listing order decides nothing. */
export function rowsOf(context: RowContext): readonly Row[] {
  const images = context.graph.images.toSorted((a, b) => byDigest(context.graph, a, b))
  const rows: Row[] = []
  for (const node of images) addRows(node, context, rows)
  return rows
}

const nothing: readonly never[] = []

function addRows(node: Node, { graph, unit, now }: RowContext, rows: Row[]): void {
  const manifest = graph.manifests[node]
  if (manifest === undefined) return
  const held = graph.held(node)
  const below = held.length === 0 ? nothing : held.flatMap((each) => graph.manifests[each] ?? [])
  const tags = graph.ordinaryTags(node)
  const add = (rowTags: readonly TagRecord[]): void => {
    // An attached tag is no name, and still tells when the image was pushed; under `unit: tag` a row is one tag's.
    const timed = unit === 'tag' && rowTags.length > 0 ? rowTags : manifest.tags
    rows.push({ node, manifest, tags: rowTags, times: imageTimes(manifest, timed, below, now) })
  }
  if (unit === 'image' || tags.length < 2) add(tags)
  else for (const tag of tags.toSorted((a, b) => compareText(a.name, b.name))) add([tag])
}

function byDigest(graph: ImageGraph, a: Node, b: Node): number {
  return compareText(digestAt(graph, a), digestAt(graph, b))
}

function digestAt(graph: ImageGraph, node: Node): Digest | '' {
  return graph.manifests[node]?.digest ?? ''
}

/** Order of code units: the same on every machine and in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
