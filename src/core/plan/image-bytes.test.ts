import { describe, expect, it } from 'vitest'
import { image } from '../../../test/builders/images.ts'
import { buildGraph } from '../image/graph.ts'
import type { ManifestRecord } from '../inventory/inventory.ts'
import { addBlobs, apparentBytes, imageBytes, sum } from './image-bytes.ts'

const bytesOf = (...manifests: readonly ManifestRecord[]): number => imageBytes(buildGraph(manifests), 0)

describe('bytes of an image', () => {
  it.each<{ name: string; manifests: readonly ManifestRecord[]; bytes: number }>([
    {
      name: 'manifest, config and layer',
      manifests: [image('a', { sizeBytes: 1, config: { c: 2 }, layers: { l: 4 } })],
      bytes: 7,
    },
    { name: 'nothing known is nothing', manifests: [image('a')], bytes: 0 },
    {
      name: 'an unknown manifest size counts as nothing',
      manifests: [image('a', { layers: { l: 4, m: 8 } })],
      bytes: 12,
    },
    {
      name: 'a layer that two platforms share, once',
      manifests: [
        image('i', { sizeBytes: 1, children: ['p', 'q'] }),
        image('p', { sizeBytes: 2, layers: { l: 100 } }),
        image('q', { sizeBytes: 4, layers: { l: 100, m: 8 } }),
      ],
      bytes: 115,
    },
    {
      name: 'signatures belong to it',
      manifests: [
        image('a', { sizeBytes: 1 }),
        image('s', { subject: 'a', sizeBytes: 2, layers: { sig: 4 } }),
      ],
      bytes: 7,
    },
  ])('$name', ({ manifests, bytes }) => {
    expect(bytesOf(...manifests)).toBe(bytes)
  })

  it('counts a layer once that a manifest names twice', () => {
    const once = image('a', { layers: { l: 4 } })
    expect(bytesOf({ ...once, layers: [...once.layers, ...once.layers] })).toBe(4)
  })

  it('are nothing for a node that is not there', () => {
    expect(imageBytes(buildGraph([]), 3)).toBe(0)
  })
})

it('apparentBytes counts all that a manifest names, shared or not', () => {
  const once = image('a', { sizeBytes: 1, config: { c: 2 }, layers: { l: 4 } })
  expect(apparentBytes({ ...once, layers: [...once.layers, ...once.layers] })).toBe(11)
})

it('addBlobs adds manifest, config and layers, and nothing for nothing', () => {
  const sizes = new Map<ManifestRecord['digest'], number>()
  addBlobs(undefined, sizes)
  expect(sizes.size).toBe(0)
  addBlobs(image('a', { config: { c: 2 }, layers: { l: 4 } }), sizes)
  expect(sum(sizes.values())).toBe(6)
  expect(sizes.size).toBe(3)
})
