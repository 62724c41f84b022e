import { describe, expect, it } from 'vitest'
import {
  attachedTag,
  daysAgo,
  digest,
  image,
  labelOf,
  tag,
  type Given,
} from '../../../test/builders/images.ts'
import { tagged } from '../../../test/builders/policies.ts'
import { contextOf } from '../../../test/builders/verdicts.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { compileTagPattern, compileTagPatterns } from './compile-patterns.ts'
import { matchesAny, matchesBlock, matchingTags, stateOf } from './match.ts'
import type { MatchBlock } from './policy.ts'
import { rowsOf } from './rows.ts'
import { compileRange } from './version.ts'

/** Whether the block holds for the first of these manifests. */
function holds(block: MatchBlock, given: Given, others: readonly ManifestRecord[] = []): boolean {
  const manifest = image('a', given)
  const context = contextOf([manifest, ...others])
  const row = rowsOf(context).find((each) => each.manifest === manifest)
  return row !== undefined && matchesBlock(block, row, context)
}

const text = compileTagPattern
const all = (...patterns: readonly string[]): MatchBlock => ({ tagsAll: compileTagPatterns(patterns) })
const every = (...patterns: readonly string[]): MatchBlock => ({ tagsEvery: compileTagPatterns(patterns) })

describe('a block on tags', () => {
  it.each<{ name: string; block: MatchBlock; tags: readonly string[]; is: boolean }>([
    { name: 'an empty block matches everything', block: {}, tags: [], is: true },
    { name: 'tags: one that matches is enough', block: tagged('pr-*'), tags: ['pr-1', '1.0'], is: true },
    { name: 'tags: none matches', block: tagged('pr-*'), tags: ['1.0'], is: false },
    { name: 'tags: no tag, no match', block: tagged('*'), tags: [], is: false },
    {
      name: 'tags: a pattern taken out takes that tag out',
      block: tagged('pr-*', '!pr-1'),
      tags: ['pr-1'],
      is: false,
    },
    {
      name: 'tags: another tag still matches',
      block: tagged('pr-*', '!pr-1'),
      tags: ['pr-1', 'pr-2'],
      is: true,
    },
    { name: 'tagsAll: all match', block: all('pr-*', 'x'), tags: ['pr-1', 'x'], is: true },
    { name: 'tagsAll: one does not', block: all('pr-*'), tags: ['pr-1', 'x'], is: false },
    { name: 'tagsAll: an image without tags is not meant', block: all('*'), tags: [], is: false },
    {
      name: 'tagsEvery: each pattern has a tag',
      block: every('pr-*', 'x'),
      tags: ['pr-1', 'x', 'y'],
      is: true,
    },
    {
      name: 'tagsEvery: one tag may serve two patterns',
      block: every('pr-*', '*-1'),
      tags: ['pr-1'],
      is: true,
    },
    { name: 'tagsEvery: one pattern has none', block: every('pr-*', 'x'), tags: ['pr-1'], is: false },
    {
      name: 'tagsEvery: what is taken out serves no pattern',
      block: every('pr-*', '!pr-1'),
      tags: ['pr-1', 'x'],
      is: false,
    },
    { name: 'tagsEvery: an image without tags is not meant', block: every('!x'), tags: [], is: false },
    {
      name: 'semver: some tag is in the range',
      block: { semver: compileRange('>=1.0.0') },
      tags: ['x', 'v1.2'],
      is: true,
    },
    { name: 'semver: no tag is a version', block: { semver: compileRange('*') }, tags: ['x'], is: false },
    { name: 'tagged: true', block: { tagged: true }, tags: ['x'], is: true },
    { name: 'tagged: true, and it is not', block: { tagged: true }, tags: [], is: false },
    { name: 'tagged: false', block: { tagged: false }, tags: [], is: true },
    {
      name: 'tagged: an attached tag is no name',
      block: { tagged: false },
      tags: [attachedTag('x', 'sig')],
      is: true,
    },
    { name: 'all fields must hold', block: { ...tagged('*'), ...all('x') }, tags: ['x', 'y'], is: false },
  ])('$name', ({ block, tags, is }) => {
    expect(holds(block, { tags })).toBe(is)
  })
})

