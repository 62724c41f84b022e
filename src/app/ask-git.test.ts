import { describe, expect, it } from 'vitest'
import { commitId, history, type CommitGiven, type ReferenceGiven } from '../../test/builders/histories.ts'
import { dayMs, daysAgo, now, repositoryName } from '../../test/builders/images.ts'
import { sha256 } from '../../test/builders/plans.ts'
import { keep, policy, policySet, rule } from '../../test/builders/policies.ts'
import { createMemoryJournalStore } from '../adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../adapters/journal/memory/lease.ts'
import { createMemoryMemory } from '../adapters/journal/memory/memory.ts'
import { createMemoryRegistry, type MemoryRegistry } from '../adapters/registries/memory/memory-registry.ts'
import type { GitHistory } from '../core/git/git-history.ts'
import { ociManifestType } from '../core/image/media-types.ts'
import type { TagName } from '../core/image/names.ts'
import { newRunId } from '../core/journal/run-id.ts'
import { compileTagPattern } from '../core/policy/compile-patterns.ts'
import type { GitCriterion, PolicySet } from '../core/policy/policy.ts'
import type { GitReader, GitRequest } from '../ports/git-reader.ts'
import { apply } from './apply.ts'
import type { GitPorts } from './ask-git.ts'
import { EvidenceIncompleteError } from './gather-evidence.ts'
import { plan, type Planned, type PlanRequest } from './plan.ts'

const team = repositoryName('team/app')
const commitLabels = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8']

/** A line of eight commits, each with an image of its own name. */
function world(): { readonly registry: MemoryRegistry; readonly commits: readonly CommitGiven[] } {
  const registry = createMemoryRegistry({ pushTime: true, now: () => daysAgo(30) })
  for (const label of commitLabels) push(registry, label, commitId(label))
  const commits = commitLabels.map((id, index) => ({
    id,
    parents: index === 0 ? [] : [`c${index}`],
    committedAt: now - (20 - index) * dayMs,
  }))
  return { registry, commits }
}

function push(registry: MemoryRegistry, tag: string, commit: string | undefined): void {
  const labels = commit === undefined ? {} : { 'org.opencontainers.image.revision': commit }
  const bytes = Buffer.from(JSON.stringify({ tag, config: { Labels: labels } }))
  const mediaType = 'application/vnd.oci.image.config.v1+json'
  const config = { mediaType, digest: registry.putBlob(team, bytes), size: bytes.length }
  const document = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [] }
  registry.putManifest(team, {
    bytes: Buffer.from(JSON.stringify(document)),
    mediaType: ociManifestType,
    tag: tag as TagName,
  })
}

/** Answers with what `told` says when it is asked, and remembers the questions. */
function reader(told: () => GitHistory): GitReader & { readonly asked: GitRequest[] } {
  const asked: GitRequest[] = []
  return {
    name: 'app',
    asked,
    async read(request) {
      asked.push(request)
      return told()
    },
  }
}

const branch = (name: string, commit: string): ReferenceGiven => ({ kind: 'branch', name, commit })

const branches: GitCriterion = {
  kind: 'git',
  repository: 'app',
  of: 'branch',
  pattern: compileTagPattern('/.*/'),
  references: { combine: 'any' },
  images: { combine: 'any' },
  graceMs: 0,
}

function asking(criterion: GitCriterion = branches): PolicySet {
  return policySet({
    policies: [policy({ rules: [rule(keep(criterion), { name: 'git' })] })],
    git: [
      { name: 'app', images: undefined, commitTags: undefined, absentCommits: 'keep', maxLostShare: 0.3 },
    ],
  })
}

const gitPorts = (git: GitReader): GitPorts => ({
  readers: new Map([[git.name, git]]),
  recorded: async () => new Map(),
})

function planning(
  { registry }: { readonly registry: MemoryRegistry },
  git: GitReader,
  memory = createMemoryMemory(),
): (given?: Partial<PlanRequest>) => Promise<Planned> {
  const ports = {
    readers: [registry.reader],
    sources: [],
    memory,
    now: () => now,
    hash: sha256,
    git: gitPorts(git),
  }
  const request = { policySet: asking(), policyText: '', registries: [], leftOut: [], accepted: [] }
  return (given = {}) => plan({ ...request, ...given }, ports)
}

