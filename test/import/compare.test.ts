/** The imported rules beside what the source says it would delete. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { winnow, type Ended } from '../support/winnow-in-process.ts'
import { compareFiles, digestOf as digest, imageOf as image, inventoryOf } from './comparing.ts'

const inventory = inventoryOf({
  'team/app': [image('a', ['v1'], '01'), image('b', ['v2'], '10'), image('c', ['v3'], '30')],
})

interface Row {
  readonly name: string
  readonly source: string
  readonly winnow: string
  readonly outcome: string
  readonly why: string
}

async function compare(
  system: string,
  policy: string,
  preview: string,
  ...words: readonly string[]
): Promise<Ended> {
  return compareFiles({ system, policy, preview, inventory, words })
}

async function outcomes(
  system: string,
  policy: string,
  preview: string,
): Promise<Readonly<Record<string, string>>> {
  const { code, stdout, stderr } = await compare(system, policy, preview, '-o', 'json')
  expect(code, stderr).toBe(0)
  const { images } = JSON.parse(stdout) as { images: readonly Row[] }
  return Object.fromEntries(images.map(({ name, outcome }) => [name, outcome]))
}

const ecr = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      action: { type: 'expire' },
    },
  ],
})
const ecrPreview = (...letters: readonly string[]): string =>
  JSON.stringify({
    repositoryName: 'team/app',
    status: 'COMPLETE',
    previewResults: letters.map((letter) => ({
      imageTags: [],
      imageDigest: digest(letter),
      action: { type: 'EXPIRE' },
      appliedRulePriority: 1,
    })),
  })

it('tells where both agree, and why each does what it does', async () => {
  const { stdout, code } = await compare('ecr', ecr, ecrPreview('a', 'b'))
  expect(code).toBe(0)
  expect(stdout).toContain('3 agreements, 0 kept here')
  expect(stdout).toContain('rulePriority 1')
  expect(stdout).toContain('past 14d')
})

it('tells what only one of them deletes, the dangerous first', async () => {
  const { stdout } = await compare('ecr', ecr, ecrPreview('a', 'c', 'd'), '-o', 'json')
  const { images } = JSON.parse(stdout) as { images: readonly Row[] }
  expect(images.map(({ name, outcome }) => [name, outcome])).toEqual([
    [digest('b'), 'deleted here'],
    [digest('c'), 'kept here'],
    [digest('d'), 'unknown'],
    [digest('a'), 'agree'],
  ])
})

it.each([
  {
    system: 'harbor',
    policy: JSON.stringify({
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
    // Its table begins with as many empty rows as there are artifacts.
    preview: [
      '2026-01-31T00:00:00Z [INFO] [/pkg/retention/job.go:83]: Run retention process.',
      ' Repository: team/app ',
      ' Rule Algorithm: or ',
      ' Dry Run: true',
      '2026-01-31T00:00:00Z [INFO] [/pkg/retention/job.go:213]: ',
      '|  Digest  |  Tag | Kind  | Labels | PushedTime          | PulledTime | CreatedTime | Retention |',
      '|----------|------|-------|--------|---------------------|------------|-------------|-----------|',
      '|          |      |       |        |                     |            |             |           |',
      `| ${digest('a')} | v1 | IMAGE |        | 2026/01/01 00:00:00 |            |             | DEL       |`,
      `| ${digest('b')} | v2 | IMAGE |        | 2026/01/10 00:00:00 |            |             | DEL       |`,
      `| ${digest('c')} | v3 | IMAGE |        | 2026/01/30 00:00:00 |            |             | RETAIN    |`,
    ].join('\n'),
  },
  {
    system: 'gar',
    policy: '[{"name": "old", "action": {"type": "Delete"}, "condition": {"olderThan": "14d"}}]',
    preview: JSON.stringify(
      ['a', 'b'].map((letter) => ({
        protoPayload: {
          methodName: 'google.devtools.artifactregistry.v1.ArtifactRegistry.BatchDeleteVersions',
          request: {
            names: [`projects/p/locations/l/repositories/team/packages/app/versions/${digest(letter)}`],
            validateOnly: true,
          },
        },
      })),
    ),
  },
])('reads what $system says', async ({ system, policy, preview }) => {
  expect(await outcomes(system, policy, preview)).toEqual({
    [digest('a')]: 'agree',
    [digest('b')]: 'agree',
    [digest('c')]: 'agree',
  })
})

it.each([
  {
    system: 'zot',
    policy: JSON.stringify({
      storage: {
        retention: {
          policies: [{ repositories: ['**'], keepTags: [{ patterns: ['.*'], mostRecentlyPushedCount: 1 }] }],
        },
      },
    }),
    preview: ['v1', 'v2', 'v3']
      .map((tag) =>
        JSON.stringify({
          level: 'info',
          module: 'retention',
          'dry-run': true,
          repository: 'team/app',
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          digest: digest('a'),
          tag,
          lastPullTimestamp: '0001-01-01 00:00:00 +0000 UTC',
          decision: tag === 'v3' ? 'keep' : 'delete',
          reason:
            tag === 'v3' ? 'retained by mostRecentlyPushed policy' : "didn't meet any tag retention rule",
          message: 'applied policy',
        }),
      )
      .join('\n'),
  },
  {
    system: 'acr-purge',
    policy: "acr purge --registry prod --filter 'team/app:.*' --ago 14d --dry-run",
    preview:
      'Deleting tags for repository: team/app\nprod.azurecr.io/team/app:v1\nprod.azurecr.io/team/app:v2\nDeleting manifests for repository: team/app\n\nNumber of deleted tags: 2\nNumber of deleted manifests: 0\n',
  },
])('reads what $system says of tags', async ({ system, policy, preview }) => {
  expect(await outcomes(system, policy, preview)).toEqual({ v1: 'agree', v2: 'agree', v3: 'agree' })
})

it.each([
  ['ecr', ecr, '{"previewResults": 1}', 'says nothing of what would be deleted'],
  ['ecr', ecr, 'Dear all', 'says nothing of what would be deleted'],
  ['ecr', ecr, ecrPreview('a').replace('COMPLETE', 'IN_PROGRESS'), 'with the status COMPLETE'],
  ['ecr', ecr, ecrPreview('a').replace('"status"', '"nextToken":"x","status"'), 'the whole output of'],
  ['gar', '[]', '[{"name": "old", "action": {"type": "Delete"}}]', 'says nothing of what would be deleted'],
  ['quay', '{"policies": []}', '{}', 'quay cannot say what it would delete'],
])('refuses what is no preview of %s', async (system, policy, preview, told) => {
  const { code, stdout, stderr } = await compare(system, policy, preview)
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toContain(told)
})

it('takes a "%" of an Artifact Registry log as it stands where it begins nothing', async () => {
  const names = [`projects/p/locations/l/repositories/team/packages/a%b/versions/${digest('a')}`]
  const methodName = 'google.devtools.artifactregistry.v1.ArtifactRegistry.BatchDeleteVersions'
  const preview = JSON.stringify([{ protoPayload: { methodName, request: { names } } }])
  const { code, stdout, stderr } = await compare('gar', '[]', preview)
  expect(code, stderr).toBe(0)
  expect(stdout).toContain('team/a%b')
})

it('asks for an inventory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-compare-'))
  await writeFile(join(folder, 'policy'), ecr)
  const { code, stderr } = await winnow(['import', 'ecr', join(folder, 'policy'), '--compare', 'x'])
  await rm(folder, { recursive: true, force: true })
  expect([code, stderr]).toEqual([64, expect.stringContaining('--inventory FILE')])
})
