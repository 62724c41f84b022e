import { describe, expect, it } from 'vitest'
import { googlePlace, otherGoogleNames, splitProject } from './google-names.ts'

describe('otherGoogleNames', () => {
  it.each([
    ['gcr.io/shop/web', ['us-docker.pkg.dev/shop/gcr.io/web']],
    ['us.gcr.io/shop/web', ['us-docker.pkg.dev/shop/us.gcr.io/web']],
    ['eu.gcr.io/shop/team/web', ['europe-docker.pkg.dev/shop/eu.gcr.io/team/web']],
    ['asia.gcr.io/shop/web', ['asia-docker.pkg.dev/shop/asia.gcr.io/web']],
    ['us-docker.pkg.dev/shop/gcr.io/web', ['gcr.io/shop/web']],
    ['us-docker.pkg.dev/shop/us.gcr.io/team/web', ['us.gcr.io/shop/team/web']],
    ['europe-docker.pkg.dev/shop/eu.gcr.io/web', ['eu.gcr.io/shop/web']],
    ['gcr.io/example.com/shop/web', ['us-docker.pkg.dev/example.com/shop/gcr.io/web']],
    ['us-docker.pkg.dev/example.com/shop/gcr.io/web', ['gcr.io/example.com/shop/web']],
  ])('%s is also known as %j', (name, others) => {
    expect(otherGoogleNames(name)).toEqual(others)
  })

  it.each([
    'us-docker.pkg.dev/shop/apps/web',
    // The repository of another host lies in another location.
    'europe-docker.pkg.dev/shop/gcr.io/web',
    'us-central1-docker.pkg.dev/shop/gcr.io/web',
    'us-docker.pkg.dev/shop/gcr.io-copy/web',
    'mirror.gcr.io/library/busybox',
    'registry.example.com/shop/gcr.io/web',
  ])('%s has no other name', (name) => {
    expect(otherGoogleNames(name)).toEqual([])
  })

  it.each([
    ['gcr.io', ['us-docker.pkg.dev']],
    ['gcr.io/shop', ['us-docker.pkg.dev/shop/gcr.io']],
    ['us-docker.pkg.dev', ['gcr.io', 'us.gcr.io']],
    ['us-docker.pkg.dev/shop', ['gcr.io/shop', 'us.gcr.io/shop']],
    ['us-docker.pkg.dev/shop/gcr.io', ['gcr.io/shop']],
    ['us-docker.pkg.dev/shop/apps', []],
    ['us-central1-docker.pkg.dev', []],
  ])('what begins with %s may also begin with %j', (name, others) => {
    expect(otherGoogleNames(name)).toEqual(others)
  })
})

it('tells what a host serves', () => {
  expect(googlePlace('eu.gcr.io')).toEqual({ location: 'europe', repository: 'eu.gcr.io' })
  expect(googlePlace('us-central1-docker.pkg.dev')).toEqual({
    location: 'us-central1',
    repository: undefined,
  })
  expect(googlePlace('mirror.gcr.io')).toBeUndefined()
  expect(googlePlace('docker.pkg.dev')).toBeUndefined()
})

it('splits a project within a domain off in one piece', () => {
  expect(splitProject('example.com/shop/web')).toEqual({ project: 'example.com/shop', rest: 'web' })
  expect(splitProject('shop/team/web')).toEqual({ project: 'shop', rest: 'team/web' })
  expect(splitProject('shop')).toEqual({ project: 'shop', rest: '' })
})
