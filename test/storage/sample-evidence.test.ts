/** The sample's policy and cluster, read by the parts that will read them for real. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeSampleFiles } from '../../src/adapters/storage/filesystem/write-sample.ts'
import { sampleWorld } from '../../src/app/demo/sample-world.ts'
import { composeSources, managedRegistriesOf } from '../../src/compose.ts'
import type { Configuration } from '../../src/config/configuration.ts'
import { lintConfiguration } from '../../src/config/lint.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { makeFolder, removeFolder } from './world.ts'

const world = sampleWorld(Date.parse('2026-06-15T12:00:00Z'), false)
let dir = ''
let configuration: Configuration

beforeAll(async () => {
  dir = await makeFolder()
  const small = world.files.filter(({ path }) => !path.startsWith('registry/'))
  await writeSampleFiles(dir, small)
  const path = join(dir, world.configPath)
  configuration = loadConfiguration({ path, text: await readFile(path, 'utf8') })
})
afterAll(() => removeFolder(dir))

it('has a policy that nothing is to be said against', () => {
  expect(lintConfiguration(configuration)).toEqual([])
})

it('has evidence that is complete, from the cluster, from Helm and from the list', async () => {
  const managed = { registries: managedRegistriesOf(configuration), tagsOf: () => new Set<string>() }
  const gathered = await Promise.all(composeSources(configuration).map((source) => source.gather(managed)))
  expect(gathered.map(({ name, complete, problems }) => ({ name, complete, problems }))).toEqual([
    { name: 'kubernetes:lab', complete: true, problems: [] },
    { name: 'helm:lab', complete: true, problems: [] },
    { name: 'references:pinned', complete: true, problems: [] },
  ])
  const references = gathered.map((source) => new Set(source.references.map(({ reference }) => reference)))
  expect(
    [...(references[0] ?? [])].filter((reference) => reference.startsWith('registry.example.com/')),
  ).toEqual(
    expect.arrayContaining(
      ['team/web:2.1.0', 'team/web:pr-417', 'team/worker:1.2.0', 'team/worker:1.3.0', 'team/api:main'].map(
        (name) => `registry.example.com/${name}`,
      ),
    ),
  )
  expect([...(references[1] ?? [])]).toEqual(
    expect.arrayContaining(
      ['2.2.0', '2.4.0', '3.1.0', '3.1.2'].map((tag) => `registry.example.com/team/api:${tag}`),
    ),
  )
})
