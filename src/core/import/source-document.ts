/**
 * A policy file of another system as a tree of values, each with the place where it stands. The command line makes it
 * from JSON or YAML; importers read nothing else, so that everything they refuse or warn of has a line.
 */

export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** In characters; for the marks beneath a frame. */
  readonly length: number
  /** `rules[0].selection`; empty for the whole file. */
  readonly path: string
}

export interface SourceEntry {
  readonly keyPlace: Place
  readonly value: SourceValue
}

export interface SourceMap {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: ReadonlyMap<string, SourceEntry>
}

export interface SourceList {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly SourceValue[]
}

export type SourceScalar =
  | { readonly kind: 'text'; readonly place: Place; readonly value: string }
  | { readonly kind: 'number'; readonly place: Place; readonly value: number }
  | { readonly kind: 'flag'; readonly place: Place; readonly value: boolean }
  | { readonly kind: 'nothing'; readonly place: Place }

export type SourceValue = SourceMap | SourceList | SourceScalar

export interface SourceDocument {
  /** As it was named. */
  readonly file: string
  readonly text: string
  /** The documents of a JSON or YAML file; none for a file that is plain text. */
  readonly documents: readonly SourceValue[]
}

/** The value under a key, where there is a map with it. */
export function entryOf(value: SourceValue | undefined, key: string): SourceValue | undefined {
  return value?.kind === 'map' ? value.entries.get(key)?.value : undefined
}

/** The value under keys, one below the other. */
export function valueAt(value: SourceValue | undefined, ...keys: readonly string[]): SourceValue | undefined {
  return keys.reduce<SourceValue | undefined>((at, key) => entryOf(at, key), value)
}

/** Where a file begins: for what is said of it as a whole. */
export const fileStart: Place = { line: 1, column: 1, length: 1, path: '' }
