import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { attachedTo } from '../image/attached-tags.ts'
import type { Digest } from '../image/digest.ts'
import { ociManifestType } from '../image/media-types.ts'
import { parseManifest } from '../image/parse-manifest.ts'
import {
  emptyBlobText,
  linkInBytes,
  linkRecordText,
  linksInRecord,
  linksInTags,
  linkTag,
  parseFullCommitId,
} from './link-record.ts'

const digest = `sha256:${'1c'.repeat(32)}` as Digest
const subject = { digest, mediaType: ociManifestType, sizeBytes: 527 }
const sha1 = '9a'.repeat(20)
const sha256 = '9a'.repeat(20) + '0b'.repeat(12)

function bytesOf(text: string) {
  const bytes = new TextEncoder().encode(text)
  return { digest: `sha256:${sha(text)}` as Digest, mediaType: ociManifestType, bytes }
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

it('a record is these bytes, and the same ones every time', () => {
  // Records lie in registries for years: whoever changes a byte of them makes a second record of every link.
  const empty = `{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:${sha(emptyBlobText)}","size":2}`
  expect(linkRecordText(subject, { commit: sha1, source: 'https://git.example.com/app', ref: 'main' })).toBe(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.winnow.link.v1+json",' +
      `"config":${empty},"layers":[${empty}],` +
      `"subject":{"mediaType":"${ociManifestType}","digest":"${digest}","size":527},` +
      `"annotations":{"dev.winnow.link.ref":"main","org.opencontainers.image.revision":"${sha1}","org.opencontainers.image.source":"https://git.example.com/app"}}`,
  )
  expect(linkRecordText(subject, { commit: sha1 })).toBe(
    linkRecordText({ ...subject }, { commit: sha1, source: undefined, ref: undefined }),
  )
})

it.each([sha1, sha256])('a record tells its link when it is read: %s', (commit) => {
  const link = { commit, source: 'https://git.example.com/app', ref: 'größe' }
  const record = bytesOf(linkRecordText(subject, link))
  const facts = parseManifest(record.bytes, ociManifestType, record.digest)
  expect(linksInRecord(facts)).toEqual([{ ...link, subject: digest }])
  expect(linkInBytes(record)).toEqual({ ...link, subject: digest })
})

it.each([
  { name: 'another type', facts: { artifactType: 'application/vnd.example.sbom' } },
  { name: 'no type', facts: { artifactType: undefined } },
  { name: 'no subject', facts: { subject: undefined } },
  { name: 'no commit', facts: { annotations: {} } },
  { name: 'a short commit', facts: { annotations: { 'org.opencontainers.image.revision': '9a9a9a9' } } },
])('a manifest with $name is no record', ({ facts }) => {
  const record = {
    artifactType: 'application/vnd.winnow.link.v1+json',
    subject: digest,
    annotations: { 'org.opencontainers.image.revision': sha1 },
  }
  expect(linksInRecord(record)).toHaveLength(1)
  expect(linksInRecord({ ...record, ...facts })).toEqual([])
})

it('bytes that are no manifest record nothing', () => {
  expect(linkInBytes(bytesOf('no JSON'))).toBeUndefined()
  expect(linkInBytes(bytesOf('{"config":{},"layers":[]}'))).toBeUndefined()
})

it('the tag of a record hangs on the image and tells the commit', () => {
  for (const commit of [sha1, sha256]) {
    const tag = linkTag(digest, commit)
    expect(tag).toBe(`sha256-${'1c'.repeat(32)}.link-${sha1}`)
    expect(attachedTo(tag ?? '')).toBe(digest)
    expect(linksInTags(['main', tag ?? '', `${tag}0`, `x${tag?.slice(1)}`])).toEqual([
      { subject: digest, commit: sha1 },
    ])
  }
})

it('a sha512 subject has no tag for records: it would be longer than tags may be', () => {
  expect(linkTag(`sha512:${'1c'.repeat(64)}` as Digest, sha1)).toBeUndefined()
})

it.each([
  { text: sha1, id: sha1 },
  { text: sha1.toUpperCase(), id: sha1 },
  { text: sha256, id: sha256 },
  { text: sha1.slice(1), id: undefined },
  { text: `${sha1}0`, id: undefined },
  { text: 'HEAD', id: undefined },
  { text: '0'.repeat(40), id: undefined },
])('as a full commit id, $text is $id', ({ text, id }) => {
  expect(parseFullCommitId(text)).toBe(id)
})

it('looks through a million tags', () => {
  const tags = Array.from({ length: 1_000_000 }, (_, n) =>
    n % 2 === 0 ? `main-${n}` : `${n}-${'x'.repeat(110)}`,
  )
  expect(linksInTags(tags)).toEqual([])
  expect(tags.filter((tag) => attachedTo(tag) !== undefined)).toEqual([])
})
