/**
 * Policies whose meaning is easily taken for more than it is: what their system keeps stays after the import, too. Each
 * stands here with the images that tell the two apart.
 */
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { daysAgo, digest, image, tag } from '../builders/images.ts'
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

describe('counts by a time of its own', () => {
  const github = [
    image('old', { tags: ['v1'], uploadedAt: daysAgo(30), pushedAt: daysAgo(2) }),
    image('new', { tags: ['v2'], uploadedAt: daysAgo(10), pushedAt: daysAgo(10) }),
  ]
  const dpv = step('actions/delete-package-versions', [
    'owner: o',
    'package-name: a',
    'min-versions-to-keep: 1',
  ])
  const snok = (clock: string): string =>
    step('snok/container-retention-policy', [
      'account: o',
      'image-names: a',
      'cut-off: 1d',
      'keep-n-most-recent: 1',
      `timestamp-to-use: ${clock}`,
    ])

  it.each([
    ['delete-package-versions', dpv, 'old'],
    ['snok', snok('created_at'), 'old'],
    ['snok', snok('updated_at'), 'new'],
  ])('%s orders versions as GitHub dates them', (system, text, gone) => {
    expect(planManifests(importText(system, text).yaml, 'o/a', github).images).toEqual(new Set([gone]))
  })

  it('acr purge orders tags by their own time, whatever became of their manifest', () => {
    const touched = image('touched', { tags: [tag('v1', { pushedAt: daysAgo(30) })], pushedAt: daysAgo(2) })
    const other = image('other', { tags: [tag('v2', { pushedAt: daysAgo(10) })], pushedAt: daysAgo(10) })
    const { yaml } = importText('acr-purge', "acr purge --registry r --filter 'a:^v' --ago 1d --keep 1\n")
    expect(planManifests(yaml, 'a', [touched, other]).tags).toEqual(new Set(['v1']))
  })

  it('acr purge --untagged-only lets go of no image on which something young hangs', () => {
    const index = image('index', { pushedAt: daysAgo(30), children: ['young'] })
    const old = image('old', { pushedAt: daysAgo(30) })
    const { yaml } = importText('acr-purge', 'acr purge --registry r --untagged-only --ago 7d\n')
    for (const days of [2, 20]) {
      const world = [index, old, image('young', { pushedAt: daysAgo(days) })]
      expect(planManifests(yaml, 'a', world).images).toEqual(new Set(days < 7 ? ['old'] : ['old', 'index']))
    }
  })
})

describe('ghcr-cleanup-action: platforms with tags of their own', () => {
  const world = [
    image('index', { tags: ['latest'], pushedAt: daysAgo(100), children: ['amd64', 'arm64'] }),
    image('amd64', { tags: ['amd64'], pushedAt: daysAgo(50) }),
    image('arm64', { tags: ['arm64'], pushedAt: daysAgo(50) }),
    image('single', { tags: ['v1'], pushedAt: daysAgo(80) }),
  ]

  it.each([
    ['take no places of keep-n-tagged', 'keep-n-tagged: "2"', []],
    ['are not what delete-tags speaks of', 'delete-tags: "a*64"', []],
    ['leave the count to images', 'keep-n-tagged: "1"', ['index']],
  ])('%s', (_, input, expected) => {
    const { images, tags } = planManifests(ghcr(input), 'octo/app', world)
    expect([...images]).toEqual(expected)
    expect([...tags]).toEqual(expected.length === 0 ? [] : ['latest'])
  })
})

it('zot leaves a tag of which it has no times, whatever its groups say', () => {
  const policies = [{ repositories: ['**'], keepTags: [{ patterns: ['^v1'] }] }]
  const { yaml } = importText(
    'zot',
    JSON.stringify({ storage: { rootDirectory: '/z', retention: { policies } } }),
  )
  const world = [
    image('unknown', { tags: [tag('x9')] }),
    image('kept', { tags: ['v1'], pushedAt: daysAgo(2) }),
    image('old', { tags: ['x8'], pushedAt: daysAgo(3) }),
  ]
  expect(planManifests(yaml, 'a', world).tags).toEqual(new Set(['x8']))
})

it('quay leaves manifests to its garbage collection', () => {
  const { yaml } = importText('quay', '{"policies": [{"method": "creation_date", "value": "1d"}]}')
  const gone = planManifests(yaml, 'a', [image('old', { tags: ['x'], pushedAt: daysAgo(3) })])
  expect(gone).toEqual({ images: new Set(), tags: new Set(['x']) })
})