describe('a block on what a manifest says', () => {
  const platform = image('p', {
    platform: 'linux/arm64',
    labels: { team: 'shop' },
    annotations: { keep: 'yes' },
  })
  it.each<{ name: string; block: MatchBlock; given: Given; is: boolean }>([
    { name: 'digests', block: { digests: [text('sha256:61*')] }, given: {}, is: true },
    { name: 'another digest', block: { digests: [text('sha256:62*')] }, given: {}, is: false },
    {
      name: 'labels',
      block: { labels: { team: text('sh*') } },
      given: { labels: { team: 'shop' } },
      is: true,
    },
    {
      name: 'a label with another value',
      block: { labels: { team: text('x') } },
      given: { labels: { team: 'shop' } },
      is: false,
    },
    {
      name: 'a label that is absent matches nothing',
      block: { labels: { team: text('*') } },
      given: {},
      is: false,
    },
    {
      name: 'a label named as a part of every object',
      block: { labels: { constructor: text('*') } },
      given: {},
      is: false,
    },
    {
      name: 'all labels must match',
      block: { labels: { a: text('*'), b: text('*') } },
      given: { labels: { a: '1' } },
      is: false,
    },
    {
      name: 'labels of a platform stand for its index',
      block: { labels: { team: text('shop') } },
      given: { children: ['p'] },
      is: true,
    },
    {
      name: 'annotations',
      block: { annotations: { keep: text('yes') } },
      given: { annotations: { keep: 'yes' } },
      is: true,
    },
    {
      name: 'artifactType',
      block: { artifactType: [text('application/*')] },
      given: { artifactType: 'application/x' },
      is: true,
    },
    { name: 'an artifact type that is not told', block: { artifactType: [text('*')] }, given: {}, is: false },
    {
      name: 'mediaType, any of several',
      block: { mediaType: [text('x'), text('*index*')] },
      given: { mediaType: 'oci.index' },
      is: true,
    },
    { name: 'a media type that is not told', block: { mediaType: [text('*')] }, given: {}, is: false },
    {
      name: 'platform',
      block: { platform: [text('linux/*')] },
      given: { platform: 'linux/amd64' },
      is: true,
    },
    {
      name: 'one platform of an index',
      block: { platform: [text('linux/arm64')] },
      given: { children: ['p'] },
      is: true,
    },
    {
      name: 'no such platform',
      block: { platform: [text('windows/*')] },
      given: { children: ['p'] },
      is: false,
    },
    { name: 'larger than a limit', block: { largerThanBytes: 9 }, given: { layers: { l: 10 } }, is: true },
    {
      name: 'exactly as large is not larger',
      block: { largerThanBytes: 10 },
      given: { layers: { l: 10 } },
      is: false,
    },
    {
      name: 'an unknown size is not larger than anything',
      block: { largerThanBytes: 0 },
      given: {},
      is: false,
    },
  ])('$name', ({ block, given, is }) => {
    expect(holds(block, given, [platform])).toBe(is)
  })
})

describe('a block on the time of building', () => {
  it.each<{ name: string; given: Given; is: 'known' | 'unknown' }>([
    { name: 'one that can be true', given: { createdAt: daysAgo(9) }, is: 'known' },
    { name: 'none', given: { createdAt: undefined }, is: 'unknown' },
    { name: 'what builders write that want the same bytes again', given: { createdAt: 0 }, is: 'unknown' },
    { name: 'an index, whatever it says', given: { createdAt: daysAgo(9), children: ['b'] }, is: 'unknown' },
  ])('$name is $is', ({ given, is }) => {
    const platform = image('b', { createdAt: daysAgo(9) })
    for (const created of ['known', 'unknown'] as const)
      expect(holds({ created }, given, [platform])).toBe(created === is)
  })
})

