/**
 * How numbers, sizes, ages and digests are written for people. Machine formats never go through here.
 */
import stringWidth from 'string-width'
import type { Digest } from '../../core/image/digest.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import { formatAge as ageText, formatDuration as durationText } from '../../core/policy/rules/ages.ts'

/** What stands where nothing is known. */
export const unknownText = '–'
/** A thin space: it parts thousands without looking like a decimal sign to anybody. */
const thinSpace = '\u2009'
const hexDigitsShown = 8
const iecUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `8 692`, with thin spaces. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, thinSpace)
}

/** A count with its noun: `1 image`, `8 692 images`. */
export function countOf(count: number, singular: string, plural: string = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`
}

/** IEC sizes with three digits that matter: `88 MiB`, `1.1 GiB`, `512 B`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // 1023.95 MiB would be rounded to 1024.0, so it is already a GiB.
  while (Math.round(value) >= 1024 && unit < iecUnits.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? Math.round(value).toString() : trimZero(value.toFixed(1))
  return `${digits} ${iecUnits[unit] ?? 'B'}`
}

function trimZero(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text
}

/** `41d`: how long before `now` something was; `–` when nobody knows. */
export function formatAge(at: InstantMs | undefined, now: InstantMs): string {
  return at === undefined ? unknownText : ageText(Math.max(0, now - at))
}

/** `2026-01-31 04:51`, UTC: an instant as people read it in a list. */
export function formatMoment(at: InstantMs): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}

/** `sha256:1c2e4f6a…`: enough to tell images apart and to give to `winnow explain`. */
export function shortDigest(digest: Digest | string): string {
  const [algorithm = '', hex = ''] = digest.split(':')
  return hex.length <= hexDigitsShown ? digest : `${algorithm}:${hex.slice(0, hexDigitsShown)}…`
}

/** Cuts a text to `width` columns of a terminal, with `…` at its end when something is lost. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const character of text) {
    const next = stringWidth(character)
    if (used + next > width - 1) break
    kept += character
    used += next
  }
  return width > 0 ? `${kept}…` : ''
}

/**
 * Takes control characters out of text that others wrote (tags, names of objects, messages of a registry), so that it
 * cannot move the cursor or write over a line that was there.
 */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�')
}

/** `24h`, `7d`: a length of time, in hours up to two days. */
export function formatDuration(ms: number): string {
  return ms <= 2 * 86_400_000 && ms % 3_600_000 === 0 && ms > 0 ? `${ms / 3_600_000}h` : durationText(ms)
}
