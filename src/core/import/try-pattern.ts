/** Patterns from values of a policy file: what cannot be used is a finding at its place. */
import { PatternError } from '../policy/pattern-error.ts'
import type { Reading } from './reading.ts'
import type { Place, SourceValue } from './source-document.ts'

/** The pattern that `make` makes of a text; undefined, and a finding, when it cannot be used. */
export function tryPattern(
  value: SourceValue,
  reading: Reading,
  make: (source: string) => string,
): string | undefined {
  const text = reading.text(value)
  return text === undefined ? undefined : tryText(text, value.place, reading, make)
}

/** The same for a part of a text that stands at `place`. */
export function tryText(
  text: string,
  place: Place,
  reading: Reading,
  make: (source: string) => string,
): string | undefined {
  try {
    return make(text)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    reading.refuse(place, error.message, error.hint)
    return undefined
  }
}
