import { expect, it } from 'vitest'
import { digest } from '../../../../test/builders/images.ts'
import type { Contender } from '../streams.ts'
import { bestPlaces, ordinal } from './newest.ts'

function contender(...rows: readonly number[]): Contender {
  return { rows, value: 0, digest: digest('a') }
}

it('gives every row its rank, one place for all rows of a contender', () => {
  const places = bestPlaces({ streams: new Map([['', [contender(4, 2), contender(0)]]]), unknown: new Set() })
  expect([...places]).toEqual([
    [4, { rank: 1, of: 2, stream: '' }],
    [2, { rank: 1, of: 2, stream: '' }],
    [0, { rank: 2, of: 2, stream: '' }],
  ])
})

it.each([
  { name: 'first', order: ['1.2', '1.3'] },
  { name: 'last', order: ['1.3', '1.2'] },
])('gives a row in several streams its best place, whichever stream comes $name', ({ order }) => {
  const streams = new Map(
    order.map((name) => [name, name === '1.3' ? [contender(0), contender(1)] : [contender(2), contender(0)]]),
  )
  expect(bestPlaces({ streams, unknown: new Set() }).get(0)).toEqual({ rank: 1, of: 2, stream: '1.3' })
})

it('gives no place to what could not be ordered', () => {
  expect(bestPlaces({ streams: new Map(), unknown: new Set([0]) }).size).toBe(0)
})

it.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [10, '10th'],
  [11, '11th'],
  [12, '12th'],
  [13, '13th'],
  [21, '21st'],
  [102, '102nd'],
  [111, '111th'],
])('%d is said as %s', (n, text) => {
  expect(ordinal(n)).toBe(text)
})