describe('quay: an expression that is read in one way only', () => {
  it.each(['^(match|ci)', '^(a|b)$', '^(?:a|b)', '^release-(1|2)', '^a|^b', '.*x', '^v\\d+$'])(
    '%s',
    (tagPattern) => {
      const policies = [
        { method: 'number_of_tags', value: 2 },
        { method: 'creation_date', value: '3d', tagPattern },
      ]
      const { yaml, warnings } = importText('quay', JSON.stringify({ policies }))
      expect(yaml).not.toContain('not:')
      expect(warnings.join(' ')).not.toContain('may look for it')
    },
  )

  it.each(['1$', 'a|^b', '^a|b', '(^a)'])('%s is not', (tagPattern) => {
    const policies = [
      { method: 'number_of_tags', value: 2 },
      { method: 'creation_date', value: '3d', tagPattern },
    ]
    const { yaml, warnings } = importText('quay', JSON.stringify({ policies }))
    expect(yaml).toContain('not:')
    expect(warnings.join(' ')).toContain('may look for it')
  })
})

it('zot counts an index by its own pulls', () => {
  const policies = [{ repositories: ['**'], keepTags: [{ mostRecentlyPulledCount: 1 }] }]
  const { yaml } = importText(
    'zot',
    JSON.stringify({ storage: { rootDirectory: '/z', retention: { policies } } }),
  )
  const world = [
    image('platform', { pushedAt: daysAgo(40), pulledAt: daysAgo(1) }),
    image('index', { tags: ['v1'], pushedAt: daysAgo(40), pulledAt: daysAgo(20), children: ['platform'] }),
    image('single', { tags: ['v2'], pushedAt: daysAgo(40), pulledAt: daysAgo(10) }),
  ]
  expect(planManifests(yaml, 'a', world).tags).toEqual(new Set(['v1']))
})

describe('keeps that may name a single platform', () => {
  const world = [
    image('index', { tags: ['v1'], pushedAt: daysAgo(30), children: ['platform'] }),
    image('platform', { pushedAt: daysAgo(30) }),
    image('other', { tags: ['v2'], pushedAt: daysAgo(20) }),
    image('newest', { tags: ['v3'], pushedAt: daysAgo(10) }),
  ]
  const named = digest('platform')
  const gar = (condition: object): string =>
    JSON.stringify([
      { name: 'k', action: { type: 'Keep' }, condition },
      { name: 'd', action: { type: 'Delete' }, condition: { tagState: 'any', olderThan: '15d' } },
    ])

  it.each([
    ['gar', gar({ tagState: 'any', versionNamePrefixes: [named.slice(0, 15)] })],
    [
      'delete-package-versions',
      step('actions/delete-package-versions', [
        'owner: o',
        'package-name: a',
        'min-versions-to-keep: 1',
        `ignore-versions: ${named}`,
      ]),
    ],
    [
      'snok',
      step('snok/container-retention-policy', [
        'account: o',
        'image-names: a',
        'cut-off: 15d',
        `shas-to-skip: ${named}`,
      ]),
    ],
  ])('%s: its image stays with it', (system, text) => {
    const { yaml, warnings } = importText(system, text)
    expect(planManifests(yaml, 'o/a', world).images).toEqual(new Set(['other']))
    expect(warnings.join(' ')).toContain('stays with its whole image')
  })

  it('gar: a platform whose version goes takes no image along', () => {
    const text = JSON.stringify([
      { name: 'd', action: { type: 'Delete' }, condition: { tagState: 'any', versionNamePrefixes: [named] } },
    ])
    expect(planManifests(importText('gar', text).yaml, 'p/r/a', world).images).toEqual(new Set())
  })

  it('gar warns of keeps by the lack of a tag, not of keeps by tag', () => {
    const told = (tagState: string): string => importText('gar', gar({ tagState })).warnings.join(' ')
    expect(told('untagged')).toContain('go with their image')
    expect(told('tagged')).not.toContain('their image')
  })
})

