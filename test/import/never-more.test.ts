/**
 * Policies whose meaning is easily taken for more than it is: what their system keeps stays after the import, too. Each
 * stands here with the images that tell the two apart.
 */
import { describe, expect, it } from 'vitest'
import { daysAgo, image, tag } from '../builders/images.ts'
import { importText, planManifests } from './plan-in-process.ts'

const step = (action: string, inputs: readonly string[]): string =>
  ['jobs:', '  a:', '    steps:', `      - uses: ${action}@v1`, '        with:', ...inputs]
    .map((line, at) => (at > 4 ? `          ${line}` : line))
    .join('\n')
const ghcr = (...inputs: string[]): string =>
  importText(
    'ghcr-cleanup-action',
    step('dataaxiom/ghcr-cleanup-action', ['owner: octo', 'package: app', ...inputs]),
  ).yaml

describe('ghcr-cleanup-action', () => {
  const worlds = [
    image('bare', { pushedAt: daysAgo(40) }),
    image('a', { tags: ['v1'], pushedAt: daysAgo(40) }),
  ]

  it.each(['delete-ghost-images', 'delete-partial-images', 'delete-orphaned-images'])(
    '%s alone leaves untagged images',
    (input) => {
      expect(planManifests(ghcr(`${input}: "true"`), 'octo/app', worlds).images).toEqual(new Set())
    },
  )

  it('takes untagged images when nothing is asked for', () => {
    expect(planManifests(ghcr(), 'octo/app', worlds).images).toEqual(new Set(['bare']))
    const off = ghcr('delete-partial-images: "false"')
    expect(planManifests(off, 'octo/app', worlds).images).toEqual(new Set(['bare']))
  })

  it('takes a blank after a comma of delete-tags for a part of the name', () => {
    const images = ['v1', 'dev-1', 'x'].map((name) => image(name, { tags: [name], pushedAt: daysAgo(9) }))
    const gone = (...inputs: string[]) => planManifests(ghcr(...inputs), 'octo/app', images).tags
    expect(gone('delete-tags: " dev-*, v1* "')).toEqual(new Set(['dev-1']))
    expect(gone('delete-tags: "a b"')).toEqual(new Set())
    expect(gone('delete-tags: "a b"', 'exclude-tags: x')).toEqual(new Set())
    expect(gone('delete-tags: "*"', 'exclude-tags: "x, v1"')).toEqual(new Set(['dev-1']))
  })

  it.each(['^(v)?[a-z0-9:.]+$', '^(v)*.*', '^(v){0}sha.*', '^v?sha', ' ^sha '])(
    'excludes by %s images that only their digest names',
    (expression) => {
      const yaml = ghcr('delete-untagged: "true"', 'use-regex: "true"', `exclude-tags: "${expression}"`)
      expect(planManifests(yaml, 'octo/app', worlds).images).toEqual(new Set())
    },
  )

  it.each([['keep-n-untagged: 1', 'delete-untagged: true'], ['tags: a', 'delete-tags: b'], ['packages: b']])(
    '%s %s: what the action refuses is refused',
    (...inputs) => {
      expect(() => ghcr(...inputs)).toThrow('the action refuses that')
    },
  )

  it('takes keep-n-untagged beside delete-untagged: false', () => {
    expect(ghcr('keep-n-untagged: 1', 'delete-untagged: false')).toContain('beyondNewest: 1')
  })
})

describe('gitlab', () => {
  it.each([
    ['(?i)main|v.*', ['V1', 'v2', 'MAIN-1']],
    ['main|(?i)rel.*|prod', ['REL-1', 'PROD', 'main']],
    ['(?i)a|(?-i)b|c', ['A', 'b', 'c']],
    [String.raw`a\Q)\E|v.*`, ['v1', 'xv1']],
    ['(?:(?i)x)|y', ['X', 'y']],
  ])('name_regex_keep %s keeps all that it keeps there', (expression, kept) => {
    const policy = { enabled: true, name_regex_delete: '.*', name_regex_keep: expression, older_than: '7d' }
    const { yaml } = importText('gitlab', JSON.stringify(policy))
    const images = [...kept, 'other', 'B', 'C', 'Y'].map((name, at) =>
      image(`i${at}`, { tags: [tag(name, { pushedAt: daysAgo(40) })], pushedAt: daysAgo(40) }),
    )
    const { tags } = planManifests(yaml, 'group/app', images)
    expect(kept.filter((name) => tags.has(name))).toEqual([])
    // What the flag does not reach goes.
    expect(tags.has('other')).toBe(true)
    if (expression.includes('(?-i)')) expect(tags.has('B') && tags.has('C')).toBe(true)
    if (expression.includes('(?:')) expect(tags.has('Y')).toBe(true)
  })
})

describe('docker-registry-pruner', () => {
  const pruner = (rule: string): string =>
    importText(
      'tumblr-docker-registry-pruner',
      `registry: https://foo.bar\nrules:\n  - {repos: [a], ${rule}}\n`,
    ).yaml

  it('keep_versions leaves commits alone, and gives them no place', () => {
    const images = ['20240101', 'abcdef0', 'v1.0', 'v1.1', '123'].map((name) => image(name, { tags: [name] }))
    const { tags } = planManifests(pruner('keep_versions: 1'), 'a', images)
    expect(tags).toEqual(new Set(['v1.0', 'v1.1']))
  })

  it('keep_days wants a whole minute more', () => {
    const ages = [2, 2 + 59 / 86_400, 2 + 61 / 86_400]
    const images = ages.map((age, at) => image(`i${at}`, { tags: [`t${at}`], pushedAt: daysAgo(age) }))
    expect(planManifests(pruner('keep_days: 2'), 'a', images).tags).toEqual(new Set(['t2']))
  })
})

