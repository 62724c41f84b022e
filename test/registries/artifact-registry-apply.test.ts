/**
 * Plans, applies and undoes beside the fake of Google's registry, which deletes nothing that a tag, an index or a referrer
 * is left on: images go whole all the same, signatures with their tags included, and come back whole.
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
import { seedGraph } from '../conformance/registry-fixture.ts'
import { pushImage, pushReferrer } from '../servers/push.ts'
import { startGoogleLab, type GoogleLab } from './artifact-registry-lab.ts'

const repository = parseRepositoryName('shop/apps/web') as RepositoryName
const request = { registries: [], leftOut: [], accepted: [] }
const labs: GoogleLab[] = []
let runs = 0

afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop()
})

async function start(): Promise<GoogleLab> {
  const lab = await startGoogleLab({ hasApi: false, login: 'none' })
  labs.push(lab)
  return lab
}

interface Applied {
  readonly report: ApplyReport
  readonly ports: ApplyPorts
}

/** Applies what a policy makes of the registry; `keep` are tags that stay. */
async function applied({ reader, writer }: GoogleLab, keep: string): Promise<Applied> {
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
  return { report, ports }
}

async function undone({ report, ports }: Applied): Promise<readonly string[]> {
  if (report.run === undefined) throw new Error('nothing ran')
  const planned = await planUndo(report.run, {}, ports.journal)
  return (await undo(planned.run, planned.plan, 'test:1', ports)).lines.map(({ outcome }) => outcome)
}

const stateOf = ({ server }: GoogleLab) => {
  const held = server.store.repositories.get(repository)
  return {
    manifests: [...(held?.manifests.keys() ?? [])].toSorted(),
    tags: [...(held?.tags ?? [])].map(([tag, { digest }]) => `${tag} ${digest}`).toSorted(),
  }
}

describe('on Google’s registry', () => {
  it('an image goes with its signature, whose tag goes first, and with what refers to its parts', async () => {
    const lab = await start()
    await seedGraph(lab.seeder, repository, [])
    const before = stateOf(lab)
    const run = await applied(lab, 'nothing')
    expect(run.report.lines.filter(({ outcome }) => outcome !== 'deleted')).toEqual([])
    expect(stateOf(lab)).toEqual({ manifests: [], tags: [] })
    expect(await undone(run)).not.toContain('failed')
    expect(stateOf(lab)).toEqual(before)
  })

  it('an image that has a referrer itself goes after it', async () => {
    const lab = await start()
    const image = await pushImage(lab.server.url, repository, { tags: ['signed'] })
    await pushReferrer(lab.server.url, repository, image.descriptor)
    await pushImage(lab.server.url, repository, { tags: ['kept'] })
    const before = stateOf(lab)
    const run = await applied(lab, 'kept')
    expect(run.report.lines.map(({ outcome }) => outcome)).toEqual(['deleted'])
    expect(stateOf(lab).tags.map((tag) => tag.split(' ')[0])).toEqual(['kept'])
    expect(stateOf(lab).manifests).toHaveLength(1)
    expect(await undone(run)).not.toContain('failed')
    expect(stateOf(lab)).toEqual(before)
  })

  it('an image stays with its referrers where one of them is kept for itself', async () => {
    const lab = await start()
    const image = await pushImage(lab.server.url, repository, { tags: ['signed'] })
    const lone = await pushReferrer(lab.server.url, repository, image.descriptor)
    const kept = await pushReferrer(lab.server.url, repository, image.descriptor, {
      tags: ['kept'],
      artifactType: 'application/vnd.example.report',
    })
    await applied(lab, 'kept')
    expect(stateOf(lab).manifests).toEqual([image.digest, lone.digest, kept.digest].toSorted())
  })
})
