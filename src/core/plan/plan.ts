/**
 * A plan as a value: what would be deleted, what stays, and why, line by line. `plan-file.ts` writes it as `plan/v1`
 * and reads it back; applying it needs nothing but the plan and the re-checks.
 */
import type { Digest } from '../image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../image/names.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import type { Reason } from '../policy/reason.ts'

export interface Plan {
  readonly id: string
  /** The instant every age was measured from. */
  readonly now: InstantMs
  readonly expiresAt: InstantMs
  /** False when some repository could not be read in full; nothing of that repository is in `actions`. */
  readonly complete: boolean
  readonly fingerprints: { readonly policy: Digest; readonly inventory: Digest; readonly evidence: Digest }
  readonly summary: PlanSummary
  readonly actions: readonly PlanAction[]
  readonly kept: readonly KeptImage[]
  readonly evidence: readonly PlanEvidence[]
  readonly warnings: readonly string[]
  /** Limits that this plan breaks; a plan with any is shown and never applied. */
  readonly limitsBroken: readonly BrokenLimit[]
}

export interface PlanSummary {
  readonly images: number
  readonly imagesKeep: number
  readonly imagesDelete: number
  readonly manifestsDelete: number
  readonly tagsRemove: number
  readonly bytesFreed: number
  readonly bytesApparent: number
}

export interface DecidedBy {
  readonly policy: string
  /** A rule's name, or `unmatched`. */
  readonly rule: string
  readonly line: number
}

interface Line {
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly reasons: readonly Reason[]
  /** The manifest's own size. */
  readonly sizeBytes: number | undefined
  /** Of the whole image: every manifest, config and layer, each once. */
  readonly imageBytes: number
  /** The time the decision went by, and which clock told it; undefined when undated. */
  readonly clock: { readonly kind: ClockSource; readonly at: InstantMs } | undefined
}

export type ClockSource = 'pushed' | 'recorded' | 'created' | 'first-seen' | 'pulled'

export type PlanAction = DeleteAction | UntagAction

export interface DeleteAction extends Line {
  readonly kind: 'delete'
  /** All tags of the root. */
  readonly tags: readonly TagName[]
  /** Every manifest that goes along, in the order of deletion: indexes, manifests, then referrers. */
  readonly with: readonly Digest[]
  /** Tags of manifests in `with` (cosign's, fallback tags), which go before them. */
  readonly withTags: readonly { readonly tag: TagName; readonly digest: Digest }[]
  /** Stages of werf's that stay, were built from this one, and do not keep it, as the policy says. */
  readonly sourceOf?: readonly Digest[]
  readonly decidedBy: DecidedBy
  /** Set when undo could not put it back as it is, and why. */
  readonly notRestorable: string | undefined
}

export interface UntagAction extends Line {
  readonly kind: 'untag'
  readonly tag: TagName
  readonly decidedBy: DecidedBy
}

export interface KeptImage extends Line {
  readonly tags: readonly TagName[]
  /** What would have deleted it, had nothing protected it; undefined where a rule keeps it. */
  readonly otherwise: DecidedBy | undefined
}

export interface PlanEvidence {
  readonly source: string
  /** The evidence file it came from, where it did. */
  readonly file?: string
  readonly complete: boolean
  readonly leftOut: boolean
  readonly identity: string | undefined
  readonly objects: number
  readonly references: number
}

export interface BrokenLimit {
  readonly key: 'maxDeletions' | 'maxShare' | 'minSurvivors'
  readonly registry: RegistryName
  readonly repository: RepositoryName | undefined
  /** A full sentence that names the key, what it allows and what the plan would do. */
  readonly text: string
}
