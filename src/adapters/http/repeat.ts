/**
 * Repeats a request while that can help, within limits that let a command facing a broken server end by itself: so
 * many attempts, so long a pause, so much pausing in all, so much time on the wire. Each pause is announced.
 *
 * Only what is idempotent is repeated. Running out of attempts is an error, because nobody should take the last
 * 503 of a failing server for its answer.
 */
import type { OperationalError } from '../../core/errors/errors.ts'
import type { RunEvent } from '../../ports/run-options.ts'
import { RateLimitedError, ServerFailedError } from './http-errors.ts'
import type { HttpClock, HttpResponse, HttpRetry } from './http-types.ts'
import type { Redactor } from './redact.ts'
import { backoffMs, describeDuration, judge } from './retry-policy.ts'
import { TransportFailure, toOperationalError } from './transport-failure.ts'

export interface RepeatRules {
  /** The redacted URL, for errors and events; made when needed, since most requests need none. */
  readonly subject: () => string
  readonly isIdempotent: boolean
  readonly retry: Required<HttpRetry>
  readonly clock: HttpClock
  readonly redactor: Redactor
  readonly signal: AbortSignal
  readonly onEvent: ((event: RunEvent) => void) | undefined
  /** Told of every pause before it begins; `isAsked` when the server asked for it, which then concerns everyone. */
  readonly onPause: (pauseMs: number, isAsked: boolean) => void
}

/** Once this much time was spent waiting for answers, no further attempt begins: five silences of 30 s are too many. */
const WIRE_BUDGET_MS = 75_000

interface Trouble {
  readonly reason: string
  readonly askedMs: number | undefined
  readonly isPassing: boolean
  readonly toError: () => OperationalError
}

/**
 * The first answer that is final.
 *
 * @throws RateLimitedError, ServerFailedError, UnreachableError or HttpTimeoutError when there is no further attempt
 */
export async function repeat(
  send: (attempt: number) => Promise<HttpResponse>,
  rules: RepeatRules,
): Promise<HttpResponse> {
  let wiredMs = 0
  let pausedMs = 0
  for (let attempt = 1; ; attempt += 1) {
    const sentAt = rules.clock.now()
    const result = await settle(send(attempt))
    const now = rules.clock.now()
    wiredMs += now - sentAt
    const trouble = diagnose(result, attempt, now, rules)
    if (trouble === undefined) return result as HttpResponse
    const pauseMs = pauseBeforeNext(trouble, attempt, rules.retry)
    const isWithinLimits =
      trouble.isPassing &&
      attempt < rules.retry.attemptsMax &&
      (trouble.askedMs ?? 0) <= rules.retry.retryAfterMaxMs &&
      pausedMs + pauseMs <= rules.retry.waitBudgetMs &&
      wiredMs <= WIRE_BUDGET_MS
    if (!isWithinLimits) throw trouble.toError()
    pausedMs += pauseMs
    await pause(pauseMs, trouble, rules)
  }
}

async function settle(sending: Promise<HttpResponse>): Promise<HttpResponse | TransportFailure> {
  try {
    return await sending
  } catch (error) {
    // Everything else is either a decision already made (refused, interrupted, too large) or a bug.
    if (error instanceof TransportFailure) return error
    throw error
  }
}

function diagnose(
  result: HttpResponse | TransportFailure,
  attempt: number,
  nowMs: number,
  rules: RepeatRules,
): Trouble | undefined {
  const { subject, redactor, isIdempotent } = rules
  if (result instanceof TransportFailure) {
    return {
      reason: redactor.text(result.message),
      askedMs: undefined,
      isPassing: isIdempotent && result.isPassing,
      toError: () => toOperationalError(result, subject(), attempt, redactor),
    }
  }
  const judgement = judge(result.status, result.headers, nowMs)
  if (judgement.kind === 'final' || !isIdempotent) return undefined
  const { askedMs, isRateLimit } = judgement
  const isTooLong = (askedMs ?? 0) > rules.retry.retryAfterMaxMs
  return {
    reason: isRateLimit ? `rate limit (status ${result.status})` : `status ${result.status}`,
    askedMs,
    isPassing: true,
    toError: () =>
      isRateLimit || isTooLong
        ? new RateLimitedError(subject(), result, askedMs)
        : new ServerFailedError(subject(), result),
  }
}

function pauseBeforeNext(trouble: Trouble, attempt: number, retry: Required<HttpRetry>): number {
  const own = backoffMs(attempt, retry.backoffMs, Math.random())
  // A server that asks for no time at all still gets a breath, or five attempts are over within a millisecond.
  return trouble.askedMs === undefined ? own : Math.max(trouble.askedMs, Math.min(own, retry.backoffMs))
}

async function pause(pauseMs: number, trouble: Trouble, rules: RepeatRules): Promise<void> {
  const asked = trouble.askedMs === undefined ? '' : `, asked to wait ${describeDuration(trouble.askedMs)}`
  rules.onPause(pauseMs, trouble.askedMs !== undefined)
  rules.onEvent?.({ kind: 'wait', subject: rules.subject(), waitMs: pauseMs, reason: trouble.reason + asked })
  await sleep(rules.clock, pauseMs, rules.signal)
}

/** Sleeps; throws the signal's own reason when it aborts, whatever the clock makes of it. */
export async function sleep(clock: HttpClock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } finally {
    signal.throwIfAborted()
  }
}
