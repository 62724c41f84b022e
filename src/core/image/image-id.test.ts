import { expect, it } from 'vitest'
import { parseImageId } from './image-id.ts'

const hex = 'e6693c20186f837fc393390135d8a598a96a833917917789d63766cab6c59582'
const digest = `sha256:${hex}`

it.each([
  { name: 'nothing means not started', text: '', is: { kind: 'empty' } },
  {
    name: 'a repository digest',
    text: `r.example.com/a@${digest}`,
    is: { kind: 'repoDigest', repository: 'r.example.com/a', digest },
  },
  {
    name: 'a host with default port is spelt without',
    text: `r.example.com:443/a@${digest}`,
    is: { kind: 'repoDigest', repository: 'r.example.com/a', digest },
  },
  {
    name: 'a name that is none leaves the digest',
    text: `<none>@${digest}`,
    is: { kind: 'repoDigest', repository: undefined, digest },
  },
  { name: 'a digest alone is a config', text: digest, is: { kind: 'configDigest', digest } },
  { name: 'sixty-four hex digits are a config', text: hex, is: { kind: 'configDigest', digest } },
  {
    name: 'docker:// with a digest is a config',
    text: `docker://${digest}`,
    is: { kind: 'configDigest', digest },
  },
  {
    name: 'a tag without a digest does not say what runs',
    text: 'r.example.com/a:1',
    is: { kind: 'invalid', text: 'r.example.com/a:1' },
  },
  {
    name: 'an unknown scheme is not read',
    text: `rkt://a@${digest}`,
    is: { kind: 'invalid', text: `rkt://a@${digest}` },
  },
  { name: 'a truncated digest is not read', text: 'sha256:abc', is: { kind: 'invalid', text: 'sha256:abc' } },
  { name: 'blanks are not nothing', text: ' ', is: { kind: 'invalid', text: ' ' } },
])('$name', ({ text, is }) => {
  expect(parseImageId(text)).toEqual(is)
})
