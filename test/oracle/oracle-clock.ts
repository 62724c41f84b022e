/** The times of an image (DESIGN section 3, "Times"), durations, and calendar buckets in a time zone. */
import { below, closure, find } from './oracle-graph.ts'
import type { WorldManifest, WorldRepository, WorldTag } from './world.ts'

const firstPlausible = Date.parse('2013-03-20T00:00:00Z')
const goZero = Date.parse('0001-01-01T00:00:00Z')
const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

export function durationMs(text: string): number {
  const iso = /^P(\d+)D$/.exec(text)
  if (iso) return Number(iso[1]) * 86_400_000
  return Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? Number.NaN)
}

export function newest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time): time is number => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

function told(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined
  const at = Date.parse(text)
  return at <= goZero ? undefined : at
}

/** What the clocks of an image, or of one tag of it, are read from. */
export interface Clocks {
  readonly pushed: number | undefined
  readonly tagged: number | undefined
  readonly uploaded: number | undefined
  readonly created: number | undefined
  readonly pulled: number | undefined
  readonly active: number | undefined
  readonly pulledItself: number | undefined
  readonly activeItself: number | undefined
}

export function plausibleCreated(manifest: WorldManifest, now: number): number | undefined {
  const at = told(manifest.createdAt)
  return at === undefined || at < firstPlausible || at > now ? undefined : at
}

/** An index is as new as the newest of its platforms. */
function createdOf(repository: WorldRepository, manifest: WorldManifest, now: number): number | undefined {
  const parts = [...below(repository, manifest.digest)].map((digest) => find(repository, digest))
  return newest(parts.map((part) => (part ? plausibleCreated(part, now) : undefined)))
}

/** `tags`: all tags of the image, or the one that is a row of its own; `names`: those of them that name it as an image. */
export function clocksOf(
  repository: WorldRepository,
  manifest: WorldManifest,
  tags: readonly WorldTag[],
  now: number,
  names: readonly WorldTag[] = tags,
): Clocks {
  const created = createdOf(repository, manifest, now)
  const uploaded = newest([told(manifest.pushedAt), ...tags.map((tag) => told(tag.pushedAt))])
  const pushed = uploaded ?? told(manifest.recordedAt) ?? newest([created, told(manifest.firstSeenAt)])
  const held = [...below(repository, manifest.digest)].map((digest) => find(repository, digest))
  const pulled = newest([
    ...held.map((part) => told(part?.pulledAt)),
    ...tags.map((tag) => told(tag.pulledAt)),
  ])
  const itself = newest([told(manifest.pulledAt), ...names.map((tag) => told(tag.pulledAt))])
  return {
    pushed,
    tagged: newest(names.map((tag) => told(tag.pushedAt))) ?? pushed,
    uploaded: told(manifest.uploadedAt) ?? pushed,
    created,
    pulled,
    active: newest([pushed, pulled]),
    pulledItself: itself,
    activeItself: newest([pushed, itself]),
  }
}

/** Whether `protect.youngerThan` holds for an image. */
export function isYoung(
  repository: WorldRepository,
  manifest: WorldManifest,
  youngerThanMs: number,
  now: number,
): boolean {
  if (youngerThanMs === 0) return false
  if (clocksOf(repository, manifest, manifest.tags ?? [], now).pushed === undefined) return true
  const parts = [...closure(repository, manifest.digest)].map((digest) => find(repository, digest))
  const times = parts.flatMap((part) =>
    part === undefined
      ? []
      : [
          told(part.pushedAt),
          told(part.recordedAt),
          told(part.firstSeenAt),
          plausibleCreated(part, now),
          ...(part.tags ?? []).map((tag) => told(tag.pushedAt)),
        ],
  )
  const at = newest(times)
  return at !== undefined && now - at < youngerThanMs
}

export type CalendarName = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly'

/** The bucket of an instant: two instants share it when they fall in the same hour, day, ISO week, month or year. */
export function bucket(calendar: CalendarName, at: number, timezone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
  }).formatToParts(new Date(at))
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value)
  const [year, month, day, hour] = [part('year'), part('month'), part('day'), part('hour')]
  switch (calendar) {
    case 'hourly':
      return [year, month, day, hour].join('-')
    case 'daily':
      return [year, month, day].join('-')
    case 'weekly': {
      // The Thursday of a week names its ISO year and number.
      const date = new Date(Date.UTC(year, month - 1, day))
      date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7))
      const firstDay = Date.UTC(date.getUTCFullYear(), 0, 1)
      return `${date.getUTCFullYear()}-W${Math.ceil(((date.getTime() - firstDay) / 86_400_000 + 1) / 7)}`
    }
    case 'monthly':
      return [year, month].join('-')
    case 'yearly':
      return String(year)
  }
}
