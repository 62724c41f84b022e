/**
 * When a request is worth repeating, and how long to pause before it; pure.
 *
 * A server's own wish (Retry-After, rate limit headers) comes first. Whether it is granted is for the caller, who
 * knows the limits. Values that cannot be read count as not said.
 */

export type Judgement =
  | { readonly kind: 'final' }
  /** `askedMs` is what the server asked for; undefined when it did not say. */
  | { readonly kind: 'repeat'; readonly isRateLimit: boolean; readonly askedMs: number | undefined }

const REPEATABLE = new Set([408, 429, 500, 502, 503, 504])
const BACKOFF_MAX_MS = 15_000
/** Numbers above this are a point in time in seconds, not a duration: some servers send one for the other. */
const EPOCH_SECONDS_MIN = 1_000_000_000

const final: Judgement = { kind: 'final' }

/** Judges an answer by its status and headers (lower-case names). */
export function judge(status: number, headers: ReadonlyMap<string, string>, nowMs: number): Judgement {
  const isRateLimit =
    status === 429 || (status === 403 && (headers.has('retry-after') || isExhausted(headers)))
  if (!isRateLimit && !REPEATABLE.has(status)) return final
  const askedMs = retryAfterMs(headers, nowMs) ?? rateLimitResetMs(headers, nowMs)
  return { kind: 'repeat', isRateLimit, askedMs }
}

/** Retry-After as a duration: seconds, an HTTP date (RFC 9110 section 10.2.3), or seconds since the epoch. */
export function retryAfterMs(headers: ReadonlyMap<string, string>, nowMs: number): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? headers.get('x-retry-after')?.trim()
  if (value === undefined || value === '') return undefined
  if (/^\d+(?:\.\d+)?$/.test(value)) return secondsToWait(Number(value), nowMs)
  // Only what looks like a date: Date.parse would accept "-5" and other numbers.
  if (!/^[A-Za-z]{3}/.test(value)) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

function rateLimitResetMs(headers: ReadonlyMap<string, string>, nowMs: number): number | undefined {
  if (!isExhausted(headers)) return undefined
  const value = headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset')
  return value !== undefined && /^\d+$/.test(value.trim()) ? secondsToWait(Number(value), nowMs) : undefined
}

/** X-RateLimit-Remaining (GitHub) and RateLimit-Remaining (GitLab); Docker Hub appends `;w=<window>`. */
function isExhausted(headers: ReadonlyMap<string, string>): boolean {
  const remaining = headers.get('x-ratelimit-remaining') ?? headers.get('ratelimit-remaining')
  return remaining !== undefined && /^\s*0\s*(?:;|$)/.test(remaining)
}

function secondsToWait(seconds: number, nowMs: number): number {
  const ms = seconds * 1000
  return seconds >= EPOCH_SECONDS_MIN ? Math.max(0, ms - nowMs) : ms
}

/** A pause that doubles with each attempt, up to 15 s; `random` in [0, 1) takes off up to half, so crowds disperse. */
export function backoffMs(attempt: number, firstMs: number, random: number): number {
  const full = Math.min(firstMs * 2 ** (attempt - 1), BACKOFF_MAX_MS)
  return Math.round(full * (1 - random / 2))
}

/** A duration for people, rounded up: `45 s`, `12 min`, `3 h`, `more than a year`. */
export function describeDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 2 * 3600) return `${Math.ceil(seconds / 60)} min`
  if (seconds < 48 * 3600) return `${Math.ceil(seconds / 3600)} h`
  if (seconds < 365 * 86400) return `${Math.ceil(seconds / 86400)} days`
  return 'more than a year'
}
