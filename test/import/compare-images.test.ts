/** How `winnow import --compare` names images: short digests with their tags, and platforms by the index they belong to. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { winnow } from '../support/winnow-in-process.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-compare-images-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const short = (letter: string): string => `sha256:${letter.repeat(8)}…`
const image = (letter: string, tags: readonly string[], day: string, more: object = {}): object => ({
  digest: digest(letter),
  tags: tags.map((name) => ({ name, pushedAt: `2026-01-${day}T00:00:00Z`, pulledAt: null })),
  pushedAt: `2026-01-${day}T00:00:00Z`,
  ...more,
})
const inventory = {
  schemaVersion: 'inventory/v1',
  registry: 'prod',
  takenAt: '2026-01-31T00:00:00Z',
  repositories: [
    {
      name: 'team/app',
      complete: true,
      manifests: [
        image('a', ['v1', 'v1.0', 'v1.0.0', 'stable'], '01', { children: [digest('c'), digest('d')] }),
        image('b', ['v2'], '30', { children: [digest('e')] }),
        image('c', [], '01', { platform: 'linux/arm64' }),
        image('d', ['v1-amd64'], '01', { platform: 'linux/amd64' }),
        image('e', [], '02'),
        image('f', [], '03'),
      ],
    },
  ],
}
const policy = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      action: { type: 'expire' },
    },
  ],
})
const preview = JSON.stringify({
  repositoryName: 'team/app',
  status: 'COMPLETE',
  previewResults: ['a', 'c', 'e', 'f', '0'].map((letter) => ({
    imageDigest: digest(letter),
    action: { type: 'EXPIRE' },
    appliedRulePriority: 1,
  })),
})

async function compare(...words: readonly string[]): Promise<string> {
  const at = (name: string): string => join(folder, name)
  await writeFile(at('policy'), policy)
  await writeFile(at('preview'), preview)
  await writeFile(at('inventory'), JSON.stringify(inventory))
  const files = ['--compare', at('preview'), '--inventory', at('inventory')]
  const run = await winnow([
    'import',
    'ecr',
    at('policy'),
    ...files,
    '--now',
    '2026-01-31T00:00:00Z',
    ...words,
  ])
  expect(run.code, run.stderr).toBe(0)
  return run.stdout
}

/** The cells of the column `image`, with the outcomes. */
async function namesOf(...words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const [, , ...rows] = (await compare('-o', 'markdown', ...words)).split('\n')
  return Object.fromEntries(
    rows.flatMap((row) => {
      const [, , name, , , outcome] = row.split('|').map((cell) => cell.trim())
      return name === undefined || outcome === undefined ? [] : [[name, outcome]]
    }),
  )
}

it('names images for people', async () => {
  expect(await namesOf()).toEqual({
    [`stable, v1, v1.0 and 1 more (${short('a')})`]: 'agree',
    [`v2 (${short('b')})`]: 'agree',
    [`v1-amd64 (${short('d')}, linux/amd64 of stable, v1, v1.0 and 1 more)`]: 'deleted here',
    [`${short('c')} (linux/arm64 of stable, v1, v1.0 and 1 more)`]: 'agree',
    [`${short('e')} (a platform of v2)`]: 'kept here',
    [`${short('f')} (untagged)`]: 'agree',
    [short('0')]: 'unknown',
  })
})

it('says on what a platform hangs, and that it goes or stays with it', async () => {
  const table = await compare()
  expect(table).toContain('hangs on stable, which goes: ')
  expect(table).toContain('hangs on v2, which stays: ')
  expect(table).not.toContain(digest('0'))
})

it('has whole digests, tags and indexes for machines', async () => {
  const { images } = JSON.parse(await compare('-o', 'json')) as { images: readonly { name: string }[] }
  const found = (letter: string): object | undefined => images.find(({ name }) => name === digest(letter))
  expect(found('c')).toMatchObject({
    digest: digest('c'),
    tags: [],
    platformOf: { digest: digest('a'), tags: ['stable', 'v1', 'v1.0', 'v1.0.0'], platform: 'linux/arm64' },
  })
  expect(found('f')).toMatchObject({ digest: digest('f'), tags: [] })
  expect(found('f')).not.toHaveProperty('platformOf')
  expect(found('0')).not.toHaveProperty('tags')
  expect(await compare('-o', 'csv')).toContain(`team/app,${digest('e')},delete,keep,kept here`)
})
