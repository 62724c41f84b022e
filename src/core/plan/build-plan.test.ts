import { describe, expect, it } from 'vitest'
import {
  dayMs,
  daysAgo,
  digest,
  image,
  labelOf,
  now,
  pushedDaysAgo,
  tag,
} from '../../../test/builders/images.ts'
import {
  deletedLabels,
  deletesOf,
  inventory,
  keptLine,
  planInput,
  planOfRules,
  repository,
} from '../../../test/builders/plans.ts'
import { keep, policy, policySet, rule, tagged } from '../../../test/builders/policies.ts'
import type { SourceEvidence } from '../evidence/evidence.ts'
import type { RegistryName } from '../image/names.ts'
import { buildPlan, policyFor } from './build-plan.ts'
import { planDocument } from './plan-file.ts'

const lab = 'lab' as RegistryName

describe('which policy governs', () => {
  const first = policy({ name: 'first', repositories: ['team/*', '!team/base'] })
  const second = policy({ name: 'second', repositories: ['team/**'], registry: lab })
  const set = policySet({ policies: [first, second] })

  it.each([
    { name: 'the first whose patterns match', registry: 'prod', of: 'team/app', is: 'first' },
    { name: 'the first, though a later one matches too', registry: 'lab', of: 'team/app', is: 'first' },
    {
      name: 'the next, where a pattern takes it out of the first',
      registry: 'lab',
      of: 'team/base',
      is: 'second',
    },
    { name: 'none of another registry', registry: 'prod', of: 'team/base', is: undefined },
    { name: 'none at all', registry: 'prod', of: 'other/app', is: undefined },
  ])('$name', ({ registry, of, is }) => {
    expect(policyFor(set, registry as RegistryName, repository(of, []).name)?.name).toBe(is)
  })

  it('leaves a repository untouched, and out of the plan, that no policy matches', () => {
    const plan = buildPlan(
      planInput(
        [repository('other/app', [image('x', { tags: ['1'] })]), repository('team/app', [image('a')])],
        {
          policySet: set,
        },
      ),
    )
    expect([deletedLabels(plan), plan.kept, plan.summary.images]).toEqual([['a'], [], 1])
  })
})

describe('a line', () => {
  it('has all tags of the root, sorted, and the clock that decided', () => {
    const [line] = deletesOf(
      planOfRules(
        [image('a', { tags: ['b', 'a'], sizeBytes: 3, layers: { l: 4 }, createdAt: daysAgo(3) })],
        [],
      ),
    )
    expect(line).toMatchObject({
      tags: ['a', 'b'],
      sizeBytes: 3,
      imageBytes: 7,
      clock: { kind: 'created', at: daysAgo(3) },
      decidedBy: { policy: 'p', rule: 'unmatched', line: 9 },
      reasons: [{ kind: 'unmatched', text: 'no rule keeps it', line: 9 }],
    })
  })

  it('has no clock when undated', () => {
    expect(keptLine(planOfRules([image('a')], [rule(keep({ kind: 'all' }))]), 'a')?.clock).toBeUndefined()
  })

  it.each([
    { name: 'a missing child', manifest: image('a', { children: ['gone'] }), gone: digest('gone') },
    {
      name: 'a missing blob',
      manifest: image('a', { missingBlobs: [digest('blob')] }),
      gone: digest('blob'),
    },
  ])('warns that it could not be put back for $name', ({ manifest, gone }) => {
    const plan = planOfRules([manifest], [])
    expect(deletesOf(plan)[0]?.notRestorable).toContain(gone)
    expect(plan.warnings).toEqual([expect.stringContaining('could not be put back')])
  })
})

it('counts images, manifests, tags and bytes', () => {
  const plan = planOfRules(
    [
      image('i', { tags: ['1', '2'], children: ['p'], sizeBytes: 1 }),
      image('p', { sizeBytes: 2, layers: { shared: 100, own: 10 } }),
      image('k', { tags: ['keep'], sizeBytes: 4, layers: { shared: 100 } }),
    ],
    [rule(keep({ kind: 'all' }), { match: tagged('keep') })],
  )
  expect(plan.summary).toEqual({
    images: 2,
    imagesKeep: 1,
    imagesDelete: 1,
    manifestsDelete: 2,
    tagsRemove: 2,
    bytesFreed: 13,
    bytesApparent: 113,
  })
})

