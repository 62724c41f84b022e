/**
 * When the processes of a registry were started, from their metrics: `process_start_time_seconds` in Prometheus' text.
 *
 * Promises: the answer is the start of the oldest, by our own clock. One that cannot be read makes all of it unknown,
 * because it may be the oldest.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { HttpClient, HttpResponse } from '../http/http-types.ts'

export interface MetricsSettings {
  /** One for each replica. */
  readonly urls: readonly string[]
  /** A client for such an address; closed after use. */
  readonly createHttp: (url: string) => HttpClient
  readonly now: () => InstantMs
}

export type OldestStart =
  | { readonly kind: 'known'; readonly startedAt: InstantMs }
  /** A sentence. */
  | { readonly kind: 'unknown'; readonly because: string }

/** A clock may be a little ahead of ours; one that is further ahead measures something else. */
const AHEAD_MAX_MS = 60_000

export async function oldestStart(settings: MetricsSettings, options: RunOptions = {}): Promise<OldestStart> {
  let oldest = Infinity
  for (const url of settings.urls) {
    const start = await startOf(url, settings, options)
    if (start.kind === 'unknown') return start
    oldest = Math.min(oldest, start.startedAt)
  }
  if (oldest === Infinity) return { kind: 'unknown', because: 'No replica was named.' }
  return { kind: 'known', startedAt: oldest }
}

async function startOf(url: string, settings: MetricsSettings, options: RunOptions): Promise<OldestStart> {
  const unknown = (why: string): OldestStart => ({
    kind: 'unknown',
    because: `The start of the replica at ${url} is unknown: ${why}.`,
  })
  let http: HttpClient | undefined
  try {
    http = settings.createHttp(url)
    const response = await http.request({ method: 'GET', url }, options)
    if (response.status !== 200) return unknown(`it answered with status ${response.status}`)
    const startedAt = startIn(response, settings.now())
    return startedAt === undefined
      ? unknown('its metrics hold no process_start_time_seconds that could be')
      : { kind: 'known', startedAt }
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    return unknown(error.message.replace(/\.$/, ''))
  } finally {
    await http?.close()
  }
}

/** The oldest start that a text names, on our clock; undefined when it names none, or one that is no past time. */
export function startIn(
  response: Pick<HttpResponse, 'headers' | 'text'>,
  now: InstantMs,
): InstantMs | undefined {
  const lines = response.text().matchAll(/^process_start_time_seconds(?:\{[^}]*\})?[ \t]+(\S+)/gm)
  const starts = [...lines].map(([, value]) => Number(value) * 1000)
  const oldest = Math.min(...starts)
  // The other side's clock at the time of the answer: what counts is how long ago it was.
  const theirNow = Date.parse(response.headers.get('date') ?? '')
  const ageMs = (Number.isNaN(theirNow) ? now : theirNow) - oldest
  const isPossible = starts.length > 0 && starts.every((start) => start > 0) && ageMs >= -AHEAD_MAX_MS
  return isPossible ? now - Math.max(ageMs, 0) : undefined
}
