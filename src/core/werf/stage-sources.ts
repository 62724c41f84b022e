/**
 * From which other stages a stage was built, as its labels tell. A stage that stays needs them: werf builds the next
 * image on them, and a stage whose sources are gone is built again from the start.
 */
import type { Digest } from '../image/digest.ts'
import { ownText } from '../image/own-text.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { parseStageId, type StageId } from './tag-shapes.ts'
import { werfChecksumPrefix, werfLabels, werfSourcePrefixes } from './werf-labels.ts'

/** By stage, the stages it names that are there; in the order of their digests. */
export interface StageSources {
  /** All that it was built from: parents, import sources, dependencies. */
  readonly all: ReadonlyMap<number, readonly number[]>
  /** Those alone that it was built on: its layers are theirs, and more. */
  readonly parents: ReadonlyMap<number, readonly number[]>
}

/**
 * From which other stages the stages of a repository were built.
 *
 * @param records where import records of werf 2 are: they say which stages have what a checksum stands for
 */
export function stageSources(
  manifests: readonly ManifestRecord[],
  stages: ReadonlySet<number>,
  stageOf: ReadonlyMap<StageId, number>,
  records: Iterable<number>,
): StageSources {
  const find = {
    stageOf,
    byConfig: stagesByConfig(manifests, stages),
    byChecksum: importsByChecksum(manifests, records),
  }
  const sources = { all: new Map<number, readonly number[]>(), parents: new Map<number, readonly number[]>() }
  for (const node of stages) {
    const parents = parentsOf(manifests[node], find)
    add(sources.parents, node, parents, manifests)
    add(sources.all, node, [...parents, ...importsOf(manifests[node], find)], manifests)
  }
  return sources
}

function add(
  sources: Map<number, readonly number[]>,
  node: number,
  nodes: readonly number[],
  manifests: readonly ManifestRecord[],
): void {
  const found = new Set(nodes)
  // A stage that names itself says nothing about whether it is needed.
  found.delete(node)
  if (found.size > 0) sources.set(node, inOrderOfDigests(found, manifests))
}

interface Finding {
  readonly stageOf: ReadonlyMap<StageId, number>
  readonly byConfig: ReadonlyMap<string, readonly number[]>
  readonly byChecksum: ReadonlyMap<string, readonly StageId[]>
}

/** What names no stage here (`external-image`, a base image of another repository) is nothing that could be kept. */
function parentsOf(manifest: ManifestRecord | undefined, find: Finding): readonly number[] {
  if (manifest === undefined) return []
  const { labels } = manifest
  const parent = parseStageId(ownText(labels, werfLabels.parent) ?? '')
  return [
    ...(parent === undefined ? [] : nodesOf([parent], find)),
    ...(find.byConfig.get(ownText(labels, werfLabels.baseImage) ?? '') ?? []),
  ]
}

function importsOf(manifest: ManifestRecord | undefined, find: Finding): readonly number[] {
  if (manifest === undefined) return []
  const ids: StageId[] = []
  for (const [key, value] of Object.entries(manifest.labels)) {
    const isSource = werfSourcePrefixes.some((prefix) => key.startsWith(prefix))
    const id = isSource ? parseStageId(value) : undefined
    if (id !== undefined) ids.push(id)
    if (key.startsWith(werfChecksumPrefix)) ids.push(...(find.byChecksum.get(value) ?? []))
  }
  return nodesOf(ids, find)
}

function nodesOf(ids: readonly StageId[], find: Finding): readonly number[] {
  return ids.flatMap((id) => find.stageOf.get(id) ?? [])
}

/** Two stages may share a config: the same build under another time of pushing. Either may be the base. */
function stagesByConfig(
  manifests: readonly ManifestRecord[],
  stages: ReadonlySet<number>,
): ReadonlyMap<string, readonly number[]> {
  const byConfig = new Map<Digest, number[]>()
  for (const node of stages) {
    const digest = manifests[node]?.config?.digest
    if (digest === undefined) continue
    const others = byConfig.get(digest)
    if (others === undefined) byConfig.set(digest, [node])
    else others.push(node)
  }
  return byConfig
}

function importsByChecksum(
  manifests: readonly ManifestRecord[],
  records: Iterable<number>,
): ReadonlyMap<string, readonly StageId[]> {
  const byChecksum = new Map<string, StageId[]>()
  for (const node of records) {
    const labels = manifests[node]?.labels ?? {}
    const checksum = ownText(labels, werfLabels.importChecksum)
    const source = parseStageId(ownText(labels, werfLabels.importSource) ?? '')
    if (checksum === undefined || source === undefined) continue
    byChecksum.set(checksum, [...(byChecksum.get(checksum) ?? []), source])
  }
  return byChecksum
}

function inOrderOfDigests(nodes: Iterable<number>, manifests: readonly ManifestRecord[]): readonly number[] {
  const digest = (node: number): string => manifests[node]?.digest ?? ''
  return [...nodes].sort((a, b) => (digest(a) < digest(b) ? -1 : 1))
}
