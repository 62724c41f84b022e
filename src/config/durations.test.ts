import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration } from './durations.ts'
import { parseSize } from './sizes.ts'

const hour = 3_600_000
const day = 24 * hour

describe('durations', () => {
  it.each([
    ['0s', 0],
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', day],
    ['7d', 7 * day],
    ['6w', 42 * day],
    ['P7D', 7 * day],
    ['PT12H', 12 * hour],
    ['P1DT12H', 36 * hour],
    ['P6W', 42 * day],
    ['PT1H30M5S', hour + 30 * 60_000 + 5_000],
    ['36525d', 36_525 * day],
    ['0007d', 7 * day],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ms })
  })

  it.each([
    ['1M', 'Months and years'],
    ['2mo', 'Months and years'],
    ['3 months', 'Months and years'],
    ['1y', 'Months and years'],
    ['P1M', 'Months and years'],
    ['P1Y2M', 'Months and years'],
    ['P1Y', 'Months and years'],
    ['24', 'needs a unit'],
    ['-1d', 'negative'],
    ['1.5d', 'whole number'],
    ['P1.5D', 'whole number'],
    ['PT1.5H', 'whole number'],
    ['36526d', '100 years'],
    ['99999999999999999999999w', '100 years'],
    ['P99999999999999999999W', '100 years'],
    [`${'9'.repeat(400)}s`, '100 years'],
    ['', 'not a duration'],
    ['d', 'not a duration'],
    ['P', 'not a duration'],
    ['PT', 'not a duration'],
    ['P1DT', 'not a duration'],
    ['7 d', 'not a duration'],
    ['7d ', 'not a duration'],
    ['7D', 'not a duration'],
    ['1h30m', 'not a duration'],
    ['1e3s', 'not a duration'],
    ['٣d', 'not a duration'],
    ['7d\n', 'not a duration'],
  ])('%j is refused: %s', (text, reason) => {
    const parsed = parseDuration(text)
    expect('problem' in parsed && parsed.problem).toContain(reason)
  })

  it('reads every whole number of every unit up to the limit', () => {
    const units = { s: 1000, m: 60_000, h: hour, d: day, w: 7 * day }
    fc.assert(
      fc.property(fc.nat(5000), fc.constantFrom(...Object.entries(units)), (count, [unit, ms]) => {
        expect(parseDuration(`${count}${unit}`)).toEqual({ ms: count * ms })
      }),
    )
  })
})

describe('sizes', () => {
  it.each([
    [0, 0],
    [1234, 1234],
    ['1234', 1234],
    ['100MiB', 104_857_600],
    ['64Ki', 65_536],
    ['1GB', 1_000_000_000],
    ['500k', 500_000],
    ['1.5 kB', 1500],
    ['12B', 12],
    ['2g', 2_000_000_000],
  ])('%j is %d bytes', (written, bytes) => {
    expect(parseSize(written)).toBe(bytes)
  })

  it.each(['', 'x', '-1', '1iB', '1XB', '1MiBs', 'MiB', '1  GB', '99999999PB', '.5GB', '1,5GB'])(
    '%j is no size',
    (written) => {
      expect(parseSize(written)).toBeUndefined()
    },
  )

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is no size', (written) => {
    expect(parseSize(written)).toBeUndefined()
  })
})
