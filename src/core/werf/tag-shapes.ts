/**
 * The tags that werf 2 and 3 write into a repository, by their shape. A shape proves nothing: anybody may name an image
 * so, and a custom tag of werf's own is free to look like a record. Whoever reads a tag asks the manifest as well
 * (`werf-repository.ts`).
 */

/** `<56 digits>-<13 digits>`, or of a multi-platform image `<56 digits>`: sha3-224, and milliseconds since 1970. */
export type StageId = string & { readonly __brand: 'StageId' }

const stage = '[0-9a-f]{56}(?:-[0-9]{13})?'
const stageTag = new RegExp(`^${stage}$`)
/** werf itself splits at `_`; the three parts are checked here besides. */
const commitTag = new RegExp(`^meta-(0|[1-9a-f][0-9a-f]{0,7})_([0-9a-f]{40}|[0-9a-f]{64})_(${stage})$`)
const rejectedTag = /^([0-9a-f]{56}-[0-9]{13})-rejected$/

/** A record that hangs on one stage. */
type StageRecord =
  | { readonly kind: 'commit'; readonly stage: StageId; readonly commit: string; readonly nameId: string }
  | { readonly kind: 'rejected'; readonly stage: StageId }
  /** Which stage is told by its label `stage-id` alone. */
  | { readonly kind: 'custom-tag' }

/** A record on the repository as a whole. */
interface RepositoryRecord {
  readonly kind:
    'managed-image' | 'import' | 'client-id' | 'sync-server' | 'last-cleanup' | 'meta-repo-marker'
}

export type WerfRecord = StageRecord | RepositoryRecord

const repositoryRecords: readonly (readonly [RepositoryRecord['kind'], RegExp])[] = [
  ['managed-image', /^managed-image-./],
  ['import', /^import-metadata-[0-9a-f]{64}$/],
  ['client-id', /^client-id-.+-[0-9]+$/],
  // werf finds these two by their prefix, and writes them without anything behind it.
  ['sync-server', /^sync-server(?:-|$)/],
  ['last-cleanup', /^cleanup(?:-|$)/],
  ['meta-repo-marker', /^werf-meta-repo-marker-./],
]

/** The stage whose name a text is; undefined when it is none. */
export function parseStageId(text: string): StageId | undefined {
  // Asked for every tag of a registry: two lengths tell nearly all of them apart.
  if (text.length !== 70 && text.length !== 56) return undefined
  return stageTag.test(text) ? (text as StageId) : undefined
}

/** What a tag says when its bearer is a record; undefined when no record is called so. */
export function parseRecordTag(tag: string): WerfRecord | undefined {
  const [, nameId, commit, linked] = commitTag.exec(tag) ?? []
  if (nameId !== undefined && commit !== undefined && linked !== undefined) {
    return { kind: 'commit', stage: linked as StageId, commit, nameId }
  }
  const [, rejected] = rejectedTag.exec(tag) ?? []
  if (rejected !== undefined) return { kind: 'rejected', stage: rejected as StageId }
  if (/^custom-tag-meta-./.test(tag)) return { kind: 'custom-tag' }
  const found = repositoryRecords.find(([, shape]) => shape.test(tag))
  return found && { kind: found[0] }
}
