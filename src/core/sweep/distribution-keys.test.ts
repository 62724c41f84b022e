import { describe, expect, it } from 'vitest'
import { parseDigest } from '../image/digest.ts'
import { blobPath, digestFolders, parseBlobKey, parseLink, parseRepositoryKey } from './distribution-keys.ts'

const hex = 'ab'.repeat(32)
const longHex = 'cd'.repeat(64)
const digest = parseDigest(`sha256:${hex}`)!
const longDigest = parseDigest(`sha512:${longHex}`)!

describe('parseRepositoryKey', () => {
  it.each([
    {
      name: 'a revision',
      path: `team/app/_manifests/revisions/sha256/${hex}/link`,
      is: { kind: 'revision', repository: 'team/app', digest },
    },
    {
      name: 'a revision of another algorithm',
      path: `a/_manifests/revisions/sha512/${longHex}/link`,
      is: { kind: 'revision', repository: 'a', digest: longDigest },
    },
    {
      name: 'a revision whose folders are no digest still is one',
      path: 'a/_manifests/revisions/md5/x/link',
      is: { kind: 'revision', repository: 'a', digest: undefined },
    },
    {
      name: 'a layer',
      path: `a/_layers/sha256/${hex}/link`,
      is: { kind: 'layer', repository: 'a', digest },
    },
    {
      name: 'a tag, also one named like a folder of the layout',
      path: 'a/_manifests/tags/_layers/current/link',
      is: { kind: 'tag', repository: 'a', tag: '_layers' },
    },
    {
      name: 'an upload',
      path: 'a/_uploads/u-1/hashstates/sha256/0',
      is: { kind: 'upload', repository: 'a', upload: 'u-1' },
    },
    {
      name: 'the history of a tag counts for nothing',
      path: `a/_manifests/tags/v1/index/sha256/${hex}/link`,
      is: { kind: 'other', repository: 'a' },
    },
    {
      name: 'a link that is not whole yet counts for nothing',
      path: `a/_manifests/revisions/sha256/${hex}/link.1234.tmp`,
      is: { kind: 'other', repository: 'a' },
    },
    {
      name: 'a file among uploads is none of them',
      path: 'a/_uploads/notes',
      is: { kind: 'other', repository: 'a' },
    },
    {
      name: 'something deeper than a link',
      path: `a/_layers/sha256/${hex}/link/more`,
      is: { kind: 'other', repository: 'a' },
    },
    {
      name: 'a name that is no repository name is taken as it is',
      path: `UPPER/../_layers/sha256/${hex}/link`,
      is: { kind: 'layer', repository: 'UPPER/..', digest },
    },
    {
      name: 'no name at all',
      path: '_manifests/tags/v1/current/link',
      is: { kind: 'tag', repository: '', tag: 'v1' },
    },
    { name: 'a file beside the folders of a repository', path: 'a/README', is: undefined },
  ])('$name', ({ path, is }) => {
    expect(parseRepositoryKey(path)).toEqual(is)
  })
})

describe('blobs', () => {
  it('lie where their digest says', () => {
    expect(parseBlobKey(`${blobPath(digest)}/data`)).toBe(digest)
    expect(parseBlobKey(`${blobPath(longDigest)}/data`)).toBe(longDigest)
    expect(digestFolders(digest)).toBe(`sha256/${hex}`)
  })

  it.each([
    { name: 'another start', path: `sha256/00/${hex}/data` },
    { name: 'another file', path: `sha256/ab/${hex}/data.tmp` },
    { name: 'something deeper', path: `sha256/ab/${hex}/data/x` },
    { name: 'another algorithm', path: `md5/ab/${hex}/data` },
    { name: 'a digest cut short', path: `sha256/ab/${hex.slice(2)}/data` },
    { name: 'nothing', path: '' },
  ])('$name is no blob', ({ path }) => {
    expect(parseBlobKey(path)).toBeUndefined()
  })
})

describe('parseLink', () => {
  it.each([
    { name: 'a digest', text: `sha256:${hex}`, is: { kind: 'digest', digest } },
    {
      name: 'a digest and the end of its line',
      text: `sha512:${longHex}\n`,
      is: { kind: 'digest', digest: longDigest },
    },
    { name: 'nothing', text: '', is: { kind: 'empty' } },
    { name: 'blanks', text: ' \n', is: { kind: 'empty' } },
    { name: 'half a digest', text: 'sha256:ab', is: { kind: 'unreadable', text: 'sha256:ab' } },
    {
      name: 'a digest with much behind it',
      text: `sha256:${hex}${' '.repeat(2000)}x`,
      is: { kind: 'unreadable', text: `sha256:${hex}` },
    },
  ])('$name', ({ text, is }) => {
    expect(parseLink(new TextEncoder().encode(text))).toEqual(is)
  })
})
