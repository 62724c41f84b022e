import { expect, it } from 'vitest'
import { parseRecordTag, parseStageId } from './tag-shapes.ts'

const digest = '0a'.repeat(28)
const stage = `${digest}-1718452800000`
const commit = 'c1'.repeat(20)

it.each([
  { name: 'a stage', text: stage },
  { name: 'a multi-platform image', text: digest },
])('takes the name of $name', ({ text }) => {
  expect(parseStageId(text)).toBe(text)
})

it.each([
  {
    name: 'with letters that are no hexadecimal digits, which werf itself does not look at',
    text: `${'0g'.repeat(28)}-1718452800000`,
  },
  { name: 'in capitals', text: stage.toUpperCase() },
  { name: 'with a time of 12 digits', text: `${digest}-171845280000` },
  { name: 'of 56 letters', text: 'release-of-the-year-with-a-name-that-is-56-letters-long-' },
  { name: 'of 70 letters with a dash elsewhere', text: `${digest.slice(1)}-17184528000001` },
])('is no stage: a name $name', ({ text }) => {
  expect(parseStageId(text)).toBeUndefined()
})

it.each([
  { tag: `meta-798e6f97_${commit}_${stage}`, says: { kind: 'commit', nameId: '798e6f97', commit, stage } },
  { tag: `meta-0_${commit}_${digest}`, says: { kind: 'commit', nameId: '0', commit, stage: digest } },
  { tag: `${stage}-rejected`, says: { kind: 'rejected', stage } },
  { tag: 'custom-tag-meta-v1.0', says: { kind: 'custom-tag' } },
  { tag: 'managed-image-front__slash__end', says: { kind: 'managed-image' } },
  { tag: `import-metadata-${'ab'.repeat(32)}`, says: { kind: 'import' } },
  { tag: 'client-id-7f3c1c2e-4b0a-4a5e-9f6e-1d2c3b4a5f60-1718452800000', says: { kind: 'client-id' } },
  { tag: 'sync-server', says: { kind: 'sync-server' } },
  { tag: 'cleanup', says: { kind: 'last-cleanup' } },
  { tag: 'werf-meta-repo-marker-app', says: { kind: 'meta-repo-marker' } },
])('$tag can be a record', ({ tag, says }) => {
  expect(parseRecordTag(tag)).toEqual(says)
})

it.each([
  { name: 'an id with a leading zero', tag: `meta-0798e6f9_${commit}_${stage}` },
  { name: 'an id of nine digits', tag: `meta-798e6f970_${commit}_${stage}` },
  { name: 'a commit that is short', tag: `meta-798e6f97_${commit.slice(0, 12)}_${stage}` },
  { name: 'a fourth part', tag: `meta-798e6f97_${commit}_${stage}_1` },
  { name: 'a stage that is none', tag: `meta-798e6f97_${commit}_latest` },
  { name: 'nothing behind the prefix', tag: 'managed-image-' },
  { name: 'a word in front', tag: `x-${stage}-rejected` },
  { name: 'a rejected index, which werf does not write', tag: `${digest}-rejected` },
  { name: 'a word that begins alike', tag: 'cleanups' },
])('is no record: a tag with $name', ({ tag }) => {
  expect(parseRecordTag(tag)).toBeUndefined()
})