it('holdsDigests looks at all that hangs on an image, digests at the image alone', () => {
  const digests = [text(digest('b'))]
  const others = [image('b')]
  expect(holds({ holdsDigests: digests }, { children: ['b'] }, others)).toBe(true)
  expect(holds({ holdsDigests: [text(digest('a'))] }, { children: ['b'] }, others)).toBe(true)
  expect(holds({ digests }, { children: ['b'] }, others)).toBe(false)
  expect(holds({ holdsDigests: digests }, {}, others)).toBe(false)
})

describe('state', () => {
  it.each<{ name: string; given: Given; is: string }>([
    { name: 'an image with all its children is complete', given: { children: ['p'] }, is: 'complete' },
    {
      name: 'an index that names what is not there misses children',
      given: { children: ['p', 'gone'] },
      is: 'missing-children',
    },
    { name: 'a referrer of what is gone is orphaned', given: { subject: 'gone' }, is: 'orphaned-referrer' },
    {
      name: 'an orphan that also misses children is orphaned',
      given: { subject: 'gone', children: ['gone'] },
      is: 'orphaned-referrer',
    },
  ])('$name', ({ given, is }) => {
    const context = contextOf([image('a', given), image('p')])
    const [row] = rowsOf(context)
    expect(row && stateOf(row, context.graph)).toBe(is)
    expect(row && matchesBlock({ state: [is as 'complete'] }, row, context)).toBe(true)
    expect(row && matchesBlock({ state: [] }, row, context)).toBe(false)
  })
})

it('tells stages of werf, its records and other images apart, where werf builds into the repository', () => {
  const stage = `${'a'.repeat(56)}-1718000000000`
  const other = image('o', { tags: ['pr-1'] })
  const ofWerf = [
    image('s', { tags: [stage], labels: { werf: 'demo', 'werf-stage-content-digest': 'a'.repeat(56) } }),
    image('r', { tags: ['managed-image-app'], labels: { werf: 'demo' } }),
    other,
  ]
  const kinds = (manifests: readonly ManifestRecord[]): readonly string[] => {
    const context = contextOf(manifests)
    return rowsOf(context).flatMap((row) =>
      (['stage', 'record', 'other'] as const).flatMap((werf) =>
        matchesBlock({ werf }, row, context) ? [`${labelOf(row.manifest.digest)} ${werf}`] : [],
      ),
    )
  }
  expect(kinds(ofWerf).toSorted()).toEqual(['o other', 'r record', 's stage'])
  expect(kinds([other])).toEqual([])
})

it('matchesAny says of an empty list what it is told, and of others whether one block holds', () => {
  const context = contextOf([image('a', { tags: ['x'] })])
  const [row] = rowsOf(context)
  if (row === undefined) throw new Error('no row')
  expect([matchesAny([], row, context, true), matchesAny([], row, context, false)]).toEqual([true, false])
  expect(matchesAny([tagged('y'), tagged('x')], row, context, false)).toBe(true)
  expect(matchesAny([tagged('y')], row, context, true)).toBe(false)
})

describe('matchingTags, from which versions and captures are read', () => {
  const tags = ['v1.0', 'v2.0', 'x'].map((name) => tag(name))
  it.each<{ name: string; block: MatchBlock | undefined; is: readonly string[] }>([
    { name: 'all of them without a block', block: undefined, is: ['v1.0', 'v2.0', 'x'] },
    {
      name: 'all of them when the block asks for no tag',
      block: { tagged: true },
      is: ['v1.0', 'v2.0', 'x'],
    },
    { name: 'those that match the pattern', block: tagged('v*'), is: ['v1.0', 'v2.0'] },
    { name: 'those in the range', block: { semver: compileRange('>=2') }, is: ['v2.0'] },
    { name: 'those that match both', block: { ...tagged('v*'), semver: compileRange('>=2') }, is: ['v2.0'] },
    {
      name: 'those that match either, when none matches both',
      block: { ...tagged('x'), semver: compileRange('>=2') },
      is: ['v2.0', 'x'],
    },
  ])('$name', ({ block, is }) => {
    expect(matchingTags(block, tags).map(({ name }) => name)).toEqual(is)
  })
})