it('docker-registry-pruner sees no OCI images: a warning says how to leave them, and that leaves them', () => {
  const { yaml, warnings } = importText(
    'tumblr-docker-registry-pruner',
    'registry: https://foo.bar\nrules:\n  - repos: [a]\n    keep_recent: 1\n',
  )
  expect(warnings.join(' ')).toContain('not: {mediaType: ["application/vnd.oci.*"]}')
  const oci = 'application/vnd.oci.image.manifest.v1+json'
  const docker = 'application/vnd.docker.distribution.manifest.v2+json'
  const of = (label: string, days: number, mediaType: string) =>
    image(label, { tags: [label], pushedAt: daysAgo(days), createdAt: daysAgo(days), mediaType })
  const world = [of('a', 2, oci), of('b', 10, docker), of('c', 20, oci)]
  const file = parse(yaml) as { policies: { rules: object[] }[] }
  const [policy] = file.policies
  const rules = policy?.rules.map((rule) => ({ ...rule, not: { mediaType: ['application/vnd.oci.*'] } }))
  const block = stringify({ ...file, policies: [{ ...policy, rules }] })
  expect(planManifests(block, 'a', world).images).toEqual(new Set())
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

  it('-keep sets what Jib built in its place by upload, among all', () => {
    const jib = (label: string, days: number) =>
      image(label, { tags: [label], pushedAt: daysAgo(days), createdAt: 0 })
    const built = image('built', { tags: ['built'], pushedAt: daysAgo(3), createdAt: daysAgo(100) })
    expect(gone([jib('a', 1), jib('b', 2)])).toEqual(new Set(['b']))
    expect(gone([jib('b', 4), built])).toEqual(new Set(['b']))
    expect(gone([jib('a', 2), built])).toEqual(new Set())
  })

  it('-keep with -grace measures ages from the upload and counts by the build', () => {
    const command = "gcr-cleaner-cli -repo gcr.io/p/app -grace 48h -keep 1 -tag-filter-any '.*'\n"
    const imported = importText('gcr-cleaner', command).yaml
    const of = (label: string, uploaded: number, built: number) =>
      image(label, { tags: [label], pushedAt: daysAgo(uploaded), createdAt: daysAgo(built) })
    const world = [of('a', 10, 11), of('b', 5, 20), of('young', 1, 30)]
    expect(planManifests(imported, 'p/app', world).images).toEqual(new Set(['b']))
  })

  it('-keep warns of what has no build', () => {
    expect(warnings.join(' ')).toContain('by their upload')
  })
})

