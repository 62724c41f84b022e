import { expect, it } from 'vitest'
import { closestWord } from './closest-word.ts'

const keys = ['references', 'digests', 'complete', 'tags', 'pods', 'pushedAt']

it.each([
  { word: 'refrences', meant: 'references' },
  { word: 'refernces', meant: 'references' },
  { word: 'refreneces', meant: 'references' },
  { word: 'References', meant: 'references' },
  { word: 'pushed_at', meant: 'pushedAt' },
  { word: 'pushed', meant: 'pushedAt' },
  { word: 'tag', meant: 'tags' },
  { word: 'tgas', meant: 'tags' },
  { word: 'tg', meant: undefined },
  { word: 'colour', meant: undefined },
  { word: 'r'.repeat(100_000), meant: undefined },
  { word: '', meant: undefined },
])('by $word $meant is meant', ({ word, meant }) => {
  expect(closestWord(word, keys)).toBe(meant)
})