const goes = ({ plan: { actions } }: Planned): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'delete' ? action.tags : [])).toSorted()

describe('a history that lost what images hang on', () => {
  it('stops the plan when a branch was rewritten, until that is accepted by name, and then it is the new state', async () => {
    const it = world()
    let main = 'c8'
    const make = planning(
      it,
      reader(() => history(it.commits, [branch('main', main)], commitLabels)),
    )
    expect(goes(await make())).toEqual([])
    main = 'c4'
    await expect(make()).rejects.toThrow(/4 of 8 commits.*branch main was rewritten/)
    await expect(make()).rejects.toThrow(EvidenceIncompleteError)
    const accepted = await make({ accepted: ['git:app/lost-links'] })
    expect(goes(accepted)).toEqual(['c5', 'c6', 'c7', 'c8'])
    expect(accepted.plan.warnings.join('\n')).toContain('git:app/lost-links')
    expect(goes(await make())).toEqual(['c5', 'c6', 'c7', 'c8'])
  })

  it('believes what is within the share, and branches that were deleted', async () => {
    const it = world()
    let references = [branch('main', 'c8')]
    const make = planning(
      it,
      reader(() => history(it.commits, references, commitLabels)),
    )
    await make()
    references = [branch('main', 'c6')]
    expect(goes(await make())).toEqual(['c7', 'c8'])
    references = [branch('main', 'c6'), branch('feature', 'c8')]
    await make()
    references = [branch('main', 'c3'), branch('other', 'c6')]
    expect(goes(await make())).toEqual(['c7', 'c8'])
  })

  it('stops the plan when nothing is reached any more', async () => {
    const it = world()
    let references = [branch('main', 'c8')]
    const make = planning(
      it,
      reader(() =>
        history([...it.commits, { id: 'x', parents: [], committedAt: now }], references, commitLabels),
      ),
    )
    await make()
    references = [branch('new', 'x')]
    await expect(make()).rejects.toThrow(/8 of 8 commits.*branches or tags are gone/)
  })

  it('does not forget what was reached when a plan is applied', async () => {
    const it = world()
    const memory = createMemoryMemory()
    let main = 'c8'
    const git = reader(() => history(it.commits, [branch('main', main), branch('old', 'c2')], commitLabels))
    const make = planning(it, git, memory)
    push(it.registry, 'unlinked', undefined)
    await applied(await make(), it.registry, git, memory)
    main = 'c2'
    await expect(make()).rejects.toThrow(/branch main was rewritten/)
  })
})

describe('a Git repository that is not asked', () => {
  it('keeps all that its rules reach when it was left out, and says so', async () => {
    const it = world()
    const git = reader(() => history(it.commits, [branch('main', 'c1')], commitLabels))
    const planned = await planning(it, git)({ leftOut: ['git:app'] })
    expect(git.asked).toEqual([])
    expect(goes(planned)).toEqual([])
    expect(planned.plan.kept[0]?.reasons.map(({ kind }) => kind)).toEqual(['kept-git-unknown'])
    expect(planned.plan.evidence).toMatchObject([{ source: 'git:app', leftOut: true }])
    expect(planned.plan.warnings.join('\n')).toContain('8 images are kept because Git cannot tell')
  })

  it('stops the plan when it could not be read', async () => {
    const it = world()
    const told = history(it.commits, [branch('main', 'c8')], commitLabels)
    const git = reader(() => ({
      ...told,
      complete: false,
      problems: [{ severity: 'incomplete', text: 'It is shallow.', accept: undefined }],
    }))
    await expect(planning(it, git)()).rejects.toThrow(/git:app.*\n.*It is shallow/)
  })

  it('is not asked at all where no policy with such a rule governs anything', async () => {
    const it = world()
    const git = reader(() => history(it.commits, [], []))
    const { policies, ...rest } = asking()
    const elsewhere = policy({ repositories: ['other/**'], rules: policies[0]?.rules ?? [] })
    await planning(it, git)({ policySet: { ...rest, policies: [elsewhere] } })
    expect(git.asked).toEqual([])
  })
})

