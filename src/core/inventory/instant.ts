/**
 * Instants as files and configs write them: RFC 3339, with any number of fraction digits, always with an offset.
 *
 * A text without an offset is refused, because the same file would then mean another instant on another machine.
 */
import type { InstantMs } from './inventory.ts'

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** The instant that `text` names (RFC 3339 section 5.6), or undefined when it names none. */
export function parseInstant(text: string): InstantMs | undefined {
  if (text.length > 64 || !rfc3339.test(text)) return undefined
  // A day that its month does not have would roll over into the next one, so what was read is written and compared.
  const day = text.slice(0, 10)
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined
  const ms = Date.parse(text.replace(' ', 'T').toUpperCase())
  return Number.isNaN(ms) ? undefined : ms
}

/** `2026-01-31T00:00:00.000Z`. */
export function formatInstant(at: InstantMs): string {
  return new Date(at).toISOString()
}
