/**
 * Evidence: what named sources say is in use. A source that could not answer in full is `complete: false` and stops
 * planning; nothing here turns an error into an empty list.
 */
import type { LinkedCommits } from '../git/lost-links.ts'
import type { Digest } from '../image/digest.ts'
import type { InstantMs } from '../inventory/inventory.ts'

export interface Evidence {
  readonly takenAt: InstantMs
  readonly sources: readonly SourceEvidence[]
}

export interface SourceEvidence {
  /** `kubernetes:prod-eu`, `helm:prod-eu`, `references:pinned`. */
  readonly name: string
  readonly complete: boolean
  /** Left out by name on the command line: not asked, and the plan says so. */
  readonly leftOut: boolean
  /** The evidence file it was read from, as named on the command line; whoever applies the plan reads it again. */
  readonly file?: string
  /** Which world answered (the uid of kube-system), so that another world behind the same name is noticed. */
  readonly identity: string | undefined
  /** How many objects were read, for the drop guard and for people. */
  readonly objects: number
  /** How many pods were read; undefined where the source has no pods. */
  readonly pods: number | undefined
  readonly references: readonly ReferenceInUse[]
  readonly digests: readonly DigestInUse[]
  /** Of a Git repository: which commits that images are linked to its references reach. */
  readonly linked?: LinkedCommits
  /** Why it is not complete, and what else a person should know. Full sentences with a cure. */
  readonly problems: readonly SourceProblem[]
}

export interface ReferenceInUse {
  /** As normalised: `registry.example.com/team/app:1.2`, `…@sha256:…` or both. */
  readonly reference: string
  /** Where it stands: `Deployment shop/app`. */
  readonly where: string
  /**
   * Pieced together (repository and tag from two fields) or cut out of prose: it protects like any other, but its
   * absence from the registry is no finding.
   */
  readonly isGuess?: boolean
}

export interface DigestInUse {
  /** Of a manifest, an index, or an image config. */
  readonly digest: Digest
  readonly where: string
  /** Known not to be of a config, because it was pulled by name. */
  readonly isManifest?: boolean
}

export interface SourceProblem {
  /** `incomplete` stops the plan; `warning` is told. */
  readonly severity: 'incomplete' | 'warning'
  readonly text: string
  /** The name to give on the command line to go on in spite of it (`--accept NAME`), where that is possible. */
  readonly accept: string | undefined
}
