/** `winnow verify`: whatever is in use and cannot be pulled is named, with who uses it. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inventorySchema } from '../../src/cli/schemas/file-formats.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let sample: SampleFolder

beforeAll(async () => {
  sample = await makeSampleFolder()
})

afterAll(() => sample.remove())

async function evidenceOf(references: readonly object[]): Promise<readonly string[]> {
  const path = join(sample.path, 'evidence.json')
  const sources = [{ name: 'test', complete: true, references }]
  await writeFile(
    path,
    JSON.stringify({ schemaVersion: 'evidence/v1', takenAt: '2026-01-01T00:00:00Z', sources }),
  )
  return ['--evidence', path]
}

it('is done when everything in use can be pulled', async () => {
  const { code, stdout } = await winnow(['verify', ...sample.words])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+ images in use, and every one can be pulled\.\n$/)
})

it('ends with 4 and names a missing tag, a missing digest and a missing repository, and who uses them', async () => {
  const digest = `sha256:${'f'.repeat(64)}`
  const evidence = await evidenceOf([
    { reference: 'registry.example.com/team/api:no-such-tag', where: 'Deployment shop/api' },
    { reference: `registry.example.com/team/web@${digest}`, where: 'Pod shop/web' },
    { reference: 'registry.example.com/team/nothing:1', where: 'Job shop/x' },
    { reference: 'elsewhere.example.com/team/api:no-such-tag', where: 'Pod a/b' },
  ])
  const { code, stdout } = await winnow(['verify', ...sample.words, ...evidence, '-o', 'json'])
  expect(code).toBe(4)
  const document = JSON.parse(stdout) as { readonly references: readonly object[] }
  expect(document).toMatchObject({ schemaVersion: 'verify/v1', counts: { whole: 0, missing: 3, broken: 0 } })
  expect(document.references).toMatchObject([
    {
      repository: 'team/api',
      tag: 'no-such-tag',
      usedBy: [{ source: 'test', where: 'Deployment shop/api' }],
    },
    { repository: 'team/nothing', tag: '1', state: 'missing' },
    { repository: 'team/web', digest, state: 'missing' },
  ])
})

it('asks all repositories that a name may mean, and is content with one', async () => {
  const config = join(sample.path, 'aliases.yaml')
  const text = await readFile(join(sample.path, 'winnow.yaml'), 'utf8')
  await writeFile(
    config,
    text.replace('[registry.example.com]', '[registry.example.com, registry.example.com/team]'),
  )
  const words = ['--config', config, '--state', join(sample.path, 'state')]
  const { code, stdout } = await winnow(['verify', ...words])
  expect(stdout).toContain('every one can be pulled')
  expect(code).toBe(0)
})

it('never calls a guess missing', async () => {
  const evidence = await evidenceOf([
    { reference: 'registry.example.com/team/api:no-such-tag', where: 'ConfigMap shop/x', guess: true },
  ])
  const { code, stdout } = await winnow(['verify', ...sample.words, ...evidence])
  expect([code, stdout]).toEqual([0, 'No image of these registries is in use.\n'])
})

it('finds a layer that is gone', async () => {
  const { stdout: inventoryText } = await winnow(['inventory', ...sample.words, '-o', 'json'])
  const { repositories } = inventorySchema.parse(JSON.parse(inventoryText))
  const manifest = repositories
    .find(({ name }) => name === 'charts/shop')
    ?.manifests?.find(({ tags, layers }) => (tags ?? []).length > 0 && (layers ?? []).length > 0)
  const tag = manifest?.tags?.[0]?.name ?? ''
  const layer = manifest?.layers?.[0]?.digest ?? ''
  const hex = layer.slice('sha256:'.length)
  const path = join(sample.path, 'registry/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
  const bytes = await readFile(path)
  await rm(path)
  try {
    const evidence = await evidenceOf([
      { reference: `registry.example.com/charts/shop:${tag}`, where: 'Release x' },
    ])
    const { code, stdout } = await winnow(['verify', ...sample.words, ...evidence])
    expect(code).toBe(4)
    expect(stdout).toContain('broken')
    expect(stdout).toContain(`blob ${layer}`)
    expect(stdout).toContain('Release x (test)')
  } finally {
    await writeFile(path, bytes)
  }
})

it('asks nothing and says so when no source is configured', async () => {
  const config = join(sample.path, 'nobody.yaml')
  await writeFile(
    config,
    'version: 1\nregistries:\n  a: {storage: {layout: distribution, filesystem: ./registry}}\n',
  )
  const { code, events } = await winnow(['verify', '--config', config, '--state', join(sample.path, 'state')])
  expect(code).toBe(0)
  expect(events).toContainEqual(
    expect.objectContaining({ kind: 'warning', text: expect.stringContaining('nothing') as string }),
  )
})
