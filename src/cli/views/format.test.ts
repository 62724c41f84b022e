import { describe, expect, it } from 'vitest'
import {
  countOf,
  cut,
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  plain,
  shortDigest,
} from './format.ts'

const HOUR = 3_600_000

describe('sizes', () => {
  it.each([
    { name: 'bytes have no fraction', bytes: 512, text: '512 B' },
    { name: 'a small size has one digit after the point', bytes: 1_181_116_006, text: '1.1 GiB' },
    { name: 'a zero after the point is left out', bytes: 2048, text: '2 KiB' },
    { name: 'a large one is rounded', bytes: 88 * 1024 ** 2 + 400_000, text: '88.4 MiB' },
    { name: 'nothing is ever 1024 of a unit', bytes: 1024 ** 2 - 1, text: '1 MiB' },
    { name: 'what is beyond the units stays in the last', bytes: 5000 * 1024 ** 5, text: '5000 PiB' },
    { name: 'zero is zero', bytes: 0, text: '0 B' },
  ])('$name', ({ bytes, text }) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('counts', () => {
  it.each([
    { count: 0, text: '0' },
    { count: 999, text: '999' },
    { count: 8692, text: '8\u2009692' },
    { count: 1_234_567, text: '1\u2009234\u2009567' },
  ])('$count', ({ count, text }) => {
    expect(formatCount(count)).toBe(text)
  })

  it('have their noun in the right number', () => {
    expect([countOf(1, 'image'), countOf(0, 'image'), countOf(2, 'reply', 'replies')]).toEqual([
      '1 image',
      '0 images',
      '2 replies',
    ])
  })
})

it('tells ages, never below zero, and says when nobody knows', () => {
  expect([formatAge(0, 41 * 24 * HOUR), formatAge(HOUR, 0), formatAge(undefined, 5)]).toEqual([
    '41d',
    '0s',
    '–',
  ])
})

it('tells up to two days in hours', () => {
  expect([24 * HOUR, 48 * HOUR, 72 * HOUR, 90_000].map(formatDuration)).toEqual(['24h', '48h', '3d', '90s'])
})

it('shortens digests to what tells them apart', () => {
  expect(shortDigest(`sha256:1c2e4f6a${'0'.repeat(56)}`)).toBe('sha256:1c2e4f6a…')
})

it('cuts by columns of a terminal, not by characters', () => {
  expect([cut('abcdef', 4), cut('abcd', 4), cut('日本語', 5), cut('x', 0)]).toEqual([
    'abc…',
    'abcd',
    '日本…',
    '',
  ])
})

it('takes away what moves the cursor or turns the direction of text', () => {
  expect(plain('a\u001b[2Kb\rc\u202ed')).toBe('a�[2Kb�c�d')
})
