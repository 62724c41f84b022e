/**
 * `importSources: unneeded`, werf's own way: what an image imports from stays with it, except where nothing but Git keeps the
 * image. Every other reason, and everything that happens after the plan, keeps it.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import { parsePlanFile, planDocument } from '../../src/core/plan/plan-file.ts'
import type { Plan } from '../../src/core/plan/plan.ts'
import { recheck } from '../../src/core/plan/recheck.ts'
import { compileTagPattern } from '../../src/core/policy/compile-patterns.ts'
import type { Rule } from '../../src/core/policy/policy.ts'
import { commitId, history } from '../builders/histories.ts'
import { now } from '../builders/images.ts'
import { deletesOf, planOfRules, repository, resolvedAs } from '../builders/plans.ts'
import { keep, policySet, rule, tagged } from '../builders/policies.ts'
import { WerfBuilder, type WerfStage } from './make-werf-repository.ts'
import { goneDigests, hour } from './stories.ts'

/** `top` is of the commit of main; it was built on `parent`, imports `assets`, and `parent` imports `tools`. */
function tell() {
  const werf = new WerfBuilder()
  const tools = werf.stage({ content: 'tools', at: hour(0) })
  const assets = werf.stage({ content: 'assets', at: hour(1) })
  const parent = werf.stage({ content: 'parent', at: hour(2), imports: [tools] })
  const top = werf.stage({ content: 'top', at: hour(3), commit: commitId('a'), parent, imports: [assets] })
  return { werf, stages: { tools, assets, parent, top } }
}

const byGit = rule(
  keep({
    kind: 'git',
    repository: 'app',
    of: 'branch',
    pattern: compileTagPattern('main'),
    references: { combine: 'any' },
    images: { combine: 'any' },
    graceMs: 0,
  }),
  { name: 'git', line: 3 },
)
const facts = {
  histories: new Map([
    [
      'app',
      history(
        [{ id: 'a', parents: [], committedAt: hour(0) }],
        [{ kind: 'branch', name: 'main', commit: 'a' }],
        ['a'],
      ),
    ],
  ]),
  recorded: new Map(),
}

function planFor(
  werf: WerfBuilder,
  {
    rules = [byGit],
    used = [],
    importSources = 'unneeded',
  }: {
    readonly rules?: readonly Rule[]
    readonly used?: readonly WerfStage[]
    readonly importSources?: 'keep' | 'unneeded'
  } = {},
): Plan {
  const app = {
    name: 'app',
    images: undefined,
    commitTags: undefined,
    absentCommits: 'keep' as const,
    importSources,
    maxLostShare: 1,
  }
  return planOfRules(werf.manifests(), rules, {
    git: facts,
    policySet: { ...policySet(), git: [app] },
    resolved: resolvedAs(new Map(used.map(({ digest }) => [digest, [{ source: 'k', where: 'Pod a' }]]))),
  })
}

describe('in a plan', () => {
  const { werf, stages } = tell()
  const gone = (given: Parameters<typeof planFor>[1]): readonly string[] => {
    const digests = goneDigests(planFor(werf, given))
    return Object.entries(stages).flatMap(([name, { digest }]) => (digests.has(digest) ? [name] : []))
  }

  it('lets go of import sources, and of those of parents, but of no parent', () => {
    expect(gone({})).toEqual(['tools', 'assets'])
  })

  it('keeps them unless it is asked to let go', () => {
    expect(gone({ importSources: 'keep' })).toEqual([])
  })

  it('keeps those of an image that is in use as well', () => {
    expect(gone({ used: [stages.top] })).toEqual([])
    expect(gone({ used: [stages.parent] })).toEqual(['assets'])
  })

  it('keeps those of an image that another rule keeps as well', () => {
    const other = rule(keep({ kind: 'all' }), { name: 'other', match: tagged(stages.top.id) })
    expect(gone({ rules: [byGit, other] })).toEqual([])
    expect(gone({ rules: [byGit, { ...other, name: 'git', line: 3 }] })).toEqual([])
  })

  it('keeps those of an image that a rule by Git keeps for something else, too', () => {
    const { effect } = byGit
    const criteria = effect.kind === 'keep' ? effect.criteria : []
    const two = keep([...criteria, { kind: 'newest', count: 1 }], { combine: 'any' })
    expect(gone({ rules: [{ ...byGit, effect: two }] })).toEqual([])
  })

  it('names what lets go of each, in the file as well', () => {
    const plan = planFor(werf)
    const lines = deletesOf(parsePlanFile(JSON.stringify(planDocument(plan)), 'plan.json'))
    const sourceOf = (stage: WerfStage): readonly Digest[] | undefined =>
      lines.find(({ digest }) => digest === stage.digest)?.sourceOf
    expect(sourceOf(stages.assets)).toEqual([stages.top.digest])
    expect(sourceOf(stages.tools)).toEqual([stages.parent.digest])
  })

  it('never deletes more for one more keep rule, or for one more image in use', () => {
    const all = Object.values(stages)
    fc.assert(
      fc.property(fc.subarray(all), fc.constantFrom(...all), fc.boolean(), (some, one, isUse) => {
        const more = rule(keep({ kind: 'all' }), { name: 'more', match: tagged(one.id) })
        const before = goneDigests(planFor(werf, { used: some }))
        const after = goneDigests(
          isUse
            ? planFor(werf, { used: [...some, one] })
            : planFor(werf, { used: some, rules: [byGit, more] }),
        )
        for (const digest of after) expect(before).toContain(digest)
      }),
      { numRuns: 100 },
    )
  })
})

describe('looking again before anything is deleted', () => {
  function checksOf(
    werf: WerfBuilder,
    plan: Plan,
    used: readonly WerfStage[] = [],
  ): ReadonlyMap<string, string> {
    const checks = recheck({
      actions: plan.actions,
      repository: repository('team/app', werf.manifests()),
      inUse: new Map(used.map(({ digest }) => [digest, [{ source: 'k', where: 'Pod a' }]])),
      heldBack: undefined,
      plannedAt: now,
    })
    return new Map(checks.map((check) => [check.action.digest, check.kind]))
  }

  it('goes on as planned where nothing happened', () => {
    const { werf, stages } = tell()
    const checks = checksOf(werf, planFor(werf))
    expect([stages.assets, stages.tools].map(({ digest }) => checks.get(digest))).toEqual(['go', 'go'])
  })

  it('spares all that an image needs which came into use', () => {
    const { werf, stages } = tell()
    const checks = checksOf(werf, planFor(werf), [stages.top])
    expect([stages.assets, stages.tools].map(({ digest }) => checks.get(digest))).toEqual([
      'drifted',
      'drifted',
    ])
  })

  it('spares what a stage that is new was built from', () => {
    const { werf, stages } = tell()
    const plan = planFor(werf)
    werf.stage({ content: 'new', at: hour(9), imports: [stages.assets] })
    const checks = checksOf(werf, plan)
    expect([stages.assets, stages.tools].map(({ digest }) => checks.get(digest))).toEqual(['drifted', 'go'])
  })
})
