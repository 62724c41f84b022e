/**
 * Durations: `90s 15m 24h 7d 6w`, and ISO 8601 as far as it has a fixed length (`P7D`, `PT12H`, `P1DT12H`, `P6W`).
 *
 * Months and years are refused, because they have no length; so are fractions, signs and blanks, because a duration
 * that was misread deletes.
 */

export type ParsedDuration = { readonly ms: number } | { readonly problem: string; readonly hint: string }

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const week = 7 * day
/** 100 years; longer is a mistake, and far below what arithmetic on instants can bear. */
const msMax = 36_525 * day

const units: Readonly<Record<string, number>> = { s: second, m: minute, h: hour, d: day, w: week }
const simple = /^(\d+)([smhdw])$/
const iso = /^P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)$/
const calendar = /^(?:\d+\s*(?:M|mo|mon|months?|y|Y|yr|yrs|years?)|P(?:\d+[YMWD])*\d+[YM].*)$/
const generalHint =
  'Write a whole number and a unit (s, m, h, d, w), such as "24h" or "7d", or ISO 8601, such as "P7D".'

/** The length that `text` spells in milliseconds, or what is wrong with it (DESIGN section 3). */
export function parseDuration(text: string): ParsedDuration {
  const ms = lengthOf(text)
  if (ms === undefined) return refusal(text)
  if (ms > msMax) return { problem: 'A duration is at most 100 years.', hint: 'Write "36500d" or less.' }
  return { ms }
}

function lengthOf(text: string): number | undefined {
  const [, count, unit] = simple.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return Number(count) * (units[unit] ?? Number.NaN)
  const parts = iso.exec(text)
  if (!parts || text === 'P' || text.endsWith('T')) return undefined
  const lengths = [week, day, hour, minute, second]
  return lengths.reduce((sum, length, index) => sum + Number(parts[index + 1] ?? 0) * length, 0)
}

function refusal(text: string): ParsedDuration {
  if (calendar.test(text)) {
    return {
      problem: 'Months and years have no fixed length.',
      hint: 'Write days: "30d", "365d". For one image a month, a keep rule has `monthly: N`.',
    }
  }
  if (/^\d+$/.test(text)) return { problem: 'A duration needs a unit.', hint: generalHint }
  if (/^-/.test(text)) return { problem: 'A duration cannot be negative.', hint: generalHint }
  if (/^P?T?\d*[.,]\d/.test(text)) {
    return {
      problem: 'A duration is a whole number of its unit.',
      hint: 'Write a smaller unit: "36h", not "1.5d".',
    }
  }
  return { problem: `${JSON.stringify(text.slice(0, 40))} is not a duration.`, hint: generalHint }
}
