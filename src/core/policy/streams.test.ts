import { describe, expect, it } from 'vitest'
import { daysAgo, image, labelOf, pushedDaysAgo, tag } from '../../../test/builders/images.ts'
import { keep, rule, tagged } from '../../../test/builders/policies.ts'
import { contextOf } from '../../../test/builders/verdicts.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { clockOf, streamsOf } from './streams.ts'
import type { MatchBlock, OrderBy, Policy } from './policy.ts'
import { rowsOf } from './rows.ts'

interface Asked {
  readonly manifests: readonly ManifestRecord[]
  readonly by?: OrderBy
  readonly per?: string
  readonly match?: MatchBlock | readonly MatchBlock[]
  readonly unit?: Policy['unit']
  readonly count?: 'images' | 'tags'
}

/** By stream, the labels in order; rows in none under `unknown`. */
function streams({
  manifests,
  by = 'pushed',
  per,
  match = [],
  unit = 'image',
  count = 'tags',
}: Asked): unknown {
  const context = contextOf(manifests, unit)
  const rows = rowsOf(context)
  const effect = keep({ kind: 'all' }, { by, count, ...(per !== undefined && { per }) })
  const found = streamsOf(rule(effect, { match }), effect, rows, [...rows.keys()], context)
  const label = (position: number): string => labelOf(rows[position]?.manifest.digest ?? '')
  return {
    ...Object.fromEntries(
      [...found.streams].map(([name, all]) => [name, all.map(({ digest }) => labelOf(digest))]),
    ),
    ...(found.unknown.size > 0 && { unknown: [...found.unknown].map(label) }),
  }
}

const versions = [
  image('a', { tags: ['1.9.0'] }),
  image('b', { tags: ['v1.10.0', 'latest'] }),
  image('c', { tags: ['1.10.0-rc.1'] }),
  image('d', { tags: ['nightly'] }),
  image('e'),
]

describe('streamsOf', () => {
  it.each<Asked & { name: string; is: unknown }>([
    {
      name: 'the newest comes first',
      manifests: pushedDaysAgo({ a: 3, b: 1, c: 2 }),
      is: { '': ['b', 'c', 'a'] },
    },
    {
      name: 'a tie is settled by digest',
      manifests: pushedDaysAgo({ b: 1, c: 1, a: 1 }),
      is: { '': ['a', 'b', 'c'] },
    },
    {
      name: 'the undated is in no stream',
      manifests: pushedDaysAgo({ a: 3, b: undefined }),
      is: { '': ['a'], unknown: ['b'] },
    },
    {
      name: 'versions in their order; what spells none is unknown',
      manifests: versions,
      by: 'semver',
      is: { '': ['b', 'c', 'a'], unknown: ['d', 'e'] },
    },
    {
      name: 'names from the last; an image without one is unknown',
      manifests: versions,
      by: 'name',
      is: { '': ['b', 'd', 'a', 'c'], unknown: ['e'] },
    },
    {
      name: 'one stream for each part of a version',
      manifests: [...versions, image('f', { tags: ['1.9.3'] })],
      by: 'semver',
      per: '{major}.{minor}',
      is: { '1.10': ['b', 'c'], '1.9': ['f', 'a'], unknown: ['d', 'e'] },
    },
    {
      name: 'one stream for each capture of a pattern',
      manifests: [
        image('a', { tags: ['web-1'], pushedAt: daysAgo(2) }),
        image('b', { tags: ['web-2'], pushedAt: daysAgo(1) }),
        image('c', { tags: ['api-1'], pushedAt: daysAgo(3) }),
      ],
      per: '{1}',
      match: tagged('*-*'),
      is: { web: ['b', 'a'], api: ['c'] },
    },
    {
      name: 'an image with tags in two streams is in both',
      manifests: [image('a', { tags: ['1.2.0', '1.3.0'] }), image('b', { tags: ['1.3.1'] })],
      by: 'semver',
      per: '{major}.{minor}',
      is: { '1.2': ['a'], '1.3': ['b', 'a'] },
    },
    {
      name: 'of several tags in one stream the best counts',
      manifests: [image('a', { tags: ['1.0.0', '3.0.0'] }), image('b', { tags: ['2.0.0'] })],
      by: 'semver',
      is: { '': ['a', 'b'] },
    },
    {
      name: 'only tags that match are read',
      manifests: [image('a', { tags: ['v1.0.0', '9.0.0'] }), image('b', { tags: ['v2.0.0'] })],
      by: 'semver',
      match: tagged('v*'),
      is: { '': ['b', 'a'] },
    },
    {
      name: 'every block that matches names streams',
      manifests: [image('a', { tags: ['web-1', 'x.api'], pushedAt: daysAgo(1) })],
      per: '{1}',
      match: [tagged('*-1'), tagged('*.api')],
      is: { web: ['a'], x: ['a'] },
    },
  ])('$name', ({ is, ...asked }) => {
    expect(streams(asked)).toEqual(is)
  })

  const twins = [
    image('a', { tags: [tag('x', { pushedAt: daysAgo(1) }), tag('y', { pushedAt: daysAgo(3) })] }),
    image('b', { tags: [tag('z', { pushedAt: daysAgo(2) })] }),
  ]

  it('under unit: tag counts every tag', () => {
    expect(streams({ manifests: twins, unit: 'tag' })).toEqual({ '': ['a', 'b', 'a'] })
  })

  it('under unit: tag with count: images counts a digest once, where its best tag stands', () => {
    expect(streams({ manifests: twins, unit: 'tag', count: 'images' })).toEqual({ '': ['a', 'b'] })
  })

  it('settles a tie between tags of one digest by name', () => {
    const manifests = [image('a', { pushedAt: daysAgo(1), tags: ['y', 'x'] })]
    const context = contextOf(manifests, 'tag')
    const rows = rowsOf(context)
    const effect = keep({ kind: 'all' })
    const found = streamsOf(rule(effect), effect, rows, [1, 0], context)
    expect(found.streams.get('')?.map((each) => rows[each.rows[0] ?? -1]?.tags[0]?.name)).toEqual(['x', 'y'])
  })
})

it.each([
  ['pushed', 'pushed'],
  ['created', 'created'],
  ['pulled', 'pulled'],
  ['active', 'active'],
  ['semver', 'pushed'],
  ['name', 'pushed'],
] as const)('a rule ordered by %s reads ages from the clock %s', (by, clock) => {
  expect(clockOf(keep({ kind: 'all' }, { by }))).toBe(clock)
})
