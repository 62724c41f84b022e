/**
 * A policy as used: patterns compiled, durations in milliseconds, every default filled in, every value with the line
 * it came from. `config/resolve.ts` makes it from winnow.yaml; the evaluator reads nothing else.
 */
import type { GitName, GitReferenceKind } from '../git/git-history.ts'
import type { GitRepositoryPolicy } from '../git/git-view.ts'
import type { RegistryName } from '../image/names.ts'
import type { TagPatterns, TextPattern, VersionRange } from './patterns.ts'

export interface PolicySet {
  readonly policies: readonly Policy[]
  readonly protect: Protect
  readonly limits: Limits
  /** Every Git repository that is configured or that a rule names. */
  readonly git: readonly GitRepositoryPolicy[]
}

export interface Protect {
  /** 0 switches it off, for undated images too. */
  readonly youngerThanMs: number
  readonly seenInUseWithinMs: number
  readonly tags: TagPatterns | undefined
}

export interface Limits {
  readonly maxDeletions: number
  /** 0 to 1; the share of a registry's governed images. */
  readonly maxShare: number
  /** Tagged images each governed repository must be left with. */
  readonly minSurvivors: number
}

export interface Policy {
  readonly name: string
  /** Undefined: all registries. */
  readonly registry: RegistryName | undefined
  readonly repositories: TagPatterns
  readonly unit: 'image' | 'tag'
  readonly rules: readonly Rule[]
  readonly unmatched: 'keep' | 'delete'
  /** Under `unit: tag`: what becomes of a manifest that loses its last tag. @default 'delete' */
  readonly emptied?: 'keep' | 'delete'
  readonly line: number
  /** Where `unmatched` stands. */
  readonly unmatchedLine: number
}

export interface Rule {
  /** As written, or `rule 3`. */
  readonly name: string
  readonly line: number
  /** Any of these; empty matches everything. */
  readonly match: readonly MatchBlock[]
  /** Taken out before counting. */
  readonly not: readonly MatchBlock[]
  /** Taken out after counting. */
  readonly except: readonly MatchBlock[]
  readonly effect: KeepEffect | DeleteEffect
}

/** All fields given must hold. */
export interface MatchBlock {
  readonly tags?: TagPatterns
  readonly tagsAll?: TagPatterns
  readonly tagsEvery?: TagPatterns
  readonly digests?: readonly TextPattern[]
  /** Of the image or of anything that hangs on it. */
  readonly holdsDigests?: readonly TextPattern[]
  readonly semver?: VersionRange
  readonly tagged?: boolean
  readonly labels?: Readonly<Record<string, TextPattern>>
  readonly annotations?: Readonly<Record<string, TextPattern>>
  readonly artifactType?: readonly TextPattern[]
  readonly mediaType?: readonly TextPattern[]
  readonly platform?: readonly TextPattern[]
  readonly largerThanBytes?: number
  readonly state?: readonly ImageState[]
  readonly werf?: WerfKind
  /** Whether its own config tells a time of building that can be true; an index has none. */
  readonly created?: 'known' | 'unknown'
  /** An index of the repository holds it, or it is attached to a manifest there: with a tag, it is an image all the same. */
  readonly part?: boolean
  /** Immutable or protected in the registry, by itself or by one of its tags. */
  readonly locked?: boolean
}

/** What an image is to werf, in a repository that werf builds into; in others it is nothing to werf. */
export type WerfKind = 'stage' | 'record' | 'other'

export type ImageState = 'complete' | 'missing-children' | 'orphaned-referrer'

/**
 * `tagged`: when the tags of the row were set; `uploaded`: when the registry first got the manifest. Where a registry does
 * not tell these apart, both are `pushed`. `pulledItself`, `activeItself`: without the pulls of an index's platforms.
 */
export type Clock =
  'pushed' | 'tagged' | 'uploaded' | 'created' | 'pulled' | 'active' | 'pulledItself' | 'activeItself'
export type OrderBy = Clock | 'semver' | 'name'
export type Calendar = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly'

/** What counting rules count, and in which order. */
export interface Counting {
  readonly by: OrderBy
  /** What a count orders by, where ages are measured by something else. @default by */
  readonly countBy?: OrderBy
  /** One count for each value; undefined: one count for all. */
  readonly per: StreamTemplate | undefined
  /** What takes a place under `unit: tag`. */
  readonly count: 'images' | 'tags'
  readonly combine: 'any' | 'all'
  /** IANA name, for calendar buckets. */
  readonly timezone: string
}

export interface KeepEffect extends Counting {
  readonly kind: 'keep'
  /** At least one; the calendar buckets of a rule are one criterion. */
  readonly criteria: readonly KeepCriterion[]
}

export type KeepCriterion =
  | { readonly kind: 'all' }
  | { readonly kind: 'newest'; readonly count: number }
  | { readonly kind: 'within'; readonly ms: number }
  | { readonly kind: 'pulled-within'; readonly ms: number }
  | { readonly kind: 'calendar'; readonly counts: Readonly<Partial<Record<Calendar, number>>> }
  | GitCriterion

/** Images built from commits of branches, tags or pull requests. */
export interface GitCriterion {
  readonly kind: 'git'
  /** Undefined: the Git repository that says it is the one of these images. */
  readonly repository: GitName | undefined
  readonly of: GitReferenceKind
  /** Of the references' names, matched in full. */
  readonly pattern: TextPattern
  /** Which of the references that match count. */
  readonly references: GitLimit
  /** Which commits with images count on each of them. */
  readonly images: GitLimit
  /** How long a pull request counts after it was closed. */
  readonly graceMs: number
}

/** Both left out: no limit. */
export interface GitLimit {
  readonly newest?: number
  readonly withinMs?: number
  /** Decides when both are given. */
  readonly combine: 'any' | 'all'
}

export interface DeleteEffect extends Counting {
  readonly kind: 'delete'
  readonly criteria: readonly DeleteCriterion[]
  readonly countAmong: 'matched' | 'eligible' | 'remaining'
  /**
   * `beyond-newest` takes something only where the whole repository certainly is one page of this many tags, all that
   * are counted having a place. @default no such condition
   */
  readonly onePageOf?: number
}

export type DeleteCriterion =
  | { readonly kind: 'all' }
  | { readonly kind: 'older-than'; readonly ms: number }
  | { readonly kind: 'beyond-newest'; readonly count: number }
  | { readonly kind: 'not-pulled-for'; readonly ms: number }

/**
 * `{major}.{minor}`, `{branch}`, `{1}`: text with parts of a version, or captures of the tag pattern that matched
 * (named groups of a regular expression; `{1}`, `{2}` … its groups or a glob's wildcards, from the left).
 */
export interface StreamTemplate {
  readonly source: string
  readonly parts: readonly (string | { readonly capture: string })[]
}