describe('gar', () => {
  const webKept = (...more: object[]): string =>
    importText(
      'gar',
      JSON.stringify([
        { name: 'del', action: { type: 'Delete' }, condition: { tagState: 'any', olderThan: '30d' } },
        {
          name: 'web',
          action: { type: 'Keep' },
          mostRecentVersions: { packageNamePrefixes: ['web'], keepCount: 2 },
        },
        ...more,
      ]),
    ).yaml
  const images = ['a', 'b', 'c'].map((label, at) => image(label, { pushedAt: daysAgo(40 + at) }))

  it.each([
    'p/r/web',
    'p/r/web/sub',
    'p/r/webapp/x/y',
    'example.com/p/r/web',
    'example.com/p/r/webapp/x',
    'example.com/p/web',
    'p/web',
    'web',
    'web/sub',
    'web/a/b',
    'web/a/b/c',
  ])('a keep policy of packages reaches %s', (repository) => {
    expect(planManifests(webKept(), repository, images).images).toEqual(new Set(['c']))
  })

  it('leaves other packages to the others', () => {
    const all = new Set(['a', 'b', 'c'])
    expect(planManifests(webKept(), 'p/r/other', images).images).toEqual(all)
    expect(planManifests(webKept(), 'example.com/p/r/other', images).images).toEqual(all)
  })

  it('takes no repository or project for a package that a delete policy names', () => {
    const deleted = importText(
      'gar',
      JSON.stringify([
        {
          name: 'del',
          action: { type: 'Delete' },
          condition: { tagState: 'any', packageNamePrefixes: ['tmp'] },
        },
      ]),
    ).yaml
    for (const repository of ['example.com/p/tmp/web', 'tmp/web', 'p/tmp/web', 'tmp/r/web'])
      expect(planManifests(deleted, repository, images).images, repository).toEqual(new Set())
    for (const repository of ['example.com/p/r/tmp', 'p/r/tmp/web', 'tmp'])
      expect(planManifests(deleted, repository, images).images.size, repository).toBe(3)
  })
})

describe('counts by a time that is not known here', () => {
  const dpv = (inputs: readonly string[]): string => step('actions/delete-package-versions', inputs)
  const snok = (inputs: readonly string[]): string =>
    step('snok/container-retention-policy', ['account: o', 'image-names: a', 'cut-off: 1d', ...inputs])

  it.each([
    ['acr-purge', "acr purge --registry r --filter 'a:^v' --ago 1d --keep 1\n"],
    ['snok', snok(['keep-n-most-recent: 1'])],
    ['delete-package-versions', dpv(['owner: o', 'package-name: a', 'min-versions-to-keep: 1'])],
  ])('%s warns that others may be deleted', (system, text) => {
    expect(importText(system, text).warnings.join(' ')).toContain('may be deleted than there')
  })

  it.each([
    ['acr-purge', "acr purge --registry r --filter 'a:^v' --ago 1d --keep 0\n"],
    ['snok', snok([])],
  ])('%s does not where nothing is counted', (system, text) => {
    expect(importText(system, text).warnings.join(' ')).not.toContain('may be deleted than there')
  })
})

describe('keeps that may name a single platform', () => {
  const keep = (condition: object): string =>
    JSON.stringify([{ name: 'k', action: { type: 'Keep' }, condition }])

  it.each([
    ['gar', keep({ tagState: 'any', versionNamePrefixes: ['sha256:ab'] })],
    ['gar', keep({ tagState: 'untagged' })],
    [
      'delete-package-versions',
      step('actions/delete-package-versions', [
        'owner: o',
        'package-name: a',
        'min-versions-to-keep: 1',
        'ignore-versions: sha256:ab',
      ]),
    ],
  ])('%s warns that a platform goes with its index', (system, text) => {
    expect(importText(system, text).warnings.join(' ')).toContain('goes with its index')
  })

  it('gar does not warn of keeps by tag', () => {
    expect(importText('gar', keep({ tagState: 'tagged' })).warnings.join(' ')).not.toContain('its index')
  })
})

describe('gcr-cleaner', () => {
  const { yaml, warnings } = importText(
    'gcr-cleaner',
    "gcr-cleaner-cli -repo gcr.io/p/app -keep 1 -tag-filter-any '.*'\n",
  )
  const gone = (images: Parameters<typeof planManifests>[2]): ReadonlySet<string> =>
    planManifests(yaml, 'p/app', images).images

  it.each([
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
  ])('-keep sets an index (%s) in its place by upload', (mediaType) => {
    const platform = image('platform', { pushedAt: daysAgo(1), createdAt: daysAgo(100) })
    const single = image('single', { tags: ['a'], pushedAt: daysAgo(50), createdAt: daysAgo(50) })
    const index = (label: string, days: number, createdAt?: number) =>
      image(label, { tags: [label], pushedAt: daysAgo(days), createdAt, mediaType, children: ['platform'] })
    expect(gone([index('multi', 1), platform, single])).toEqual(new Set())
    expect(gone([index('multi', 1, 0), platform, single])).toEqual(new Set())
    expect(gone([index('new', 1), index('old', 2), platform, single])).toEqual(new Set(['old']))
  })

  it('-keep warns that indexes are counted apart', () => {
    expect(warnings.join(' ')).toContain('counted apart')
  })
})
