import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encoded, helmConfigMap, helmSecret, release } from '../../../../test/fake-kubernetes/objects.ts'
import { decodeRelease } from './release-payload.ts'
import { recogniseRelease } from './stored-release.ts'

const facts = { name: 'app', revision: 3, manifest: '---\nkind: Pod\n', hooks: ['kind: Job\n'] }

describe('a stored release', () => {
  it.each([
    {
      name: 'in a Secret',
      storage: 'Secret' as const,
      payload: Buffer.from(encoded(release(facts))).toString('base64'),
    },
    { name: 'in a ConfigMap', storage: 'ConfigMap' as const, payload: encoded(release(facts)) },
    {
      name: 'of an old Helm, without gzip',
      storage: 'ConfigMap' as const,
      payload: encoded(release(facts), { gzip: false }),
    },
  ])('$name gives its manifest and its hooks', ({ storage, payload }) => {
    expect(decodeRelease(storage, payload)).toMatchObject({ manifest: facts.manifest, hooks: facts.hooks })
  })

  it.each([
    { name: 'without a payload', payload: undefined, says: /no data\.release/ },
    { name: 'that is not base64', payload: '?!', says: /not base64/ },
    {
      name: 'whose gzip is cut off',
      payload: gzipSync(randomBytes(999)).subarray(0, 500).toString('base64'),
      says: /damaged/,
    },
    { name: 'that is not JSON', payload: gzipSync('not json').toString('base64'), says: /not JSON/ },
    { name: 'that is JSON of something else', payload: encoded({ a: 1 }), says: /not a release/ },
    { name: 'whose manifest is no text', payload: encoded({ name: 'a', manifest: 1 }), says: /not text/ },
    { name: 'whose hooks are no list', payload: encoded({ name: 'a', hooks: {} }), says: /not a list/ },
    {
      name: 'with a hook that is none',
      payload: encoded({ name: 'a', hooks: ['x'] }),
      says: /hooks has no text/,
    },
    {
      name: 'that unpacks beyond the limit',
      payload: gzipSync(Buffer.alloc(129 * 1024 * 1024)).toString('base64'),
      says: /more than 128 MiB/,
    },
  ])('$name is refused', ({ payload, says }) => {
    expect(() => decodeRelease('ConfigMap', payload)).toThrow(says)
  })

  it('is never half read: any cut of a payload is refused', () => {
    const payload = encoded(release(facts))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: payload.length - 5 }), (length) => {
        expect(() => decodeRelease('ConfigMap', payload.slice(0, length))).toThrow()
      }),
    )
  })
})

describe('an object of the cluster', () => {
  const secret = helmSecret(facts)
  it.each([
    { name: 'a Secret of Helm', kind: 'Secret' as const, object: secret, expected: 'release' },
    {
      name: 'a ConfigMap of Helm',
      kind: 'ConfigMap' as const,
      object: helmConfigMap(facts),
      expected: 'release',
    },
    {
      name: 'a Secret of Helm that lost its labels',
      kind: 'Secret' as const,
      object: { ...secret, metadata: { name: secret.metadata.name } },
      expected: 'release',
    },
    {
      name: 'a Secret of Helm restored as Opaque',
      kind: 'Secret' as const,
      object: { ...secret, type: 'Opaque' },
      expected: 'release',
    },
    {
      name: 'a Secret of a newer type',
      kind: 'Secret' as const,
      object: { ...secret, type: 'helm.sh/release.v2' },
      expected: 'unknown-format',
    },
    {
      name: 'a ConfigMap of a newer name',
      kind: 'ConfigMap' as const,
      object: { metadata: { name: 'sh.helm.release.v2.app.v1' } },
      expected: 'unknown-format',
    },
    {
      name: 'a Secret of a chart',
      kind: 'Secret' as const,
      object: {
        type: 'Opaque',
        metadata: { name: 'db', labels: { owner: 'helm' } },
        data: { password: 'x' },
      },
      expected: 'foreign',
    },
    { name: 'nothing at all', kind: 'Secret' as const, object: null, expected: 'foreign' },
  ])('that is $name is $expected', ({ kind, object, expected }) => {
    expect(recogniseRelease(kind, object).kind).toBe(expected)
  })

  it('says where it stands, whatever tells its revision', () => {
    const { labels: _labels, ...bare } = secret.metadata
    const found = recogniseRelease('Secret', { ...secret, metadata: { ...bare, namespace: 'shop' } })
    expect(found).toMatchObject({
      release: { id: 'shop/app', revision: 3, where: 'Helm release shop/app revision 3' },
    })
  })
})
