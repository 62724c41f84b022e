import { describe, expect, it } from 'vitest'
import { parseDigest, shortDigest, type Digest } from './digest.ts'

const hex = 'ab'.repeat(32)

describe('parseDigest', () => {
  it.each([
    { name: 'sha256 of 64 hex digits', text: `sha256:${hex}` },
    { name: 'sha512 of 128 hex digits', text: `sha512:${hex}${hex}` },
  ])('takes $name', ({ text }) => {
    expect(parseDigest(text)).toBe(text)
  })

  it.each([
    { name: 'nothing', text: '' },
    { name: 'hex without its algorithm', text: hex },
    {
      name: 'upper-case hex, which would be a second spelling of the same content',
      text: `sha256:${hex.toUpperCase()}`,
    },
    { name: 'an upper-case algorithm', text: `SHA256:${hex}` },
    { name: 'a digit too few', text: `sha256:${hex.slice(1)}` },
    { name: 'a digit too many', text: `sha256:${hex}a` },
    { name: 'sha512 with the length of sha256', text: `sha512:${hex}` },
    { name: 'sha256 with the length of sha512', text: `sha256:${hex}${hex}` },
    { name: 'an algorithm nobody registered', text: `md5:${hex}` },
    { name: 'letters beyond f', text: `sha256:${hex.slice(1)}g` },
    { name: 'a line break at the end', text: `sha256:${hex}\n` },
    { name: 'a line before it', text: `x\nsha256:${hex}` },
    { name: 'space around it', text: ` sha256:${hex}` },
  ])('refuses $name', ({ text }) => {
    expect(parseDigest(text)).toBeUndefined()
  })
})

it('shortens a digest to its algorithm and twelve digits', () => {
  expect(shortDigest(`sha256:1c2e${hex.slice(4)}` as Digest)).toBe('sha256:1c2eabababab')
})
