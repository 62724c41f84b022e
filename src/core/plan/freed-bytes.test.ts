import { expect, it } from 'vitest'
import { digest, image } from '../../../test/builders/images.ts'
import { inventory, repository } from '../../../test/builders/plans.ts'
import type { RepositoryInventory } from '../inventory/inventory.ts'
import { freedBytes } from './freed-bytes.ts'

const a = image('a', { sizeBytes: 1, config: { ca: 2 }, layers: { base: 100, la: 4 } })
const b = image('b', { sizeBytes: 8, config: { cb: 16 }, layers: { base: 100 } })

it.each<{
  name: string
  repositories: readonly RepositoryInventory[]
  going: Readonly<Record<string, readonly string[]>>
  freed: number
  apparent: number
}>([
  { name: 'nothing goes', repositories: [repository('x', [a, b])], going: {}, freed: 0, apparent: 0 },
  {
    name: 'a shared layer stays with the image that stays',
    repositories: [repository('x', [a, b])],
    going: { x: ['a'] },
    freed: 7,
    apparent: 107,
  },
  {
    name: 'a shared layer counts once when both go',
    repositories: [repository('x', [a, b])],
    going: { x: ['a', 'b'] },
    freed: 131,
    apparent: 231,
  },
  {
    name: 'a layer stays that another repository needs',
    repositories: [repository('x', [a]), repository('y', [b])],
    going: { x: ['a'] },
    freed: 7,
    apparent: 107,
  },
  {
    name: 'a manifest stays that another repository has',
    repositories: [repository('x', [a]), repository('y', [a])],
    going: { x: ['a'] },
    freed: 0,
    apparent: 107,
  },
  {
    name: 'and goes when both give it up, counted once',
    repositories: [repository('x', [a]), repository('y', [a])],
    going: { x: ['a'], y: ['a'] },
    freed: 107,
    apparent: 214,
  },
  {
    name: 'the config of one may be a layer of another that stays',
    repositories: [repository('x', [a, image('k', { layers: { ca: 2 } })])],
    going: { x: ['a'] },
    freed: 105,
    apparent: 107,
  },
  {
    name: 'a child that an index elsewhere names is not freed',
    repositories: [repository('x', [a]), repository('y', [image('i', { children: ['a'] })])],
    going: { x: ['a'] },
    freed: 106,
    apparent: 107,
  },
])('$name', ({ repositories, going, freed, apparent }) => {
  const digests = new Map(
    Object.entries(going).map(([name, labels]) => [repository(name, []).name, new Set(labels.map(digest))]),
  )
  expect(freedBytes(inventory(repositories), digests)).toEqual({ freed, apparent })
})
