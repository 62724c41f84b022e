import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  helmConfigMap,
  helmSecret,
  image,
  managed,
  release,
  encoded,
  renderedPod,
  type ReleaseFacts,
} from '../../../../test/fake-kubernetes/objects.ts'
import type { RegistryName } from '../../../core/image/names.ts'
import type { Extraction } from '../../../core/evidence/extract.ts'
import { helmReleases } from './helm-releases.ts'

function revision(number: number, status = 'superseded'): ReleaseFacts {
  return { name: 'app', revision: number, status, manifest: renderedPod('app', image(`app:${number}`)) }
}

function read(
  facts: readonly ReleaseFacts[],
  revisions: 'all' | number = 'all',
  names = managed,
): Extraction {
  const reader = helmReleases.open(names, { revisions })
  for (const each of facts) reader.add('Secret', helmSecret(each))
  return reader.result()
}

function images({ references }: Extraction): readonly string[] {
  return [...new Set(references.map(({ reference }) => reference))].toSorted()
}

describe('Helm releases', () => {
  it.each(['superseded', 'failed', 'uninstalled', 'pending-upgrade', 'deployed', 'unknown'])(
    'keep the images of a revision that is %s',
    (status) => {
      expect(images(read([revision(1, status)]))).toEqual([image('app:1')])
    },
  )

  it('keep the images of hooks and tests, and not those of values, which were not installed', () => {
    const hooks = [renderedPod('test', image('test:1'))]
    expect(images(read([{ ...revision(1), hooks }]))).toEqual([image('app:1'), image('test:1')])
  })

  it('say which revision keeps an image, and which of its objects', () => {
    const places = read([revision(7)]).references.map(({ where }) => where)
    expect(places).toContain('Helm release /app revision 7: Pod app')
  })

  it('are read from ConfigMaps as from Secrets', () => {
    const reader = helmReleases.open(managed, { revisions: 'all' })
    reader.add('ConfigMap', helmConfigMap(revision(1)))
    reader.add('ConfigMap', { metadata: { name: 'settings' }, data: { a: image('x:1') } })
    expect(images(reader.result())).toEqual([image('app:1')])
    expect(reader.result().objects).toBe(1)
  })

  it.each([
    { name: 'the newest one', revisions: 1, deployed: 5, kept: ['app:5'] },
    {
      name: 'the newest two, by number and not by name',
      revisions: 2,
      deployed: 11,
      kept: ['app:10', 'app:11'],
    },
    {
      name: 'the newest one and the one that is deployed',
      revisions: 1,
      deployed: 2,
      kept: ['app:11', 'app:2'],
    },
  ])('keep $name when only so many count', ({ revisions, deployed, kept }) => {
    const newest = Math.max(deployed, kept.some((each) => each === 'app:11') ? 11 : 0)
    const numbers = Array.from({ length: newest }, (_, i) => i + 1)
    const facts = numbers.map((number) => revision(number, number === deployed ? 'deployed' : 'superseded'))
    expect(images(read(facts, revisions))).toEqual(kept.map(image))
  })

  it('keep at least as much when more revisions count, in whatever order they are listed', () => {
    const someFacts = fc
      .uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 })
      .map((numbers) => numbers.map((each) => revision(each)))
    fc.assert(
      fc.property(someFacts, fc.integer({ min: 1, max: 6 }), (facts, count) => {
        const more = new Set(images(read(facts, count + 1)))
        const fewer = images(read(facts.toReversed(), count))
        expect(fewer).toHaveLength(Math.min(count, facts.length))
        expect(fewer.every((each) => more.has(each))).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('with YAML that nobody can parse are searched as text, and that is told', () => {
    const manifest = `---\nkind: [Pod\n  image: ${image('odd:1')}\n`
    const extraction = read([{ ...revision(1), manifest }])
    expect(images(extraction)).toEqual([image('odd:1')])
    expect(extraction.problems).toMatchObject([{ severity: 'warning' }])
  })

  it('with such YAML stop the plan where short names count, which text cannot tell from words', () => {
    const hub = {
      registries: [{ name: 'hub' as RegistryName, prefixes: ['docker.io'] }],
      tagsOf: () => new Set<string>(),
    }
    const manifest = '---\nkind: [Pod\n  image: nginx\n'
    expect(read([{ ...revision(1), manifest }], 'all', hub).problems).toMatchObject([
      { severity: 'incomplete' },
    ])
  })

  it('are taken apart into documents and lists, content after a separator included', () => {
    const list = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          kind: 'Pod',
          apiVersion: 'v1',
          metadata: { name: 'in-list' },
          spec: { containers: [{ image: image('list:1') }] },
        },
      ],
    })
    const manifest = `--- ${list}\n---\n# nothing\n---\n${renderedPod('b', image('b:2'))}`
    const extraction = read([{ ...revision(1), manifest }])
    expect(extraction.references.map(({ where }) => where)).toContain(
      'Helm release /app revision 1: Pod in-list',
    )
    expect(images(extraction)).toEqual([image('b:2'), image('list:1')])
  })

  it('that cannot be decoded stop the plan and are named, and the others still count', () => {
    const reader = helmReleases.open(managed, { revisions: 'all' })
    reader.add('Secret', helmSecret(revision(1), encoded({ name: 1 })))
    reader.add('Secret', helmSecret(revision(2), encoded(release(revision(2)))))
    const extraction = reader.result()
    expect(extraction.problems).toMatchObject([{ severity: 'incomplete', accept: undefined }])
    expect(extraction.problems[0]?.text).toContain('Helm release /app revision 1 cannot be read')
    expect(images(extraction)).toEqual([image('app:2')])
  })
})
