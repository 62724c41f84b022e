/** `winnow import --compare` on previews of several runs, with repetitions, names that fit twice, and parts missing. */
import { describe, expect, it } from 'vitest'
import type { Ended } from '../support/winnow-in-process.ts'
import { compareFiles, digestOf as digest, imageOf as image, inventoryOf } from './comparing.ts'

const threeImages = [image('a', ['v1'], '01'), image('b', ['v2'], '10'), image('c', ['v3'], '30')]

interface Row {
  readonly repository: string
  readonly name: string
  readonly source: string
  readonly winnow: string
  readonly outcome: string
  readonly why: string
}

const olderThan14Days = {
  ecr: JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
        action: { type: 'expire' },
      },
    ],
  }),
  gar: '[{"name": "old", "action": {"type": "Delete"}, "condition": {"olderThan": "14d"}}]',
  'acr-purge': "acr purge --registry prod --filter '.*:.*' --ago 14d",
  zot: JSON.stringify({
    storage: {
      retention: {
        policies: [{ repositories: ['**'], keepTags: [{ patterns: ['.*'], mostRecentlyPushedCount: 1 }] }],
      },
    },
  }),
  harbor: JSON.stringify({
    algorithm: 'or',
    rules: [
      {
        action: 'retain',
        template: 'latestPushedK',
        params: { latestPushedK: 1 },
        tag_selectors: [{ kind: 'doublestar', decoration: 'matches', pattern: '**' }],
        scope_selectors: { repository: [{ kind: 'doublestar', decoration: 'repoMatches', pattern: '**' }] },
      },
    ],
  }),
}
type System = keyof typeof olderThan14Days

interface Setting {
  readonly repositories?: readonly string[]
  readonly words?: readonly string[]
}

async function compare(system: System, preview: string, setting: Setting = {}): Promise<Ended> {
  const { repositories = ['team/app'], words = [] } = setting
  const inventory = inventoryOf(Object.fromEntries(repositories.map((name) => [name, threeImages])))
  return compareFiles({ system, policy: olderThan14Days[system], preview, inventory, words })
}

/** `repository name source outcome`, with digests as their letter; sorted. */
async function told(system: System, preview: string, setting: Setting = {}): Promise<readonly string[]> {
  const { code, stdout, stderr } = await compare(system, preview, { ...setting, words: ['-o', 'json'] })
  expect(code, stderr).toBe(0)
  const { images } = JSON.parse(stdout) as { images: readonly Row[] }
  return images
    .map(({ repository, name, source, outcome }) =>
      [repository, name.replace(/^sha256:(.).*$/, '$1'), source, outcome].join(' '),
    )
    .toSorted()
}

const acr = (...lines: readonly string[]): string =>
  [
    ...lines,
    '',
    `Number of tags to be deleted: ${lines.length}`,
    'Number of manifests to be deleted: 0',
  ].join('\n')
const ecrRow = (letter: string): object => ({
  imageDigest: digest(letter),
  action: { type: 'EXPIRE' },
  appliedRulePriority: 1,
})
const ecr = (rows: readonly unknown[], repositoryName: string | undefined = 'team/app'): string =>
  JSON.stringify({ repositoryName, status: 'COMPLETE', previewResults: rows })
const garEntry = (letters: string, more: object = {}, entry: object = {}, project = 'p'): object => ({
  ...entry,
  protoPayload: {
    methodName: 'google.devtools.artifactregistry.v1.ArtifactRegistry.BatchDeleteVersions',
    request: {
      names: [...letters].map(
        (letter) =>
          `projects/${project}/locations/l/repositories/team/packages/app/versions/${digest(letter)}`,
      ),
      validateOnly: true,
    },
    ...more,
  },
})
const zotLine = (tag: string, decision: string, more: object = {}): string =>
  JSON.stringify({ module: 'retention', repository: 'team/app', tag, decision, reason: 'why', ...more })
