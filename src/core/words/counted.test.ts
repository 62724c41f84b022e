import { expect, it } from 'vitest'
import { counted } from './counted.ts'

it.each([
  { count: 0, plural: undefined, is: '0 blobs' },
  { count: 1, plural: undefined, is: '1 blob' },
  { count: 2, plural: undefined, is: '2 blobs' },
  { count: 1, plural: 'blobs stay', is: '1 blob' },
  { count: 9, plural: 'blobs stay', is: '9 blobs stay' },
])('$count is counted as $is', ({ count, plural, is }) => {
  expect(counted(count, 'blob', plural)).toBe(is)
})