it('keeps what is linked to something that names no commit, and does not ask for it', async () => {
  const it = world()
  push(it.registry, 'named', 'release-candidate')
  const git = reader(() => history(it.commits, [branch('main', 'c1')], commitLabels))
  const planned = await planning(it, git)()
  expect(goes(planned)).toEqual(commitLabels.slice(1))
  expect(git.asked[0]?.commits).toEqual(commitLabels.map(commitId).sort())
  expect(planned.plan.warnings.join()).toContain('"release-candidate" (by label) names no commit')
})

it('keeps all images when none of their commits is reached, even where absent commits count as unneeded', async () => {
  const it = world()
  const other = [{ id: 'x', parents: [], committedAt: now }]
  const git = reader(() => history(other, [branch('main', 'x')], commitLabels))
  const set = asking()
  const lenient = set.git.map((repository) => ({ ...repository, absentCommits: 'unneeded' as const }))
  expect(goes(await planning(it, git)({ policySet: { ...set, git: lenient } }))).toEqual([])
})

it('is asked after the inventory, once, with every commit that images are linked to', async () => {
  const it = world()
  const git = reader(() => history(it.commits, [branch('main', 'c8')], commitLabels))
  await planning(it, git)()
  expect(git.asked).toEqual([{ commits: commitLabels.map(commitId).sort(), pullRequests: false }])
})

it('warns of a rule that no reference matches', async () => {
  const it = world()
  const git = reader(() => history(it.commits, [branch('main', 'c8')], commitLabels))
  const misspelt = { ...branches, pattern: compileTagPattern('/mian/') }
  const { plan: made } = await planning(it, git)({ policySet: asking(misspelt) })
  expect(made.warnings).toContain('git:app: No branch of app matches mian, so the rule "git" keeps nothing.')
})

it('asks for pull requests where a rule speaks of them, back to the grace', async () => {
  const it = world()
  const git = reader(() => history(it.commits, [branch('main', 'c8')], commitLabels))
  await planning(it, git)({ policySet: asking({ ...branches, of: 'pull-request', graceMs: 3 * dayMs }) })
  expect(git.asked).toMatchObject([{ pullRequests: true, closedSince: now - 3 * dayMs }])
})

it('is asked again before a deletion, and spares what a tag came to need', async () => {
  const it = world()
  let references: readonly ReferenceGiven[] = [branch('main', 'c8')]
  const git = reader(() => history(it.commits, references, commitLabels))
  const two = { ...branches, images: { newest: 2, combine: 'any' as const } }
  const releases = { ...branches, of: 'tag' as const }
  const set = asking(two)
  const rules = [rule(keep(two), { name: 'main' }), rule(keep(releases), { name: 'releases' })]
  const memory = createMemoryMemory()
  const planned = await planning(it, git, memory)({ policySet: { ...set, policies: [policy({ rules })] } })
  expect(goes(planned)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5', 'c6'])
  references = [branch('main', 'c8'), { kind: 'tag', name: 'v1', commit: 'c3' }]
  const report = await applied(planned, it.registry, git, memory, { ...set, policies: [policy({ rules })] })
  const spared = report.lines.filter(({ outcome }) => outcome === 'in-use')
  expect(spared.map(({ action, text }) => [action.kind === 'delete' && action.tags, text])).toEqual([
    [['c3'], expect.stringMatching(/now in use: ← commit .* ← tag v1 .* \(releases\) \(git\)/)],
  ])
  expect(report.lines.filter(({ outcome }) => outcome === 'deleted')).toHaveLength(5)
})

function applied(
  { plan: made }: Planned,
  registry: MemoryRegistry,
  git: GitReader,
  memory: ReturnType<typeof createMemoryMemory>,
  set = asking(),
): ReturnType<typeof apply> {
  return apply(
    made,
    {
      registries: [],
      limits: { maxDeletions: 100 },
      policySet: set,
      leftOut: [],
      accepted: [],
      holder: 'test',
    },
    {
      sources: [],
      memory,
      now: () => now,
      git: gitPorts(git),
      registries: new Map([[registry.reader.name, registry]]),
      journal: createMemoryJournalStore(),
      leases: createMemoryLeaseStore(),
      newRunId: (at) => newRunId(at, '0000'),
    },
  )
}
