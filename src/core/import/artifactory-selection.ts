/**
 * What a policy of artifactory-cleanup with rules for Docker selects: which tags, past which age, all but which of the
 * newest. Its rules fill it in their order.
 */
import { allKeys, type Key } from './artifactory-keys.ts'
import type { PathMask } from './aql-masks.ts'

export interface ImageSelection {
  /** Of each list a mask must match. */
  readonly includes: readonly (readonly PathMask[])[]
  readonly excludes: readonly PathMask[]
  /** Whole days since the upload; undefined: of any age. */
  readonly olderThan: number | undefined
  /** Whole days since the last pull, or the upload of what was never pulled. */
  readonly unusedFor: number | undefined
  readonly count: CleanupCount | undefined
  /** Patterns that a tag must match as well, asked after counting. */
  readonly afterCount: readonly string[]
  /** A rule asks for a tag's name, so what has none is left alone. */
  readonly isTaggedOnly: boolean
  /** Why nothing is deleted. */
  readonly idle: string | undefined
}

/** The newest stay: distinct manifests by their upload, tags by the time of their first, or versions. */
export type CleanupCount =
  | { readonly kind: 'digests'; readonly newest: number }
  | { readonly kind: 'created'; readonly newest: number; readonly rule: string }
  | { readonly kind: 'versions'; readonly newest: number; readonly lines: readonly VersionLine[] }

/** Versions that are counted apart from others. */
export interface VersionLine {
  /** On tags. */
  readonly pattern: string
  /** A stream template; left out: all are counted together. */
  readonly per?: string
}

/** What the rules so far say. */
export interface SelectionDraft extends ImageSelection {
  keys: readonly Key[]
  readonly includes: (readonly PathMask[])[]
  readonly excludes: PathMask[]
  olderThan: number | undefined
  unusedFor: number | undefined
  count: CleanupCount | undefined
  readonly afterCount: string[]
  isTaggedOnly: boolean
  idle: string | undefined
  /** A rule for Docker came before: what were files are tags now. */
  isMapped: boolean
}

export function startSelection(): SelectionDraft {
  return {
    keys: [allKeys],
    includes: [],
    excludes: [],
    olderThan: undefined,
    unusedFor: undefined,
    count: undefined,
    afterCount: [],
    isTaggedOnly: false,
    idle: undefined,
    isMapped: false,
  }
}
