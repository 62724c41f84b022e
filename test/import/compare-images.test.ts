/** How `winnow import --compare` names images: short digests with their tags, and platforms by the index they belong to. */
import { expect, it } from 'vitest'
import { compareFiles, digestOf as digest, imageOf as image, inventoryOf } from './comparing.ts'

const short = (letter: string): string => `sha256:${letter.repeat(8)}…`
const inventory = inventoryOf({
  'team/app': [
    image('a', ['v1', 'v1.0', 'v1.0.0', 'stable'], '01', { children: [digest('c'), digest('d')] }),
    image('b', ['v2'], '30', { children: [digest('e')] }),
    image('c', [], '01', { platform: 'linux/arm64' }),
    image('d', ['v1-amd64'], '01', { platform: 'linux/amd64' }),
    image('e', [], '02'),
    image('f', [], '03'),
  ],
})
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
  const run = await compareFiles({ system: 'ecr', policy, preview, inventory, words })
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
