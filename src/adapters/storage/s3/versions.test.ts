import { describe, expect, it } from 'vitest'
import { layersOf, newestFirst, type Version } from './versions.ts'

/** `V3!` is a version of time 3 and the latest; `M2` a marker. Versions first, as servers list them. */
function listed(...texts: readonly string[]): readonly Version[] {
  const versions = texts.map((text) => ({
    name: 'n',
    versionId: text.replace('!', ''),
    isMarker: text.startsWith('M'),
    isLatest: text.endsWith('!'),
    modifiedAt: Number(/\d+/.exec(text)?.[0]),
  }))
  return [...versions.filter(({ isMarker }) => !isMarker), ...versions.filter(({ isMarker }) => isMarker)]
}

const ids = (versions: readonly Version[] | undefined): string | undefined =>
  versions?.map(({ versionId }) => versionId).join(' ')

describe('the order of versions', () => {
  it.each([
    { name: 'nothing', given: [], order: '' },
    { name: 'a file', given: ['V1!'], order: 'V1' },
    { name: 'a file that was overwritten in the same second', given: ['V1b!', 'V1a'], order: 'V1b V1a' },
    { name: 'a file set aside in the second it was made', given: ['V1', 'M1!'], order: 'M1 V1' },
    { name: 'a newer file over one set aside', given: ['V3!', 'V1', 'M2'], order: 'V3 M2 V1' },
    {
      name: 'the same, uploaded in the second of setting aside',
      given: ['V2!', 'V1', 'M2'],
      order: 'V2 M2 V1',
    },
    { name: 'set aside twice', given: ['V3', 'V1', 'M4!', 'M2'], order: 'M4 V3 M2 V1' },
  ])('is plain for $name', ({ given, order }) => {
    expect(ids(newestFirst(listed(...given), true))).toBe(order)
  })

  it('is asked for where times do not tell it', () => {
    expect(newestFirst(listed('V2', 'V1', 'M3!', 'M2'), true)).toBeUndefined()
    expect(newestFirst(listed('V3!', 'V1', 'M2'), false)).toBeUndefined()
    expect(ids(newestFirst(listed('V1', 'M2!'), false))).toBe('M2 V1')
  })
})

describe('layers', () => {
  it.each([
    { name: 'nothing', order: [], isInPlace: false, layers: [], empty: '' },
    { name: 'a file', order: ['V1'], isInPlace: true, layers: [], empty: '' },
    {
      name: 'a file overwritten, never set aside',
      order: ['V2', 'V1'],
      isInPlace: true,
      layers: [],
      empty: '',
    },
    { name: 'a file set aside', order: ['M2', 'V1'], isInPlace: false, layers: ['M2 | V1'], empty: '' },
    {
      name: 'two markers, of a call that was repeated',
      order: ['M3', 'M2', 'V1'],
      isInPlace: false,
      layers: ['M3 M2 | V1'],
      empty: '',
    },
    { name: 'a newer file', order: ['V3', 'M2', 'V1'], isInPlace: true, layers: ['M2 | V1'], empty: '' },
    {
      name: 'what was overwritten above a marker',
      order: ['V4', 'V3', 'M2', 'V1'],
      isInPlace: true,
      layers: ['M2 | V1'],
      empty: '',
    },
    {
      name: 'set aside twice',
      order: ['M4', 'V3', 'M2', 'V1'],
      isInPlace: false,
      layers: ['M4 | V3', 'M2 | V1'],
      empty: '',
    },
    { name: 'a marker over nothing', order: ['M1'], isInPlace: false, layers: [], empty: 'M1' },
    { name: 'a marker left below', order: ['V2', 'M1'], isInPlace: true, layers: [], empty: 'M1' },
  ])('are told for $name', ({ order, isInPlace, layers, empty }) => {
    const sorted = order.flatMap((text) => listed(text))
    const found = layersOf(sorted)
    expect(found.isInPlace).toBe(isInPlace)
    expect(found.layers.map(({ markers, hidden }) => `${ids(markers)} | ${ids(hidden)}`)).toEqual(layers)
    expect(ids(found.emptyMarkers)).toBe(empty)
  })
})
