/**
 * Reasons: a closed set with stable machine names. The `text` beside them is for people and may be reworded.
 */

export type ReasonKind =
  /* protections: no rule can override them */
  | 'in-use'
  | 'seen-in-use'
  | 'younger-than'
  | 'age-unknown'
  | 'protected-tag'
  | 'locked'
  /* what stays because of something else that stays */
  | 'needed-by'
  | 'werf-record'
  | 'repository-incomplete'
  | 'cannot-untag'
  /* its last tag goes, and `emptied: keep` leaves the manifest */
  | 'emptied'
  /* rules that keep */
  | 'kept-all'
  | 'kept-newest'
  | 'kept-within'
  | 'kept-pulled-within'
  | 'kept-calendar'
  | 'kept-order-unknown'
  | 'kept-git'
  /* Git was asked and could not tell: no commit is known, or not this one */
  | 'kept-git-unknown'
  | 'kept-combined'
  /* rules that delete */
  | 'deleted-all'
  | 'deleted-older-than'
  | 'deleted-beyond-newest'
  | 'deleted-not-pulled-for'
  | 'deleted-combined'
  /* neither */
  | 'spared'
  | 'unmatched'
  | 'orphaned-referrer'

export interface Reason {
  readonly kind: ReasonKind
  /** For people: `past 14d (pull requests)`. */
  readonly text: string
  /** The evidence source, for `in-use` and `seen-in-use`. */
  readonly source?: string
  /** The rule's name and line, where a rule is the reason. */
  readonly rule?: string
  readonly line?: number
}
