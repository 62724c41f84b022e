/**
 * Ages: `within`, `pulledWithin`, `olderThan`, `notPulledFor`.
 *
 * Both sides of a duration are strict: at exactly age D an image is neither within D nor older than D. What has no
 * time is within every duration and older than none.
 */
import type { InstantMs } from '../../inventory/inventory.ts'

/** True when younger than `ms`, and for the undated. */
export function isWithin(at: InstantMs | undefined, ms: number, now: InstantMs): boolean {
  return at === undefined || now - at < ms
}

/** True only when known to be older than `ms`. */
export function isOlderThan(at: InstantMs | undefined, ms: number, now: InstantMs): boolean {
  return at !== undefined && now - at > ms
}

/** `41d`, `3h`, `12m`, `5s`: an age as people say it, rounded down. */
export function formatAge(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const
  const unit = units.find(([, size]) => ms >= size)
  return unit === undefined
    ? `${Math.max(0, Math.floor(ms / 1000))}s`
    : `${Math.floor(ms / unit[1])}${unit[0]}`
}

/** A duration as it would be written in winnow.yaml: the largest unit that says it exactly. */
export function formatDuration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const
  const unit = units.find(([, size]) => ms >= size && ms % size === 0)
  return unit === undefined ? `${ms / 1000}s` : `${ms / unit[1]}${unit[0]}`
}