const harborRun = (time: string, repository: string, rows: Readonly<Record<string, string>>): string =>
  [
    `${time} [INFO] [/pkg/retention/job.go:83]: Run retention process.`,
    ` Repository: ${repository} `,
    ' Rule Algorithm: or ',
    ' Dry Run: true',
    `${time} [INFO] [/pkg/retention/job.go:213]: `,
    '|  Digest  |  Tag | Kind  | Labels | PushedTime | PulledTime | CreatedTime | Retention |',
    ...Object.entries(rows).map(
      ([letter, status]) => `| ${digest(letter)} | x | IMAGE |  |  |  |  | ${status} |`,
    ),
  ].join('\n')

describe('names of repositories', () => {
  it('are whole in acr: another one that ends alike is another one', async () => {
    expect(await told('acr-purge', acr('prod.azurecr.io/app:v1', 'prod.azurecr.io/app:v2'))).toEqual([
      'app v1 delete unknown',
      'app v2 delete unknown',
      'team/app v1 keep deleted here',
      'team/app v2 keep deleted here',
      'team/app v3 keep agree',
    ])
  })

  it('are whole in ecr, and what the preview is not about was not looked at', async () => {
    expect(await told('ecr', ecr([ecrRow('a')], 'app'))).toEqual([
      'app a delete unknown',
      'team/app a not looked at not looked at',
      'team/app b not looked at not looked at',
      'team/app c not looked at not looked at',
    ])
  })

  it('are whole in zot', async () => {
    const preview = zotLine('v1', 'delete', { repository: 'app' })
    expect(await told('zot', preview)).toContain('app v1 delete unknown')
  })

  it('are whole in gar, with the project, and fit with it before all others', async () => {
    const preview = JSON.stringify([garEntry('ab')])
    const rows = await told('gar', preview, { repositories: ['p/team/app', 'q/team/app'] })
    expect(rows).toEqual([
      'p/team/app a delete agree',
      'p/team/app b delete agree',
      'p/team/app c keep agree',
      'q/team/app a keep deleted here',
      'q/team/app b keep deleted here',
      'q/team/app c keep agree',
    ])
  })

  it('of gar with the number of a project fit what ends so, unless that are several', async () => {
    const preview = JSON.stringify([garEntry('ab', {}, {}, '1234')])
    expect(await told('gar', preview, { repositories: ['p/team/app'] })).toEqual([
      'p/team/app a delete agree',
      'p/team/app b delete agree',
      'p/team/app c keep agree',
    ])
    expect(await told('gar', preview, { repositories: ['p/team/app', 'q/team/app'] })).toEqual([
      'p/team/app a not told apart not told apart',
      'p/team/app b not told apart not told apart',
      'p/team/app c keep agree',
      'q/team/app a not told apart not told apart',
      'q/team/app b not told apart not told apart',
      'q/team/app c keep agree',
    ])
  })

  it('of gar have the domain of a project before it', async () => {
    const preview = JSON.stringify([garEntry('a', {}, {}, 'example.com:p')])
    const rows = await told('gar', preview, { repositories: ['example.com/p/team/app'] })
    expect(rows).toContain('example.com/p/team/app a delete agree')
  })

  it('of Harbor may lack the project; several that fit are not told apart', async () => {
    const preview = harborRun('2026-01-31T00:00:00Z', 'app', { a: 'DEL', b: 'DEL', c: 'RETAIN' })
    expect(await told('harbor', preview)).toEqual([
      'team/app a delete agree',
      'team/app b delete agree',
      'team/app c keep agree',
    ])
    const run = await compare('harbor', preview, { repositories: ['team/app', 'other/app'] })
    expect(run.stdout).toContain('6 not told apart')
    expect(run.stdout).toContain('0 agreements')
    expect(run.stdout).toContain('team/app')
    const whole = await told('harbor', preview, { repositories: ['app', 'other/app'] })
    expect(whole).toContain('app a delete agree')
    expect(whole).toContain('other/app a not looked at not looked at')
  })
})

it('tells apart by what repositories hold where a preview names none', async () => {
  const preview = JSON.stringify({ previewResults: [ecrRow('a'), ecrRow('b')] })
  expect(await told('ecr', preview)).toContain('team/app a delete agree')
  const two = await told('ecr', preview, { repositories: ['team/app', 'app'] })
  expect(two).toContain('app a not told apart not told apart')
  expect(two).toContain('team/app b not told apart not told apart')
})

