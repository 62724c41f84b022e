/**
 * One run over registries of every kind at once: each is read, planned, changed and put back, and none of them is shown
 * what belongs to another.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { plant, seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { winnow, type Ended } from '../support/winnow-in-process.ts'
import { labs, type LabEntry } from './labs.ts'
import type { RegistryLab } from './lab.ts'

interface Opened {
  readonly entry: LabEntry
  readonly name: string
  readonly lab: RegistryLab
  readonly repository: RepositoryName
  readonly graph: Graph
}

let folder: string
let opened: readonly Opened[]
let environment: Record<string, string>

const secretHeaders = ['authorization', 'cookie', 'x-jfrog-art-api', 'x-nexus-token', 'private-token']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'winnow-several-'))
  opened = await Promise.all(
    labs.map(async (entry) => {
      const lab = await entry.start()
      const repository = parseRepositoryName((entry.repositoryOf ?? ((mark) => `team/${mark}`))('several'))
      if (repository === undefined) throw new Error(`${entry.kind} has no name for a repository`)
      await seedGraph(lab.seeder, repository, entry.without ?? [])
      const { graph } = plant(repository)
      for (const fake of lab.fakes) fake.forgetRequests()
      return { entry, name: entry.kind, lab, repository, graph }
    }),
  )
  environment = { HOME: folder, PATH: process.env['PATH'] ?? '', XDG_STATE_HOME: folder }
  for (const { lab } of opened) Object.assign(environment, lab.environment)
  const configuration = {
    version: 1,
    registries: Object.fromEntries(opened.map(({ name, lab }) => [name, lab.configuration])),
    protect: { youngerThan: '0s', seenInUseWithin: '0s' },
    limits: { maxShare: '100%', minSurvivors: 0 },
    policies: [
      {
        name: 'all',
        repositories: [...new Set(opened.map(({ repository }) => `${repository}`))],
        rules: [{ name: 'kept', match: { tags: ['!epoch'] }, keep: { all: true } }],
        unmatched: 'delete',
      },
    ],
  }
  await writeFile(join(folder, 'winnow.yaml'), JSON.stringify(configuration))
}, 120_000)

afterAll(async () => {
  for (const { lab } of opened) await lab.stop()
  await rm(folder, { recursive: true })
})

function run(...words: readonly string[]): Promise<Ended> {
  return winnow(
    [...words, '--config', join(folder, 'winnow.yaml'), '--state', join(folder, 'state')],
    environment,
  )
}

describe('one run over registries of every kind', () => {
  let applied: string

  it('plans the one image that nothing keeps, in each of them', async () => {
    const { code, stdout, stderr } = await run('plan', '--out', join(folder, 'plan.json'), '-o', 'json')
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const plan = JSON.parse(stdout) as Plan
    for (const { name, repository, graph } of opened) {
      const lines = plan.actions.filter(({ registry, tags }) => registry === name && tags.length > 0)
      expect(lines, name).toMatchObject([{ repository, digest: graph.epoch.digest, tags: ['epoch'] }])
    }
  }, 120_000)

  it('deletes it in each of them, and nothing else', async () => {
    const { code, stdout, stderr } = await run('apply', join(folder, 'plan.json'), '--yes', '-o', 'json')
    expect({ code, stderr, stdout }).toMatchObject({ code: 0 })
    applied = (JSON.parse(stdout) as { readonly run: string }).run
    for (const { name, lab, repository, graph } of opened) {
      expect(await lab.reader.resolveTag(repository, 'epoch' as never), name).toBeUndefined()
      expect(await lab.reader.resolveTag(repository, 'v1' as never), name).toBe(graph.index.digest)
    }
  }, 120_000)

  it('puts it back in each of them that still has the layers, and tells of the others', async () => {
    const { code, stdout, stderr } = await run('undo', applied, '--yes')
    const isWhole = opened.every(({ entry }) => entry.forgetsLayers !== true)
    expect({ code, stderr, stdout }).toMatchObject({ code: isWhole ? 0 : 4 })
    for (const { entry, name, lab, repository, graph } of opened) {
      const isBack = entry.forgetsLayers !== true
      expect(await lab.reader.resolveTag(repository, 'epoch' as never), name).toBe(
        isBack ? graph.epoch.digest : undefined,
      )
    }
  }, 120_000)

  it('shows no registry what belongs to another', () => {
    const shown = opened.map(({ name, lab }) => ({
      name,
      secrets: new Set(
        lab.fakes.flatMap(({ requests }) =>
          requests.flatMap(({ headers }) => secretHeaders.flatMap((header) => headers[header] ?? [])),
        ),
      ),
    }))
    for (const { name, secrets } of shown) {
      for (const other of shown) {
        if (other.name === name) continue
        for (const secret of secrets)
          expect(other.secrets.has(secret), `${name} and ${other.name}`).toBe(false)
      }
    }
  })
})

interface Plan {
  readonly actions: readonly {
    readonly registry: string
    readonly repository: string
    readonly digest: string
    readonly tags: readonly string[]
  }[]
}
