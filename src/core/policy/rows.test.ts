import { describe, expect, it } from 'vitest'
import { attachedTag, daysAgo, image, tag } from '../../../test/builders/images.ts'
import { contextOf, nameOf } from '../../../test/builders/verdicts.ts'
import { compareText, rowsOf } from './rows.ts'

const manifests = [
  image('b', { tags: ['2', '1'] }),
  image('a', { tags: ['z'] }),
  image('u'),
  image('i', { children: ['c'], tags: ['multi'] }),
  image('c', { createdAt: daysAgo(3) }),
  image('s', { tags: [attachedTag('a', 'sig')] }),
]

describe('rows', () => {
  it('are images in the order of digests, under unit: image', () => {
    expect(rowsOf(contextOf(manifests)).map((row) => nameOf(row, 'image'))).toEqual(['a', 'b', 'i', 'u'])
  })

  it('are tags in the order of digest and name, and images without tags, under unit: tag', () => {
    expect(rowsOf(contextOf(manifests, 'tag')).map((row) => nameOf(row, 'tag'))).toEqual([
      'a:z',
      'b:1',
      'b:2',
      'i:multi',
      'u',
    ])
  })

  it('are the same in whatever order the registry listed', () => {
    const names = rowsOf(contextOf(manifests.toReversed(), 'tag')).map((row) => nameOf(row, 'tag'))
    expect(names).toEqual(rowsOf(contextOf(manifests, 'tag')).map((row) => nameOf(row, 'tag')))
  })

  it('hold no attached tag: it is no name', () => {
    const orphan = [image('s', { tags: [attachedTag('gone', 'sig')] })]
    for (const unit of ['image', 'tag'] as const) expect(rowsOf(contextOf(orphan, unit))[0]?.tags).toEqual([])
  })

  it('have the times of what the image holds', () => {
    const row = rowsOf(contextOf(manifests)).find((each) => nameOf(each, 'image') === 'i')
    expect(row?.times.createdAt).toBe(daysAgo(3))
  })
})

describe('the time of a row under unit: tag', () => {
  const twoTags = [
    image('a', {
      pushedAt: daysAgo(5),
      tags: [tag('old', { pushedAt: daysAgo(9) }), tag('new', { pushedAt: daysAgo(1) })],
    }),
  ]

  it('is the newer of its own tag and the manifest', () => {
    expect(rowsOf(contextOf(twoTags, 'tag')).map((row) => row.times.pushedAt)).toEqual([
      daysAgo(1),
      daysAgo(5),
    ])
  })

  it('is the newest of all tags under unit: image', () => {
    expect(rowsOf(contextOf(twoTags)).map((row) => row.times.pushedAt)).toEqual([daysAgo(1)])
  })

  it('counts the push of an attached tag where the image has no other', () => {
    const [row] = rowsOf(
      contextOf([image('s', { tags: [tag(attachedTag('gone', 'sig'), { pushedAt: daysAgo(2) })] })], 'tag'),
    )
    expect(row?.times.pushedAt).toBe(daysAgo(2))
  })
})

it.each([
  ['a', 'b', -1],
  ['b', 'a', 1],
  ['a', 'a', 0],
  ['B', 'a', -1],
  ['10', '9', -1],
])('compares %s and %s by code units', (a, b, order) => {
  expect(compareText(a, b)).toBe(order)
})
