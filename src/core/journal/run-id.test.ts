import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newRunId, parseRunId } from './run-id.ts'

describe('run ids', () => {
  it('say when the run began, in UTC', () => {
    expect(newRunId(Date.UTC(2026, 10, 23, 18, 45, 12, 999), '7f2a')).toBe('r-20261123-184512-7f2a')
  })

  it('sort by time and are read back', () => {
    const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [first, second] = [newRunId(Math.min(a, b), 'ffff'), newRunId(Math.max(a, b) + 1_000, '0000')]
        expect(first < second).toBe(true)
        expect(parseRunId(first)).toBe(first)
      }),
    )
  })

  it.each([
    '',
    'r-1',
    'r-20261123-184512-',
    'r-20261123-184512-7F2A',
    'r-20261123-184512-7f2a\n',
    '../r-20261123-184512-7f2a',
  ])('are nothing else: %j', (text) => {
    expect(parseRunId(text)).toBeUndefined()
  })

  it.each(['', 'xyz1', '7f2'])('refuse randomness that is none: %j', (random) => {
    expect(() => newRunId(0, random)).toThrow('is no id for a run')
  })
})
