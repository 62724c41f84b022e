/**
 * Plans, applies and undoes beside the fakes of registries whose manifests outlive their tags: they collect them some day, and
 * give them out by digest until then. Signatures and fallback tags go with their image all the same, and a second plan
 * finds nothing to do.
 */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { apply, type ApplyPorts, type ApplyReport } from '../../src/app/apply.ts'
import { plan } from '../../src/app/plan.ts'
import { planUndo, undo } from '../../src/app/undo.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { newRunId } from '../../src/core/journal/run-id.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { seedGraph, type PlantedName } from '../conformance/registry-fixture.ts'
import { startDockerHubLab } from './docker-hub-lab.ts'
import { startGitLabLab } from './gitlab-lab.ts'
import type { RegistryLab } from './lab.ts'
import { startQuayLab } from './quay-lab.ts'
import { startTrowLab } from './trow-lab.ts'

const repository = parseRepositoryName('acme/app') as RepositoryName
const request = { registries: [], leftOut: [], accepted: [] }
const labs: RegistryLab[] = []
let runs = 0

afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

interface Run {
  readonly plan: Plan
  readonly report: ApplyReport
  readonly ports: ApplyPorts
}

/** Plans and applies; `keep` are tags that stay. */
async function run({ reader, writer }: RegistryLab, keep: string): Promise<Run> {
  const { policySet } = loadConfiguration({
    path: 'winnow.yaml',
    text: `version: 1
registries: {test: {url: "https://registry.example.com"}}
protect: {youngerThan: 0s, seenInUseWithin: 0s}
limits: {maxDeletions: 500, maxShare: 100%, minSurvivors: 0}
policies:
  - name: all
    repositories: ["${repository}"]
    rules: [{name: kept, match: {tags: ["${keep}"]}, keep: {all: true}}]
    unmatched: delete
`,
  })
  const now = (): number => Date.now() + 1000
  const common = { sources: [], memory: undefined, now }
  const hash = (texts: Iterable<string>): Digest =>
    `sha256:${createHash('sha256')
      .update([...texts].join(''))
      .digest('hex')}` as Digest
  const { plan: made } = await plan(
    { ...request, policySet, policyText: '' },
    { ...common, readers: [reader], hash },
  )
  const ports: ApplyPorts = {
    ...common,
    registries: new Map([[reader.name, { reader, writer }]]),
    journal: createMemoryJournalStore(),
    leases: createMemoryLeaseStore(),
    newRunId: (at) => newRunId(at, (runs += 1).toString(16).padStart(4, '0')),
  }
  const report = await apply(made, { ...request, limits: policySet.limits, holder: 'test:1' }, ports)
  return { plan: made, report, ports }
}

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
    const first = await run(lab, graph.chart.tags[0] ?? '')
    expect(first.report.lines.filter(({ outcome }) => outcome !== 'deleted')).toEqual([])
    expect(await tagsIn(lab)).toEqual(graph.chart.tags.map((tag) => `${tag} ${graph.chart.digest}`))
    expect((await run(lab, graph.chart.tags[0] ?? '')).plan.actions).toEqual([])
    if (!undoes || first.report.run === undefined) return
    const planned = await planUndo(first.report.run, {}, first.ports.journal)
    const { lines } = await undo(planned.run, planned.plan, 'test:1', first.ports)
    expect(lines.map(({ outcome }) => outcome)).not.toContain('failed')
    expect(await tagsIn(lab)).toEqual(before)
  })

  it('the signature of an image that stays, stays', async () => {
    const lab = await start()
    labs.push(lab)
    const graph = await seedGraph(lab.seeder, repository, without)
    await run(lab, 'v1')
    const left = await tagsIn(lab)
    expect(left).toContain(`${graph.signature.tags[0] ?? ''} ${graph.signature.digest}`)
    expect(left).toContain(`v1 ${graph.index.digest}`)
  })
})