describe('artifactory-cleanup', () => {
  const rules = (...lines: readonly string[]): string =>
    [
      'artifactory-cleanup:',
      '  server: https://repo.example.com/artifactory',
      '  policies:',
      '    - name: old',
      '      rules:',
      ...['Repo, name: docker', ...lines].map((rule) => `        - {rule: ${rule}}`),
    ].join('\n')
  const gone = (
    images: Parameters<typeof planManifests>[2],
    ...lines: readonly string[]
  ): ReadonlySet<string> =>
    planManifests(importText('artifactory-cleanup', rules(...lines)).yaml, 'docker/team/app', images).tags

  it('leaves multi-platform images alone, which are no manifest.json', () => {
    const images = ['oci.image.index.v1+json', 'docker.distribution.manifest.list.v2+json'].map((type, at) =>
      image(`index${at}`, {
        tags: [`v${at}`],
        mediaType: `application/vnd.${type}`,
        pushedAt: daysAgo(400),
      }),
    )
    const single = image('single', { tags: ['v9'], pushedAt: daysAgo(400) })
    const all = [...images, single]
    expect(gone(all, 'DeleteDockerImagesOlderThan, days: 30')).toEqual(new Set(['v9']))
  })

  it('counts each tag by its own upload', () => {
    const twin = image('twin', {
      tags: [tag('old', { pushedAt: daysAgo(90) }), tag('new', { pushedAt: daysAgo(40) })],
      pushedAt: daysAgo(40),
    })
    const other = image('other', { tags: [tag('mid', { pushedAt: daysAgo(60) })], pushedAt: daysAgo(60) })
    expect(gone([twin, other], 'KeepLatestNDockerImages, count: 2')).toEqual(new Set())
    expect(gone([twin, other], 'DeleteDockerImagesOlderThan, days: 50')).toEqual(new Set(['old', 'mid']))
  })

  it.each([
    [32, new Set()],
    [32.01, new Set(['v1'])],
  ])('counts days back from a midnight: %s days', (days, expected) => {
    const images = [image('a', { tags: [tag('v1', { pushedAt: daysAgo(days) })], pushedAt: daysAgo(days) })]
    expect(gone(images, 'DeleteDockerImagesOlderThan, days: 30')).toEqual(expected)
  })

  it('counts nothing by the first upload of a tag', () => {
    const images = ['a', 'b'].map((name) => image(name, { tags: [name], pushedAt: daysAgo(400) }))
    const lines = ['DeleteDockerImagesOlderThan, days: 30', 'KeepLatestNFilesInFolder, count: 1']
    expect(gone(images, ...lines)).toEqual(new Set())
    expect(importText('artifactory-cleanup', rules(...lines)).yaml).toContain('beyondNewest: 1, by: tagged')
  })

  it('does not take a manifest’s place for a tag that is too young here, and old enough there', () => {
    const twice = (label: string, newer: number, older: number): ReturnType<typeof image> => {
      const tags = [newer, older].map((days) => tag(`${label}-${days}`, { pushedAt: daysAgo(days) }))
      return image(label, { tags, pushedAt: daysAgo(older) })
    }
    // At noon, what is a day old was there before midnight.
    const images = [twice('a', 0, 3), twice('b', 0.1, 3.1), twice('c', 1, 3.2)]
    const count = ['DeleteDockerImagesOlderThan, days: 0', 'KeepLatestNDockerImages, count: 1']
    expect(gone(images, ...count)).toEqual(new Set())
    const old = [...images, twice('d', 5, 6), twice('e', 7, 8)]
    expect(gone(old, ...count)).toEqual(new Set(['e-7', 'e-8']))
  })

  it('counts versions by their first numbers, and those with a v apart from the others', () => {
    const names = ['1.0.0', '1.1.0', '2.0.0', 'v1.0.0', 'v2.0.0', 'v2.1.0', 'latest']
    const images = names.map((name) => image(name, { tags: [name], pushedAt: daysAgo(40) }))
    const count = (digits: number): ReadonlySet<string> =>
      gone(
        images,
        'DeleteDockerImagesOlderThan, days: 30',
        `KeepLatestNVersionImagesByProperty, count: 1, custom_regexp: '(^v?\\d+\\.\\d+\\.\\d+$)', number_of_digits_in_version: ${digits}`,
      )
    expect(count(1)).toEqual(new Set(['1.0.0', 'v1.0.0', 'v2.0.0']))
    expect(count(2)).toEqual(new Set(['v2.0.0']))
    expect(count(4)).toEqual(new Set())
  })

  it('leaves a policy for files out, and says so', () => {
    const file = `${rules('DeleteDockerImagesOlderThan, days: 30')}\n    - {name: maven, rules: [{rule: Repo}, {rule: DeleteOlderThan, days: 1}]}\n`
    const { yaml, warnings } = importText('artifactory-cleanup', file)
    expect(warnings.join(' ')).toContain('The policy "maven" is left out')
    expect(yaml).toContain('# line 8: maven. Left out')
  })

  it('counts what policies before it leave: one that may delete some of it takes part in no count', () => {
    const count = (first: string): string =>
      `${rules(first)}\n    - {name: count, rules: [{rule: Repo, name: docker}, {rule: IncludeDockerImages, masks: "*:v?"}, {rule: KeepLatestNDockerImages, count: 2}]}\n`
    const images = ['v1', 'v2', 'v3', 'v4'].map((name, at) =>
      image(name, { tags: [tag(name, { pushedAt: daysAgo(at) })], pushedAt: daysAgo(at) }),
    )
    const plan = (first: string): ReadonlySet<string> =>
      planManifests(importText('artifactory-cleanup', count(first)).yaml, 'docker/a', images).tags
    expect(plan('IncludeDockerImages, masks: "*:v1"')).toEqual(new Set(['v1', 'v4']))
    expect(plan('DeleteDockerImagesOlderThan, days: 0')).toEqual(new Set(['v3', 'v4']))
  })
})

describe('gcrgc', () => {
  it('finds no repository further down, and takes no version', () => {
    const { yaml } = importText('gcrgc', 'registry: gcr.io/p\nexclude-semver-tags: true\n')
    const images = ['1.2.3', 'V1.0.0-rc.1', '1.2', '01.2.3'].map((name) =>
      image(name, { tags: [name], pushedAt: daysAgo(2) }),
    )
    expect(planManifests(yaml, 'p/app', images).images).toEqual(new Set(['1.2', '01.2.3']))
    expect(planManifests(yaml, 'p/team/app', images).images).toEqual(new Set())
    expect(planManifests(yaml, 'p', images).images).toEqual(new Set())
  })
})
