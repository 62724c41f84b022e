/** werf's records in a repository: which manifests they are, and what they say of which stage. */
import { ownText } from '../image/own-text.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { parseRecordTag, parseStageId, type StageId, type WerfRecord } from './tag-shapes.ts'
import { werfLabels } from './werf-labels.ts'

export interface WerfRecords {
  /** Stages that werf marked as broken. */
  readonly rejected: ReadonlySet<number>
  readonly commits: readonly WerfCommit[]
  /** Records that live and die with stages, by the stages they hang on; with none of them left they are orphans. */
  readonly hanging: ReadonlyMap<number, readonly number[]>
  /** Records on the repository as a whole. */
  readonly records: ReadonlySet<number>
}

/** What a commit record says: the image of this name, built from this commit, is this stage. */
export interface WerfCommit {
  readonly stage: number
  readonly commit: string
  readonly nameId: string
}

export function isLabelledStage({ labels }: ManifestRecord): boolean {
  return ownText(labels, werfLabels.contentDigest) !== undefined
}

/**
 * Records are single manifests with the label `werf` and without that of a stage. A custom tag may be called as a record
 * is, and what bears it is a stage or an index; to take it for a record would delete an image for a note about it. What
 * has no labels at all is of an inventory without any, or its config is gone.
 */
export function mayBeRecord(manifest: ManifestRecord): boolean {
  if (manifest.children.length > 0 || manifest.subject !== undefined || isLabelledStage(manifest))
    return false
  const isSilent = Object.keys(manifest.labels).length === 0
  return isSilent || ownText(manifest.labels, werfLabels.project) !== undefined
}

/**
 * The manifests that are records, each with what its tags say. With one tag that is no record's, a stage's among them, it
 * is somebody's image.
 */
export function recordsAmong(
  manifests: readonly ManifestRecord[],
): ReadonlyMap<number, readonly WerfRecord[]> {
  const found = new Map<number, readonly WerfRecord[]>()
  for (const [node, manifest] of manifests.entries()) {
    const { tags } = manifest
    if (tags.length === 0 || !mayBeRecord(manifest)) continue
    const said = tags.flatMap(({ name }) => parseRecordTag(name) ?? [])
    if (said.length === tags.length) found.set(node, said)
  }
  return found
}

/** Sorts the records by what they are about, a stage or the repository. */
export function readRecords(
  manifests: readonly ManifestRecord[],
  found: ReadonlyMap<number, readonly WerfRecord[]>,
  stageOf: ReadonlyMap<StageId, number>,
): WerfRecords {
  const hanging = new Map<number, readonly number[]>()
  const records = new Set<number>()
  for (const [node, said] of found) {
    const ids = said.flatMap((record) => stageNamed(record, manifests[node]) ?? [])
    // With one tag that speaks of the repository it must not go along with a stage.
    if (ids.length < said.length) records.add(node)
    else hanging.set(node, [...new Set(ids.flatMap((id) => stageOf.get(id) ?? []))])
  }
  const all = [...found.values()].flat()
  return {
    hanging,
    records,
    rejected: new Set(
      all.flatMap((record) => (record.kind === 'rejected' ? (stageOf.get(record.stage) ?? []) : [])),
    ),
    commits: all.flatMap((record) => {
      const stage = record.kind === 'commit' ? stageOf.get(record.stage) : undefined
      if (record.kind !== 'commit' || stage === undefined) return []
      return [{ stage, commit: record.commit, nameId: record.nameId }]
    }),
  }
}

/** The stage that a record is about; undefined when it is about the repository, or does not say. */
function stageNamed(record: WerfRecord, manifest: ManifestRecord | undefined): StageId | undefined {
  if (record.kind === 'commit' || record.kind === 'rejected') return record.stage
  if (record.kind !== 'custom-tag' || manifest === undefined) return undefined
  return parseStageId(ownText(manifest.labels, werfLabels.customTagStage) ?? '')
}
