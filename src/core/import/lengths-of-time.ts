/**
 * Durations as other tools write them, and as winnow.yaml does.
 *
 * Winnow's are whole seconds. What has a fraction is rounded up: an image is then kept a moment longer, by rules that
 * keep as by rules that delete.
 */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
export const day: number = 24 * hour
const week = 7 * day

/** Longer than any age: what is older than this is nothing, what is within it is everything. */
export const lengthMax: number = 36_525 * day

/** A length that no unit of a tool can be misread for; undefined when the text is none. */
export type Length = number | undefined

/** Go's `time.ParseDuration`, and what some tools put before it: `90m`, `1h30m`, `1.5h`, `0`, `7d12h`. */
export function goLength(text: string, options: { readonly days: boolean }): Length {
  if (/^[+]?0$/.test(text)) return 0
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: second,
    m: minute,
    h: hour,
    ...(options.days && { d: day }),
  }
  return sumOf(text.replace(/^\+/, ''), /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|[smhd])/gy, units)
}

/** `5m`, `30d`: a whole number and one of the units. */
export function simpleLength(text: string, units: string): Length {
  const [, count = '', unit = ''] = /^(\d+)([a-z])$/.exec(text) ?? []
  const lengths: Readonly<Record<string, number>> = { s: second, m: minute, h: hour, d: day, w: week }
  const length = lengths[unit]
  return unit === '' || !units.includes(unit) || length === undefined ? undefined : Number(count) * length
}

export interface SpokenLength {
  readonly ms: number
  /** It has months or years, which were taken as 31 and 366 days. */
  readonly isRounded: boolean
}

const spokenUnits: readonly (readonly [RegExp, number])[] = [
  [/^(?:seconds?|secs?|s)$/, second],
  [/^(?:minutes?|mins?|m)$/, minute],
  [/^(?:hours?|hrs?|hr|h)$/, hour],
  [/^(?:days?|d)$/, day],
  [/^(?:weeks?|w)$/, week],
  [/^(?:months?|M)$/, 31 * day],
  [/^(?:years?|yrs?|yr|y)$/, 366 * day],
]

/** `2 weeks`, `1 month`, `3d 12h`: as people say it. Months and years are taken at their longest. */
export function spokenLength(text: string): SpokenLength | undefined {
  const parts = [...text.trim().matchAll(/(\d+)\s*([A-Za-z]+)\s*/gy)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) return undefined
  let ms = 0
  let isRounded = false
  for (const [, count = '', word = ''] of parts) {
    const unit = spokenUnits.find(([name]) => name.test(word))
    if (unit === undefined) return undefined
    ms += Number(count) * unit[1]
    isRounded ||= unit[1] > week
  }
  return { ms, isRounded }
}

function sumOf(text: string, part: RegExp, units: Readonly<Record<string, number>>): Length {
  let ms = 0
  let end = 0
  for (const match of text.matchAll(part)) {
    const unit = units[match[2] ?? '']
    if (unit === undefined) return undefined
    ms += Number(match[1]) * unit
    end = match.index + match[0].length
  }
  return end === 0 || end !== text.length ? undefined : ms
}

/**
 * As winnow.yaml has it: the largest unit that says it exactly, else ISO 8601. What is longer than any age is written as
 * the longest there is; no image is between the two.
 */
export function writeLength(ms: number): string {
  const seconds = Math.ceil(Math.min(ms, lengthMax) / second)
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const
  const unit = units.find(([, size]) => seconds >= size && seconds % size === 0)
  if (unit !== undefined) return `${seconds / unit[1]}${unit[0]}`
  return seconds < 600 ? `${seconds}s` : isoLength(seconds)
}

function isoLength(seconds: number): string {
  const days = Math.floor(seconds / 86_400)
  const parts = [
    ['H', Math.floor((seconds % 86_400) / 3600)],
    ['M', Math.floor((seconds % 3600) / 60)],
    ['S', seconds % 60],
  ] as const
  const time = parts.flatMap(([unit, count]) => (count === 0 ? [] : [`${count}${unit}`])).join('')
  return `P${days === 0 ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`
}
