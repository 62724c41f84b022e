/** Plans and applies on one repository, and takes it back: what the tests that follow an image through a whole run share. */
import { createHash } from 'node:crypto'
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { apply, type ApplyReport, type RegistryPorts } from '../../src/app/apply.ts'
import { plan } from '../../src/app/plan.ts'
import { planUndo, undo, type UndoReport } from '../../src/app/undo.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName } from '../../src/core/image/names.ts'
import { newRunId } from '../../src/core/journal/run-id.ts'
import type { Plan } from '../../src/core/plan/plan.ts'

export interface RunOn {
  readonly plan: Plan
  readonly report: ApplyReport
  /** Takes the run back; nothing where there was nothing to do. */
  readonly undo: () => Promise<UndoReport['lines']>
}

/** Deletes everything in a repository but the images with a tag that `keep` matches. */
export async function runOn(
  { reader, writer }: RegistryPorts,
  repository: RepositoryName,
  keep: string,
): Promise<RunOn> {
  const { policySet } = loadConfiguration({ path: 'winnow.yaml', text: policyFor(repository, keep) })
  const request = { registries: [], leftOut: [], accepted: [] }
  const common = { sources: [], memory: undefined, now: () => Date.now() + 1000 }
  const { plan: made } = await plan(
    { ...request, policySet, policyText: '' },
    { ...common, readers: [onlyOf(reader, repository)], hash: digestOf },
  )
  const journal = createMemoryJournalStore()
  let runs = 0
  const ports = {
    ...common,
    registries: new Map([[reader.name, { reader, writer }]]),
    journal,
    leases: createMemoryLeaseStore(),
    newRunId: (at: number) => newRunId(at, (runs += 1).toString(16).padStart(4, '0')),
  }
  const report = await apply(made, { ...request, limits: policySet.limits, holder: 'test:1' }, ports)
  return {
    plan: made,
    report,
    undo: async () => {
      if (report.run === undefined) return []
      const planned = await planUndo(report.run, {}, journal)
      return (await undo(planned.run, planned.plan, 'test:1', ports)).lines
    },
  }
}

/** Other repositories of the same registry need not be read. */
function onlyOf(reader: RegistryPorts['reader'], repository: RepositoryName): RegistryPorts['reader'] {
  return {
    name: reader.name,
    capabilities: (options) => reader.capabilities(options),
    listRepositories: async () => [repository],
    readRepository: (name, options) => reader.readRepository(name, options),
    resolveTag: (name, tag, options) => reader.resolveTag(name, tag, options),
    readManifest: (name, digest, options) => reader.readManifest(name, digest, options),
    hasBlob: (name, digest, options) => reader.hasBlob(name, digest, options),
  }
}

function policyFor(repository: RepositoryName, keep: string): string {
  return `version: 1
registries: {test: {url: "https://registry.example.com"}}
protect: {youngerThan: 0s, seenInUseWithin: 0s}
limits: {maxDeletions: 5000, maxShare: 100%, minSurvivors: 0}
policies:
  - name: all
    repositories: ["${repository}"]
    rules: [{name: kept, match: {tags: ["${keep}"]}, keep: {all: true}}]
    unmatched: delete
`
}

function digestOf(texts: Iterable<string>): Digest {
  return `sha256:${createHash('sha256')
    .update([...texts].join(''))
    .digest('hex')}` as Digest
}
