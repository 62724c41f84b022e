import { describe, expect, it } from 'vitest'
import { parseRepositoryName, parseTagName } from './names.ts'

describe('parseRepositoryName', () => {
  it.each(['a', 'team/app', 'a/b/c/d', 'a.b', 'a_b', 'a__b', 'a-b', 'a---b', '0/1', 'a'.repeat(255)])(
    'takes %s',
    (text) => {
      expect(parseRepositoryName(text)).toBe(text)
    },
  )

  it.each([
    { name: 'nothing', text: '' },
    { name: 'capitals', text: 'Team/app' },
    { name: 'a slash at the beginning', text: '/app' },
    { name: 'a slash at the end', text: 'app/' },
    { name: 'two slashes', text: 'team//app' },
    { name: 'three underscores', text: 'a___b' },
    { name: 'two dots', text: 'a..b' },
    { name: 'a way up', text: '../app' },
    { name: 'a separator at the end', text: 'app-' },
    { name: 'a separator at the beginning', text: '.app' },
    { name: 'a tag', text: 'app:1' },
    { name: 'a line break', text: 'app\n' },
    { name: 'more than 255 characters', text: 'a'.repeat(256) },
  ])('refuses $name', ({ text }) => {
    expect(parseRepositoryName(text)).toBeUndefined()
  })
})

describe('parseTagName', () => {
  it.each(['1', 'latest', 'v1.2.3_build', '_x', 'A-b.C', 'a'.repeat(128)])('takes %s', (text) => {
    expect(parseTagName(text)).toBe(text)
  })

  it.each([
    { name: 'nothing', text: '' },
    { name: 'a dot at the beginning', text: '.a' },
    { name: 'a dash at the beginning', text: '-a' },
    { name: 'a plus sign', text: '1.0+1' },
    { name: 'a slash', text: 'a/b' },
    { name: 'a line break', text: 'a\n' },
    { name: 'letters beyond ASCII', text: 'ä' },
    { name: 'more than 128 characters', text: 'a'.repeat(129) },
  ])('refuses $name', ({ text }) => {
    expect(parseTagName(text)).toBeUndefined()
  })
})
