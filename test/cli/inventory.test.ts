/** `winnow inventory`: a registry as people see it, and as a file that can be planned from. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { inventorySchema } from '../../src/cli/schemas/file-formats.ts'
import { parseInventoryFile } from '../../src/core/inventory/inventory-file.ts'
import { makeSampleFolder, type SampleFolder } from '../support/sample-folder.ts'
import { winnow } from '../support/winnow-in-process.ts'

let sample: SampleFolder

beforeAll(async () => {
  sample = await makeSampleFolder()
})

afterAll(() => sample.remove())

it('shows every repository, governed or not, and what all of it takes', async () => {
  const { code, stdout, stderr } = await winnow(['inventory', ...sample.words])
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/REPOSITORY +IMAGES +TAGS +SIZE +NEWEST/)
  expect(lines.slice(1, 6).map((line) => line.split(/ +/)[1])).toEqual([
    'base/debian',
    'charts/shop',
    'team/api',
    'team/web',
    'team/worker',
  ])
  expect(stdout).toMatch(/5 repositories, \d+ images/)
})

it('writes inventory/v1, which reads back, the same to the file and to stdout', async () => {
  const out = join(sample.path, 'inventory.json')
  const { code, stdout } = await winnow(['inventory', 'sample', ...sample.words, '-o', 'json', '--out', out])
  expect(code).toBe(0)
  expect(await readFile(out, 'utf8')).toBe(stdout)
  inventorySchema.parse(JSON.parse(stdout))
  const inventory = parseInventoryFile(stdout, { source: out, takenAt: 0 })
  expect(inventory.repositories).toHaveLength(5)
})

it('prints names alone, for scripts', async () => {
  const { stdout } = await winnow(['inventory', ...sample.words, '-o', 'names'])
  expect(stdout).toBe('base/debian\ncharts/shop\nteam/api\nteam/web\nteam/worker\n')
})

it('refuses to put several registries into one file, and writes a line each', async () => {
  const config = join(sample.path, 'two.yaml')
  const storage = '{layout: distribution, filesystem: ./registry}'
  await writeFile(config, `version: 1\nregistries:\n  a: {storage: ${storage}}\n  b: {storage: ${storage}}\n`)
  const words = ['inventory', '--config', config, '--state', join(sample.path, 'state')]
  expect(await winnow([...words, '-o', 'json'])).toMatchObject({ code: 64, stdout: '' })
  const { code, stdout } = await winnow([...words, '-o', 'ndjson'])
  expect(code).toBe(0)
  const documents = stdout
    .trimEnd()
    .split('\n')
    .map((line) => inventorySchema.parse(JSON.parse(line)))
  expect(documents.map(({ registry }) => registry)).toEqual(['a', 'b'])
})

it('ends with 3 for a registry that is not configured', async () => {
  const { code, stderr } = await winnow(['inventory', 'nowhere', ...sample.words])
  expect(code).toBe(3)
  expect(stderr).toContain('sample')
})

it('ends with 6 when a repository cannot be read in full, and says which', async () => {
  const broken = await makeSampleFolder()
  try {
    const { stdout } = await winnow(['inventory', ...broken.words, '-o', 'json'])
    const { repositories } = inventorySchema.parse(JSON.parse(stdout))
    const digest = repositories.find(({ name }) => name === 'team/web')?.manifests?.[0]?.digest ?? ''
    const hex = digest.slice('sha256:'.length)
    const blob = join(broken.path, 'registry/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    await writeFile(blob, 'these bytes do not have that digest')
    const state = ['--config', join(broken.path, 'winnow.yaml'), '--state', join(broken.path, 'fresh')]
    const after = await winnow(['inventory', ...state])
    expect(after.code).toBe(6)
    expect(after.stdout).toMatch(/team\/web .*not read in full/)
    expect(after.stderr).toContain('sample/team/web')
  } finally {
    await broken.remove()
  }
})
