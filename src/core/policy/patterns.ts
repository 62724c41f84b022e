/**
 * Patterns on names: globs, and regular expressions between slashes; both matched by RE2 semantics, anchored at both
 * ends, in time linear in the text, whatever a user wrote.
 *
 * `*` any run of characters, also none (under `scope: 'path'` not across `/`, where `**` crosses it) · `?` one
 * character · `[a-z]` `[!a]` classes · `{a,b}` alternatives · `!pattern` takes out what the others let in.
 */

/** One pattern on one text. */
export interface TextPattern {
  /** As written. */
  readonly source: string
  matches(text: string): boolean
  /** Named groups, and numbered ones from `1`: a glob's wildcards, or a regular expression's groups. */
  captures(text: string): Readonly<Record<string, string>> | undefined
}

/** A list of patterns, some of which may begin with `!`. */
export interface TagPatterns {
  readonly include: readonly TextPattern[]
  readonly exclude: readonly TextPattern[]
  /** Some include pattern matches (all texts, when there is none but an exclude) and no exclude pattern does. */
  matches(text: string): boolean
  captures(text: string): Readonly<Record<string, string>> | undefined
}

/** A semver range, on versions as people write them in tags. */
export interface VersionRange {
  readonly source: string
  matches(tag: string): boolean
}
