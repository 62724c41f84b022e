import { describe, expect, it } from 'vitest'
import { repositoryName } from '../../../test/builders/images.ts'
import { prod } from '../../../test/builders/plans.ts'
import type { RegistryName } from '../image/names.ts'
import { brokenLimits, type RegistryCount, type RepositoryCount } from './limits.ts'

const none = { maxDeletions: Infinity, maxShare: 1, minSurvivors: 0 }

function count(given: Partial<RegistryCount>): RegistryCount {
  return { registry: prod, governed: 0, deleted: 0, repositories: [], ...given }
}

function left(taggedBefore: number, taggedAfter: number): RepositoryCount {
  return { repository: repositoryName('team/app'), taggedBefore, taggedAfter }
}

describe('maxDeletions', () => {
  it.each([
    { name: 'below is allowed', deleted: 9, broken: 0 },
    { name: 'exactly at it is allowed', deleted: 10, broken: 0 },
    { name: 'one more is not', deleted: 11, broken: 1 },
  ])('$name', ({ deleted, broken }) => {
    expect(
      brokenLimits([count({ deleted })], { ...none, maxShare: Infinity, maxDeletions: 10 }),
    ).toHaveLength(broken)
  })

  it('counts a run, not a registry', () => {
    const two = [
      count({ deleted: 6, governed: 9 }),
      count({ registry: 'lab' as RegistryName, deleted: 5, governed: 9 }),
    ]
    expect(brokenLimits(two, { ...none, maxDeletions: 10 })).toMatchObject([
      {
        key: 'maxDeletions',
        text: 'The plan deletes 11 images, and limits.maxDeletions allows 10 in one run.',
      },
    ])
  })

  it('of 0 forbids the first deletion, and no deletion breaks nothing', () => {
    expect(brokenLimits([count({ deleted: 1, governed: 9 })], { ...none, maxDeletions: 0 })).toMatchObject([
      { text: 'The plan deletes 1 image, and limits.maxDeletions allows 0 in one run.' },
    ])
    expect(brokenLimits([count({ governed: 9 })], { ...none, maxDeletions: 0 })).toEqual([])
  })
})

describe('maxShare', () => {
  it.each([
    { name: 'exactly at it is allowed', deleted: 3, governed: 10, maxShare: 0.3, broken: 0 },
    {
      name: 'exactly at a share that binary numbers cannot say',
      deleted: 7,
      governed: 70,
      maxShare: 0.1,
      broken: 0,
    },
    { name: 'one more is not', deleted: 4, governed: 10, maxShare: 0.3, broken: 1 },
    { name: 'everything is allowed by 100%', deleted: 10, governed: 10, maxShare: 1, broken: 0 },
    { name: 'nothing is allowed by 0%', deleted: 1, governed: 1000, maxShare: 0, broken: 1 },
    { name: 'an empty registry has no share', deleted: 0, governed: 0, maxShare: 0, broken: 0 },
  ])('$name', ({ deleted, governed, maxShare, broken }) => {
    expect(brokenLimits([count({ deleted, governed })], { ...none, maxShare })).toHaveLength(broken)
  })

  it('counts each registry for itself', () => {
    const two = [
      count({ deleted: 4, governed: 10 }),
      count({ registry: 'lab' as RegistryName, governed: 90 }),
    ]
    expect(brokenLimits(two, { ...none, maxShare: 0.3 })).toEqual([
      {
        key: 'maxShare',
        registry: 'prod',
        repository: undefined,
        text: 'The plan deletes 4 of the 10 governed images of prod (40%), and limits.maxShare allows 30%.',
      },
    ])
  })
})

describe('minSurvivors', () => {
  it.each([
    { name: 'exactly as many are left', repository: left(3, 2), broken: 0 },
    { name: 'one fewer is left', repository: left(3, 1), broken: 1 },
    { name: 'it was smaller before and loses nothing', repository: left(1, 1), broken: 0 },
    { name: 'it was smaller before and loses one', repository: left(1, 0), broken: 1 },
    { name: 'it never had a tagged image', repository: left(0, 0), broken: 0 },
  ])('$name', ({ repository, broken }) => {
    expect(brokenLimits([count({ repositories: [repository] })], { ...none, minSurvivors: 2 })).toHaveLength(
      broken,
    )
  })

  it('names the repository and the key', () => {
    expect(brokenLimits([count({ repositories: [left(3, 0)] })], { ...none, minSurvivors: 1 })).toEqual([
      {
        key: 'minSurvivors',
        registry: 'prod',
        repository: 'team/app',
        text: 'The plan leaves 0 of 3 tagged images in team/app, and limits.minSurvivors wants 1 left.',
      },
    ])
  })

  it('is switched off by 0', () => {
    expect(brokenLimits([count({ repositories: [left(3, 0)] })], none)).toEqual([])
  })
})

it('tells every limit that is broken', () => {
  const all = count({ deleted: 3, governed: 3, repositories: [left(3, 0)] })
  const broken = brokenLimits([all], { maxDeletions: 1, maxShare: 0.3, minSurvivors: 1 })
  expect(broken.map(({ key }) => key)).toEqual(['maxDeletions', 'maxShare', 'minSurvivors'])
})
