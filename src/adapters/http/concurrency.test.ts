import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Concurrency, RequestOutcome } from './concurrency.ts'
import { afterOutcome, startConcurrency } from './concurrency.ts'

const answered = (sentAtMs: number, ms = 10): RequestOutcome => ({
  kind: 'answered',
  sentAtMs,
  endedAtMs: sentAtMs + ms,
})
const overloaded = (sentAtMs: number): RequestOutcome => ({
  kind: 'overloaded',
  sentAtMs,
  endedAtMs: sentAtMs + 1,
})
const run = (state: Concurrency, outcomes: readonly RequestOutcome[]) => outcomes.reduce(afterOutcome, state)

describe('concurrency', () => {
  it('starts at its upper bound and stays there while all is well', () => {
    const many = Array.from({ length: 100 }, (_, i) => answered(i))
    expect(run(startConcurrency(16), many).limit).toBe(16)
  })

  it('is halved once by a burst of refusals that were sent together', () => {
    expect(run(startConcurrency(16), [overloaded(0), overloaded(0), overloaded(0)]).limit).toBe(8)
  })

  it('is halved again by what was sent after that, and never falls below one', () => {
    const storm = Array.from({ length: 10 }, (_, i) => overloaded(i * 100))
    expect(run(startConcurrency(16), storm.slice(0, 2)).limit).toBe(4)
    expect(run(startConcurrency(16), storm).limit).toBe(1)
  })

  it('grows by one with each window of answers', () => {
    const low = run(startConcurrency(16), [overloaded(0)])
    const window = Array.from({ length: 8 }, (_, i) => answered(10 + i))
    expect(run(low, window.slice(1)).limit).toBe(8)
    expect(run(low, window).limit).toBe(9)
  })

  it('is halved when answers take many times as long as they used to', () => {
    const fast = Array.from({ length: 16 }, (_, i) => answered(i, 300))
    const slow = Array.from({ length: 16 }, (_, i) => answered(1000 + i, 4000))
    expect(run(startConcurrency(16), [...fast, ...slow]).limit).toBe(8)
  })

  it('is not halved by answers that are slower but still fast', () => {
    const fast = Array.from({ length: 16 }, (_, i) => answered(i, 1))
    const slower = Array.from({ length: 16 }, (_, i) => answered(1000 + i, 500))
    expect(run(startConcurrency(16), [...fast, ...slower]).limit).toBe(16)
  })

  it('learns nothing from failures of the connection', () => {
    const state = startConcurrency(4)
    expect(afterOutcome(state, { kind: 'failed', sentAtMs: 0, endedAtMs: 9 })).toBe(state)
  })

  it('stays between one and its bound, whatever happens', () => {
    const outcome = fc.record({
      kind: fc.constantFrom('answered' as const, 'overloaded' as const, 'failed' as const),
      sentAtMs: fc.nat(1e6),
      endedAtMs: fc.nat(1e6),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: -3, max: 64 }),
        fc.array(outcome, { maxLength: 200 }),
        (max, outcomes) => {
          const { limit } = run(startConcurrency(max), outcomes)
          expect(limit).toBeGreaterThanOrEqual(1)
          expect(limit).toBeLessThanOrEqual(Math.max(1, max))
        },
      ),
    )
  })
})
