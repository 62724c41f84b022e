/**
 * Plans, applies and undoes beside the fakes of registries whose manifests outlive their tags: they collect them some day, and
 * give them out by digest until then. Signatures and fallback tags go with their image all the same, and a second plan
 * finds nothing to do.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type PlantedName } from '../conformance/registry-fixture.ts'
import { startDockerHubLab } from './docker-hub-lab.ts'
import { startGitLabLab } from './gitlab-lab.ts'
import type { RegistryLab } from './lab.ts'
import { startQuayLab } from './quay-lab.ts'
import { runOn } from './run-on.ts'
import { startTrowLab } from './trow-lab.ts'

const repository = parseRepositoryName('acme/app') as RepositoryName
const labs: RegistryLab[] = []

afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function tagsIn({ reader }: RegistryLab): Promise<readonly string[]> {
  const { manifests } = await reader.readRepository(repository)
  return manifests.flatMap(({ digest, tags }) => tags.map(({ name }) => `${name} ${digest}`)).toSorted()
}

const products: readonly {
  readonly name: string
  readonly start: () => Promise<RegistryLab>
  readonly without?: readonly PlantedName[]
  readonly undoes?: boolean
}[] = [
  { name: 'GitLab', start: startGitLabLab },
  { name: 'GitLab without a database', start: () => startGitLabLab({ hasDatabase: false }) },
  { name: 'Quay', start: startQuayLab },
  { name: 'Quay that gives out nothing without a tag', start: () => startQuayLab({ isStrict: true }) },
  // It deletes for good, but nothing that an untagged index, which it does not list, still holds.
  { name: 'Docker Hub', start: startDockerHubLab, without: ['orphan'], undoes: false },
  { name: 'Trow before 0.7', start: () => startTrowLab({ line: 'before-0.7' }), undoes: false },
  { name: 'Trow since 0.7', start: () => startTrowLab() },
]

describe.each(products)('on $name', ({ start, without = [], undoes = true }) => {
  it('the tags of what goes along go with the image, once, and come back', async () => {
    const lab = await start()
    labs.push(lab)
    const graph = await seedGraph(lab.seeder, repository, without)
    const before = await tagsIn(lab)
    const keep = graph.chart.tags[0] ?? ''
    const first = await runOn(lab, repository, keep)
    expect(first.report.lines.filter(({ outcome }) => outcome !== 'deleted')).toEqual([])
    expect(await tagsIn(lab)).toEqual(graph.chart.tags.map((tag) => `${tag} ${graph.chart.digest}`))
    expect((await runOn(lab, repository, keep)).plan.actions).toEqual([])
    if (!undoes) return
    expect((await first.undo()).map(({ outcome }) => outcome)).not.toContain('failed')
    expect(await tagsIn(lab)).toEqual(before)
  })

  it('the signature of an image that stays, stays', async () => {
    const lab = await start()
    labs.push(lab)
    const graph = await seedGraph(lab.seeder, repository, without)
    await runOn(lab, repository, 'v1')
    const left = await tagsIn(lab)
    expect(left).toContain(`${graph.signature.tags[0] ?? ''} ${graph.signature.digest}`)
    expect(left).toContain(`v1 ${graph.index.digest}`)
  })
})
