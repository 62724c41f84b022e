/** Reading JSON of unknown shape: what is not there, or is of another type, is undefined and never a guess. */

export type Shape = Readonly<Record<string, unknown>>

/** The object that `value` is; undefined for null, arrays and everything else. */
export function asShape(value: unknown): Shape | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Shape) : undefined
}

/** The array that `value` is, or undefined. */
export function asList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined
}

/** The text that `value` is; undefined for the empty string as well, which JSON of Go programs uses for "not set". */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `metadata.name` and its neighbours of a Kubernetes object. */
export function metadataOf(object: unknown): Shape {
  return asShape(asShape(object)?.['metadata']) ?? {}
}