it('tells id, times, fingerprints and sources', () => {
  const source: SourceEvidence = {
    name: 'kubernetes:eu',
    complete: true,
    leftOut: false,
    identity: 'uid',
    objects: 5,
    pods: 2,
    references: [{ reference: 'x/y:1', where: 'Pod a/b' }],
    digests: [{ digest: digest('d'), where: 'Pod a/b' }],
    problems: [],
  }
  const input = planInput([], {
    evidence: { takenAt: now, sources: [source, { ...source, name: 'helm:eu' }] },
    warnings: ['mind'],
  })
  expect(buildPlan(input)).toMatchObject({
    id: 'p-1',
    now,
    expiresAt: now + dayMs,
    complete: true,
    fingerprints: input.fingerprints,
    evidence: [
      { source: 'helm:eu' },
      { source: 'kubernetes:eu', identity: 'uid', objects: 5, references: 2, leftOut: false },
    ],
    warnings: ['mind'],
  })
})

describe('limits', () => {
  const limits = { maxDeletions: 100, maxShare: 0.5, minSurvivors: 1 }
  const keepFirst = rule(keep({ kind: 'newest', count: 2 }))

  it('are counted among governed images, and kept when just reached', () => {
    const plan = planOfRules(pushedDaysAgo({ a: 1, b: 2, c: 3, d: 4 }), [keepFirst], {
      policySet: policySet({ limits }),
    })
    expect([deletedLabels(plan), plan.limitsBroken]).toEqual([['c', 'd'], []])
  })

  it('break a plan and do not trim it', () => {
    const plan = planOfRules(pushedDaysAgo({ a: 1, b: 2, c: 3, d: 4, e: 5 }), [keepFirst], {
      policySet: policySet({ limits }),
    })
    expect(plan.limitsBroken.map(({ key }) => key)).toEqual(['maxShare'])
    expect(deletedLabels(plan)).toEqual(['c', 'd', 'e'])
  })

  it('count a tagged image that loses its last tag as no survivor, and untagged images not at all', () => {
    const plan = planOfRules(
      [image('a', { tags: ['1'] }), image('b'), image('c')],
      [rule(keep({ kind: 'all' }), { match: { tagged: false } })],
      {
        policySet: policySet({ limits }),
      },
    )
    expect(plan.limitsBroken).toMatchObject([{ key: 'minSurvivors', repository: 'team/app' }])
  })
})

it('is the same, byte for byte, in whatever order things were listed', () => {
  const manifests = [
    image('i', { tags: ['1', '0'], children: ['p', 'q'] }),
    image('p', { pushedAt: daysAgo(2) }),
    image('q', { pushedAt: daysAgo(2) }),
    image('s', { subject: 'p' }),
    ...pushedDaysAgo({ a: 2, b: 2, c: 1 }),
    image('t', { tags: [tag('y'), tag('x')] }),
  ]
  const of = (inventories: Parameters<typeof planInput>[1]): string =>
    JSON.stringify(
      planDocument(
        buildPlan(
          planInput([], {
            policySet: policySet({
              policies: [policy({ rules: [rule(keep({ kind: 'newest', count: 2 }))] })],
            }),
            ...inventories,
          }),
        ),
      ),
    )
  const one = inventory([repository('b', manifests), repository('a', manifests)])
  const two = inventory([repository('z', manifests)], { registry: lab })
  const turned = [two, one].map((each) => ({
    ...each,
    repositories: each.repositories.toReversed().map((all) => ({
      ...all,
      manifests: all.manifests
        .toReversed()
        .map((manifest) => ({ ...manifest, tags: manifest.tags.toReversed() })),
    })),
  }))
  expect(of({ inventories: turned })).toBe(of({ inventories: [one, two] }))
})

it('plans a chain of 20,000 nested indexes', { timeout: 20_000 }, () => {
  const depth = 20_000
  const chain = Array.from({ length: depth }, (_, i) =>
    image(`n${i}`, { children: i + 1 < depth ? [`n${i + 1}`] : [], tags: i === 0 ? ['1'] : [] }),
  )
  const [line] = deletesOf(planOfRules(chain, []))
  expect(line?.with).toHaveLength(depth - 1)
  expect(labelOf(line?.with[0] ?? '')).toBe('n1')
})
