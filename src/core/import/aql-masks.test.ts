/** The pairs of a mask match just the paths that the mask matches. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRepositoryPatterns, compileTagPattern } from '../policy/compile-patterns.ts'
import { canNameDigest, masksOnPath } from './aql-masks.ts'

/** As `LIKE` of a database has it. */
function isLike(mask: string, path: string): boolean {
  const source = [...mask].map((each) =>
    each === '*' ? '.*' : each === '?' ? '.' : each.replace(/[.\\+]/g, String.raw`\$&`),
  )
  return new RegExp(`^${source.join('')}$`).test(path)
}

function isTaken(mask: string, image: string, tag: string): boolean {
  return masksOnPath(mask, 'include').some(
    (pair) =>
      compileRepositoryPatterns([`key/${pair.image}`]).matches(`key/${image}`) &&
      compileTagPattern(pair.tag).matches(tag),
  )
}

const piece = fc.constantFrom('*', '*', '?', '/', 'a', 'b', 'ab', '-', '.')
const masks = fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(''))
const images = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'a-b', 'ba'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'))
const tags = fc.constantFrom('a', 'b', 'ab', 'a-b', 'a.b', 'aab')

describe('masksOnPath', () => {
  it('takes a path when the mask does', () => {
    fc.assert(
      fc.property(masks, images, tags, (mask, image, tag) => {
        const told = `${mask} on ${image}/${tag}: ${JSON.stringify(masksOnPath(mask, 'include'))}`
        expect(isTaken(mask, image, tag), told).toBe(isLike(mask, `${image}/${tag}`))
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['app/*', [{ image: 'app{,/**}', tag: '*' }]],
    ['*/latest', [{ image: '**', tag: 'latest' }]],
    ['team/*/base', [{ image: 'team/**', tag: 'base' }]],
    ['latest', []],
    ['*', [{ image: '**', tag: '*' }]],
    [
      '*x*',
      [
        { image: '**x**', tag: '*' },
        { image: '**', tag: '*x*' },
      ],
    ],
  ])('%s is %j', (mask, pairs) => {
    expect(masksOnPath(mask, 'include')).toEqual(pairs)
  })

  it('takes an underscore for any character where it spares, and for itself where it takes', () => {
    expect(masksOnPath('app/a_b', 'exclude')).toContainEqual({ image: 'app', tag: 'a?b' })
    expect(masksOnPath('app/a_b', 'include')).toEqual([{ image: 'app', tag: 'a_b' }])
    expect(masksOnPath('app/50%', 'exclude')).toContainEqual({ image: 'app', tag: '50*' })
  })
})

describe('canNameDigest', () => {
  it.each([
    ['*', true],
    ['sha256*', true],
    ['*ab?', true],
    ['/x/', true],
    ['dev-*', false],
    ['*prod*', false],
    ['sha256:ab', false],
    [String.raw`\*`, false],
  ])('%s: %s', (glob, can) => {
    expect(canNameDigest(glob)).toBe(can)
  })
})
