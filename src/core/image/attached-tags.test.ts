import { expect, it } from 'vitest'
import { attachedTo } from './attached-tags.ts'

const hex = '1c'.repeat(32)
const sha256 = `sha256-${hex}`
const commit = '9a'.repeat(20)
const sha512 = `sha512-${hex}${hex}`

it.each([
  { name: 'the referrers fallback', tag: sha256, to: `sha256:${hex}` },
  { name: 'the referrers fallback of a sha512', tag: sha512, to: `sha512:${hex}${hex}` },
  { name: 'a signature', tag: `${sha256}.sig`, to: `sha256:${hex}` },
  { name: 'an attestation', tag: `${sha256}.att`, to: `sha256:${hex}` },
  { name: 'a bill of materials', tag: `${sha256}.sbom`, to: `sha256:${hex}` },
  { name: 'a signature with a prefix of its own', tag: `prod-${sha256}.sig`, to: `sha256:${hex}` },
  { name: 'a link to a commit', tag: `${sha256}.link-${commit}`, to: `sha256:${hex}` },
])('$name hangs on the digest it spells', ({ tag, to }) => {
  expect(attachedTo(tag)).toBe(to)
})

it.each([
  { name: 'a version', tag: '1.2.3' },
  { name: 'a long name', tag: 'x'.repeat(128) },
  { name: 'a suffix that nobody knows', tag: `${sha256}.vex` },
  { name: 'a prefix without a suffix, as the fallback has none', tag: `prod-${sha256}` },
  { name: 'capital hex', tag: sha256.toUpperCase() },
  { name: 'a digest that is a digit short', tag: `${sha256.slice(0, -1)}.sig` },
  { name: 'sha256 with the length of sha512', tag: `sha256-${hex}${hex}` },
  { name: 'a link that is a digit short', tag: `${sha256}.link-${commit.slice(1)}` },
  { name: 'a link with a digit too many', tag: `${sha256}.link-${commit}0` },
  { name: 'a link to no commit', tag: `${sha256}.link-${'g'.repeat(40)}` },
  { name: 'a link in capitals', tag: `${sha256}.link-${commit.toUpperCase()}` },
  { name: 'a link with a prefix, as records have none', tag: `prod-${sha256}.link-${commit}` },
  { name: 'a text of the length of a link', tag: `${'x'.repeat(71)}.link-${commit}` },
  { name: 'an unregistered algorithm', tag: `sha384-${hex}.sig` },
])('$name is an ordinary tag', ({ tag }) => {
  expect(attachedTo(tag)).toBeUndefined()
})
