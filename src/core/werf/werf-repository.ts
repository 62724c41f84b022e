/**
 * Reads a repository that werf builds into: which manifests are stages, which are werf's records, what a record hangs on,
 * and from which other stages a stage was built.
 *
 * A repository is werf's when it has a stage: a manifest with a stage's tag and werf's own label. In an inventory without
 * labels a commit record must name it. In every other repository no tag is read as a record's. Where it is in doubt, a
 * manifest is an ordinary image, because a record may go along with its stage and an image may not.
 *
 * Nodes are positions in the list of manifests.
 */
import type { ManifestRecord } from '../inventory/inventory.ts'
import { isLabelledStage, mayBeRecord, readRecords, recordsAmong, type WerfRecords } from './records.ts'
import { stageSources, type StageSources } from './stage-sources.ts'
import { parseRecordTag, parseStageId, type StageId } from './tag-shapes.ts'

export interface WerfRepository extends WerfRecords {
  readonly stages: ReadonlySet<number>
  /** By stage, the stages it was built from. */
  readonly sources: StageSources
}

/** What werf left in a repository; undefined when it has no stage of werf's. */
export function readWerfRepository(manifests: readonly ManifestRecord[]): WerfRepository | undefined {
  const named = stageTags(manifests)
  if (named.size === 0) return undefined
  const stages = stagesAmong(manifests, named)
  if (stages.size === 0) return undefined
  const ids = new Map([...named].filter(([, node]) => stages.has(node)))
  const records = recordsAmong(manifests)
  return {
    stages,
    ...readRecords(manifests, records, ids),
    sources: stageSources(manifests, stages, ids, records.keys()),
  }
}

/** By stage id, the manifest that bears it. A plain loop: it runs for every tag of a registry. */
function stageTags(manifests: readonly ManifestRecord[]): ReadonlyMap<StageId, number> {
  const named = new Map<StageId, number>()
  for (let node = 0; node < manifests.length; node += 1) {
    for (const tag of manifests[node]?.tags ?? []) {
      const id = parseStageId(tag.name)
      if (id !== undefined) named.set(id, node)
    }
  }
  return named
}

/** An index bears no labels: it is a stage when one of its platforms is, or a commit record names it. */
function stagesAmong(
  manifests: readonly ManifestRecord[],
  named: ReadonlyMap<StageId, number>,
): ReadonlySet<number> {
  const linked = linkedStages(manifests)
  const labelled = new Set(manifests.filter(isLabelledStage).map(({ digest }) => digest))
  const stages = new Set<number>()
  for (const [id, node] of named) {
    const manifest = manifests[node]
    if (manifest === undefined) continue
    const isSilent = Object.keys(manifest.labels).length === 0
    if (
      labelled.has(manifest.digest) ||
      manifest.children.some((child) => labelled.has(child)) ||
      (isSilent && linked.has(id))
    ) {
      stages.add(node)
    }
  }
  return stages
}

function linkedStages(manifests: readonly ManifestRecord[]): ReadonlySet<StageId> {
  const linked = new Set<StageId>()
  for (const manifest of manifests) {
    for (const { name } of manifest.tags) {
      const record = name.startsWith('meta-') && mayBeRecord(manifest) ? parseRecordTag(name) : undefined
      if (record?.kind === 'commit') linked.add(record.stage)
    }
  }
  return linked
}
