/** What a plan does with a repository of werf's: records go with their stage, sources stay with what was built on them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import type { PlanAction } from '../../src/core/plan/plan.ts'
import { recheck } from '../../src/core/plan/recheck.ts'
import { now } from '../builders/images.ts'
import { deletesOf, planOfRules, repository, resolvedAs, untagsOf } from '../builders/plans.ts'
import { keep, rule, tagged } from '../builders/policies.ts'
import { WerfBuilder } from './make-werf-repository.ts'
import { goneDigests, hour, reasonsOf, tellStory } from './stories.ts'

const keepTags = (...names: readonly string[]): ReturnType<typeof rule> =>
  rule(keep({ kind: 'all' }), { match: tagged(...names), name: 'wanted' })

describe.each([2, 3] as const)('a repository of werf %i', (version) => {
  const { werf, stages, records, whole } = tellStory(version)
  const manifests = werf.manifests()

  it('loses a stage with its records, and no other', () => {
    const plan = planOfRules(manifests, [keepTags(stages.back.id)])
    const line = deletesOf(plan).find(({ digest }) => digest === stages.older.digest)
    expect(line?.with.toSorted()).toEqual([records.older, records.custom].toSorted())
    expect(line?.tags.toSorted()).toEqual([stages.older.id, 'v1.0'].toSorted())
    expect(line?.withTags.map(({ tag }) => tag).toSorted()[0]).toBe('custom-tag-meta-v1.0')
    const rejected = deletesOf(plan).find(({ digest }) => digest === stages.rejected.digest)
    expect(rejected?.with).toContain(records.rejectedMark)
  })

  it('keeps what a stage that stays was built from, step by step, with its names and records', () => {
    const plan = planOfRules(manifests, [keepTags(stages.back.id)])
    const gone = goneDigests(plan)
    expect(gone.has(records.front)).toBe(false)
    expect(reasonsOf(plan, stages.front.digest)).toEqual([
      `needed-by: needed by ${stages.back.id}, which stays`,
    ])
    expect(reasonsOf(plan, stages.base.digest)).toEqual([
      `needed-by: needed by ${stages.front.id}, which stays`,
    ])
    expect(reasonsOf(plan, stages.assets.digest)).toEqual([
      `needed-by: needed by ${stages.front.id}, which stays`,
    ])
  })

  it('keeps a source when what was built on it is in use, and nothing for a source in use', () => {
    const used = (digest: Digest): ReturnType<typeof planOfRules> =>
      planOfRules(manifests, [], {
        resolved: resolvedAs(new Map([[digest, [{ source: 'k', where: 'Pod a' }]]])),
      })
    const byChild = goneDigests(used(stages.older.digest))
    expect(byChild.has(stages.base.digest)).toBe(false)
    const byParent = goneDigests(used(stages.base.digest))
    expect(byParent.has(stages.base.digest)).toBe(false)
    expect(byParent.has(stages.older.digest)).toBe(true)
  })

  it('keeps the platforms of an index, and records on the whole while any stage stays', () => {
    const plan = planOfRules(manifests, [keepTags(stages.multi.id)])
    const gone = goneDigests(plan)
    for (const digest of [stages.amd64.digest, stages.arm64.digest, records.multi, ...whole]) {
      expect(gone.has(digest)).toBe(false)
    }
    expect(reasonsOf(plan, whole[0] ?? ('' as Digest))).toEqual([
      'werf-record: werf keeps its own records here',
    ])
  })

  it('lets records on the whole go with the last stage', () => {
    const gone = goneDigests(planOfRules(manifests, []))
    expect(gone.size).toBe(manifests.length)
  })

  it('takes no tag from a stage that is needed, where tags go one by one', () => {
    const plan = planOfRules(manifests, [keepTags(stages.back.id)], { policy: { unit: 'tag' } })
    const untagged = untagsOf(plan).map(({ tag }) => tag)
    expect(untagged).toEqual([])
    expect(goneDigests(plan).has(stages.front.digest)).toBe(false)
  })

  it('never deletes more when one stage more stays', () => {
    const names = Object.values(stages).map((stage) => stage.id)
    fc.assert(
      fc.property(
        fc.subarray(names),
        fc.constantFrom(...names),
        fc.constantFrom('image', 'tag'),
        (some, one, unit) => {
          const goneWith = (kept: readonly string[]): ReadonlySet<Digest> =>
            goneDigests(
              planOfRules(manifests, kept.length === 0 ? [] : [keepTags(...kept)], { policy: { unit } }),
            )
          const before = goneWith(some)
          for (const digest of goneWith([...some, one])) expect(before).toContain(digest)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('plans the same whatever the order of its manifests', () => {
    const expected = planOfRules(manifests, [keepTags(stages.back.id)])
    fc.assert(
      fc.property(fc.shuffledSubarray([...manifests], { minLength: manifests.length }), (shuffled) => {
        expect(planOfRules(shuffled, [keepTags(stages.back.id)])).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })
})

describe('a look before the leap', () => {
  const recheckOf = (werf: WerfBuilder, actions: readonly PlanAction[]): ReadonlyMap<string, string> => {
    const checks = recheck({
      actions,
      repository: repository('team/app', werf.manifests()),
      inUse: new Map(),
      heldBack: undefined,
      plannedAt: now,
    })
    return new Map(checks.map((check) => [check.action.digest, check.kind]))
  }

  it('spares the sources of a stage that was built since, and records with it', () => {
    const werf = new WerfBuilder()
    const base = werf.stage({ content: 'base', at: hour(0) })
    const old = werf.stage({ content: 'old', at: hour(1), parent: base })
    const note = werf.managedImage('app', hour(1))
    const plan = planOfRules(werf.manifests(), [])
    expect(deletesOf(plan)).toHaveLength(3)
    werf.stage({ content: 'new', at: hour(2), parent: base })
    const checks = recheckOf(werf, plan.actions)
    expect(checks.get(base.digest)).toBe('drifted')
    expect(checks.get(note)).toBe('drifted')
    expect(checks.get(old.digest)).toBe('go')
  })

  it('spares a stage that a commit was linked to since', () => {
    const werf = new WerfBuilder()
    const stage = werf.stage({ content: 'a', at: hour(0) })
    const plan = planOfRules(werf.manifests(), [])
    werf.link('app', 'ab'.repeat(20), stage, hour(1))
    expect(recheckOf(werf, plan.actions).get(stage.digest)).toBe('drifted')
  })
})

it('keeps a commit record whose stage is gone, unless a rule asks for such', () => {
  const werf = new WerfBuilder()
  const stage = werf.stage({ content: 'a', at: hour(0) })
  const gone = { ...stage, id: `${'00'.repeat(28)}-1718452800000` }
  const orphan = werf.link('app', 'ab'.repeat(20), gone, hour(1))
  const plan = planOfRules(werf.manifests(), [keepTags(stage.id)])
  expect(goneDigests(plan).has(orphan)).toBe(false)
  expect(reasonsOf(plan, orphan)?.[0]).toMatch(/^orphaned-referrer: /)
})