describe('several runs', () => {
  const decided = ['team/app v1 delete agree', 'team/app v2 keep deleted here', 'team/app v3 keep agree']

  it('of zot: the last decision of a tag counts, by its time', async () => {
    const at = (day: string): object => ({ time: `2026-01-${day}T01:02:03.123456789Z` })
    const earlier = ['v1', 'v2', 'v3'].map((tag) => zotLine(tag, 'delete', at('30')))
    const later = ['v1', 'v2', 'v3'].map((tag) => zotLine(tag, tag === 'v1' ? 'delete' : 'keep', at('31')))
    expect(await told('zot', [...earlier, ...later].join('\n'))).toEqual(decided)
    expect(await told('zot', [...later, ...earlier].join('\n'))).toEqual(decided)
  })

  it('of zot without times: the last decision of a tag counts, by its place', async () => {
    const lines = [zotLine('v2', 'delete'), zotLine('v1', 'keep'), zotLine('v3', 'keep')]
    expect(await told('zot', [...lines, zotLine('v2', 'keep'), zotLine('v1', 'delete')].join('\n'))).toEqual(
      decided,
    )
  })

  it('of Harbor: only the newest execution of a repository counts', async () => {
    const earlier = harborRun('2026-01-30T00:00:00Z', 'team/app', {
      a: 'RETAIN',
      b: 'DEL',
      c: 'DEL',
      d: 'DEL',
    })
    const later = harborRun('2026-01-31T00:00:00Z', 'team/app', { a: 'DEL', b: 'RETAIN', c: 'RETAIN' })
    const expected = ['team/app a delete agree', 'team/app b keep deleted here', 'team/app c keep agree']
    expect(await told('harbor', `${earlier}\n${later}`)).toEqual(expected)
    expect(await told('harbor', `${later}\n${earlier}`)).toEqual(expected)
  })

  it('of gar: what the newest day does not name any more is kept, in whatever order gcloud lists', async () => {
    const entries = [
      garEntry('a', {}, { timestamp: '2026-01-31T03:00:00.5Z' }),
      garEntry('abd', {}, { timestamp: '2026-01-30T03:00:00.5Z' }),
    ]
    const expected = ['team/app a delete agree', 'team/app b keep deleted here', 'team/app c keep agree']
    expect(await told('gar', JSON.stringify(entries))).toEqual(expected)
    expect(await told('gar', JSON.stringify(entries.toReversed()))).toEqual(expected)
  })

  it('of gar: entries of one run count together', async () => {
    const entries = [
      garEntry('a', {}, { timestamp: '2026-01-31T03:00:00Z' }),
      garEntry('b', {}, { timestamp: '2026-01-31T03:20:00Z' }),
    ]
    expect(await told('gar', JSON.stringify(entries))).toContain('team/app a delete agree')
  })
})

describe('repetitions are told once', () => {
  it('of gar with the id and the number of a project', async () => {
    const preview = JSON.stringify([garEntry('ab'), garEntry('ab', {}, {}, '1234')])
    expect(await told('gar', preview, { repositories: ['p/team/app'] })).toEqual([
      'p/team/app a delete agree',
      'p/team/app b delete agree',
      'p/team/app c keep agree',
    ])
  })

  it.each<{ system: System; preview: string; name: string }>([
    {
      system: 'gar',
      preview: JSON.stringify([
        garEntry('d', { response: (garEntry('d') as { protoPayload: object }).protoPayload }),
      ]),
      name: 'd',
    },
    { system: 'ecr', preview: ecr([ecrRow('d'), ecrRow('d')]), name: 'd' },
    {
      system: 'acr-purge',
      preview: acr('prod.azurecr.io/team/app:v9', 'prod.azurecr.io/team/app:v9'),
      name: 'v9',
    },
  ])('of $system', async ({ system, preview, name }) => {
    const rows = await told(system, preview)
    expect(rows.filter((row) => row.startsWith(`team/app ${name} `))).toEqual([
      `team/app ${name} delete unknown`,
    ])
  })
})

