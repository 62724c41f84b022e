/**
 * How many requests may be in flight: additive increase, multiplicative decrease, as a pure function.
 *
 * The number starts at the upper bound, is halved when the server says it is too much (429, 503) or when answers take
 * several times as long as they used to, and grows by one with every window of good answers. It is halved at most
 * once for requests sent before the last halving: one burst of refusals is one message, not sixteen. Never below 1.
 */

export interface Concurrency {
  readonly limit: number
  readonly limitMax: number
  /** Requests sent before this instant say nothing new about overload. */
  readonly loweredAtMs: number
  /** Answers in the current window, and the sum of their durations. */
  readonly answers: number
  readonly durationSumMs: number
  /** Mean duration of the best window so far; undefined until one has passed. */
  readonly baselineMs: number | undefined
}

export interface RequestOutcome {
  readonly kind: 'answered' | 'overloaded' | 'failed'
  readonly sentAtMs: number
  readonly endedAtMs: number
}

/** Answers that take this many times the baseline are a collapse… */
const COLLAPSE_FACTOR = 8
/** …unless they are still fast enough not to matter. */
const COLLAPSE_MIN_MS = 2_000
const WINDOW_MIN = 8

export function startConcurrency(limitMax: number): Concurrency {
  const limit = Math.max(1, Math.floor(limitMax))
  return {
    limit,
    limitMax: limit,
    loweredAtMs: Number.NEGATIVE_INFINITY,
    answers: 0,
    durationSumMs: 0,
    baselineMs: undefined,
  }
}

/** The state after one more request ended. */
export function afterOutcome(state: Concurrency, outcome: RequestOutcome): Concurrency {
  const isNews = outcome.sentAtMs >= state.loweredAtMs
  if (outcome.kind === 'overloaded') return isNews ? lower(state, outcome.endedAtMs) : state
  if (outcome.kind === 'failed' || !isNews) return state
  const answers = state.answers + 1
  const durationSumMs = state.durationSumMs + Math.max(0, outcome.endedAtMs - outcome.sentAtMs)
  if (answers < Math.max(state.limit, WINDOW_MIN)) return { ...state, answers, durationSumMs }
  return endWindow(state, durationSumMs / answers, outcome.endedAtMs)
}

function endWindow(state: Concurrency, meanMs: number, nowMs: number): Concurrency {
  const baselineMs = Math.min(state.baselineMs ?? meanMs, meanMs)
  const isCollapsed = meanMs > COLLAPSE_MIN_MS && meanMs > baselineMs * COLLAPSE_FACTOR
  if (isCollapsed) return lower({ ...state, baselineMs }, nowMs)
  return {
    ...state,
    limit: Math.min(state.limit + 1, state.limitMax),
    answers: 0,
    durationSumMs: 0,
    baselineMs,
  }
}

function lower(state: Concurrency, nowMs: number): Concurrency {
  return {
    ...state,
    limit: Math.max(1, Math.floor(state.limit / 2)),
    loweredAtMs: nowMs,
    answers: 0,
    durationSumMs: 0,
  }
}