describe('entries of gar', () => {
  it('count where they are a dry run that went well', async () => {
    const preview = JSON.stringify([
      garEntry('a', { status: {} }),
      garEntry('b', { status: { code: 7, message: 'denied' } }),
      garEntry('c', { methodName: 'google.devtools.artifactregistry.v1.ArtifactRegistry.GetVersion' }),
    ])
    expect(await told('gar', preview)).toEqual([
      'team/app a delete agree',
      'team/app b keep deleted here',
      'team/app c keep agree',
    ])
  })

  it.each([
    ['no entry', '[]'],
    ['none of the method', JSON.stringify([garEntry('a', { methodName: 'x.ListVersions' })])],
    ['nothing but deletions', JSON.stringify([garEntry('a', { request: { validateOnly: false } })])],
    ['none that went well', JSON.stringify({ entries: [garEntry('a', { status: { code: 7 } })] })],
  ])('with %s are refused', async (_, preview) => {
    const { code, stdout, stderr } = await compare('gar', preview)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('no dry run in it')
  })
})

it('counts apart what the source did not look at', async () => {
  const preview = harborRun('2026-01-31T00:00:00Z', 'team/app', { c: 'RETAIN' })
  const { stdout } = await compare('harbor', preview)
  expect(stdout).toContain('1 agreement, 0 kept here')
  expect(stdout).toContain('0 deleted here and kept by the source')
  expect(stdout).toContain('2 not looked at by the source (2 of them deleted here)')
})

describe('output of acr', () => {
  it('is read as newer versions write it', async () => {
    const preview = acr(
      'Would delete: prod.azurecr.io/team/app:v1',
      'Would delete: prod.azurecr.io/team/app:v2 (reason: maximum count)',
    )
    expect(await told('acr-purge', preview)).toEqual([
      'team/app v1 delete agree',
      'team/app v2 delete agree',
      'team/app v3 keep agree',
    ])
  })

  it('of several commands is read as one', async () => {
    const preview = [acr('prod.azurecr.io/team/app:v1'), acr('prod.azurecr.io/team/app:v2')].join('\n')
    expect(await told('acr-purge', preview)).toContain('team/app v2 delete agree')
  })

  it.each([
    ['has only its beginning', 'DRY RUN: The following output shows what WOULD be deleted.'],
    ['has no summary', 'DRY RUN: nothing is deleted.\nprod.azurecr.io/team/app:v1\n'],
    ['ends within the summary', acr('prod.azurecr.io/team/app:v1').replace(/\nNumber of manifests.*/, '')],
    ['goes on after the summary', `${acr('prod.azurecr.io/team/app:v1')}\nprod.azurecr.io/team/app:v2`],
    [
      'has fewer lines',
      acr('prod.azurecr.io/team/app:v1').replace('tags to be deleted: 1', 'tags to be deleted: 2'),
    ],
    [
      'has more lines',
      acr('prod.azurecr.io/team/app:v1').replace('tags to be deleted: 1', 'tags to be deleted: 0'),
    ],
    ['failed', `Failed to complete purge: no access\n${acr('prod.azurecr.io/team/app:v1')}`],
  ])('that %s is refused as cut off', async (_, preview) => {
    const { code, stdout, stderr } = await compare('acr-purge', preview)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('cut off')
  })
})

it.each([
  ['a text', [ecrRow('a'), 'x']],
  ['null', [ecrRow('a'), null]],
  ['no digest', [ecrRow('a'), { action: { type: 'EXPIRE' } }]],
  ['a digest that is none', [ecrRow('a'), { ...ecrRow('a'), imageDigest: 'v1' }]],
  ['no action', [ecrRow('a'), { imageDigest: digest('b') }]],
])('refuses %s in a preview of ecr, with its place', async (_, rows) => {
  const { code, stdout, stderr } = await compare('ecr', ecr(rows))
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toContain('previewResults[1]')
})

it.each<[System, string]>([
  ['ecr', ecr([ecrRow('a')])],
  ['gar', JSON.stringify([garEntry('a')])],
  ['zot', zotLine('v1', 'delete')],
  ['harbor', harborRun('2026-01-31T00:00:00Z', 'team/app', { a: 'DEL' })],
  ['acr-purge', acr('prod.azurecr.io/team/app:v1')],
])('passes over a byte order mark at the start of a preview of %s', async (system, preview) => {
  expect(await told(system, `\uFEFF${preview}`)).toEqual(await told(system, preview))
})
