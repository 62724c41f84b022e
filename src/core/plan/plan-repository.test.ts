import { describe, expect, it } from 'vitest'
import { attachedTag, dayMs, daysAgo, image, labelOf, tag } from '../../../test/builders/images.ts'
import {
  deletedLabels,
  deletesOf,
  inUse,
  inventory,
  keptLine,
  planOfRules,
  repository,
  resolvedAs,
  untagsOf,
  whyKept,
} from '../../../test/builders/plans.ts'
import { keep, policySet, remove, rule, tagged, unprotected } from '../../../test/builders/policies.ts'
import type { Capabilities } from '../inventory/inventory.ts'
import { compileTagPatterns } from '../policy/compile-patterns.ts'

const keepTags = (...patterns: readonly string[]): ReturnType<typeof rule> =>
  rule(keep({ kind: 'all' }), { match: tagged(...patterns), name: 'wanted' })

const capabilities = (deleteByTag: boolean, more: Partial<Capabilities> = {}): Capabilities => ({
  product: 'test',
  deleteByTag,
  deleteRemovesSiblings: true,
  deletes: { state: 'yes' },
  listsUntagged: true,
  pushTime: true,
  pullTime: false,
  protectsChildren: false,
  referrersApi: false,
  undo: 'manifest-replay',
  pageSizeMax: undefined,
  rateLimit: undefined,
  ...more,
})

describe('the graph has the last word', () => {
  it('lets children, signatures and nested parts go with their image', () => {
    const plan = planOfRules(
      [
        image('i', { tags: ['1'], children: ['p'] }),
        image('p'),
        image('s', { tags: [attachedTag('p', 'sig')] }),
        image('k', { tags: ['keep'] }),
      ],
      [keepTags('keep')],
    )
    expect(deletesOf(plan).map((line) => [labelOf(line.digest), line.with.map(labelOf)])).toEqual([
      ['i', ['p', 's']],
    ])
    expect(deletesOf(plan)[0]?.withTags).toMatchObject([{ tag: attachedTag('p', 'sig') }])
  })

  it('keeps what an image that stays reaches, and takes the rest', () => {
    const plan = planOfRules(
      [
        image('i', { tags: ['1'], children: ['shared', 'own'] }),
        image('k', { tags: ['keep'], children: ['shared'] }),
        image('own'),
        image('shared'),
      ],
      [keepTags('keep')],
    )
    expect(deletesOf(plan)[0]?.with.map(labelOf)).toEqual(['own'])
  })

  it('keeps a child with a tag of its own that an index which stays needs, and says by whom', () => {
    const plan = planOfRules(
      [image('i', { tags: ['keep'], children: ['p'] }), image('p', { tags: ['amd64'] })],
      [keepTags('keep')],
    )
    expect(plan.actions).toEqual([])
    expect(keptLine(plan, 'p')?.reasons).toEqual([{ kind: 'needed-by', text: 'needed by keep, which stays' }])
    expect(keptLine(plan, 'p')?.otherwise?.rule).toBe('unmatched')
  })

  it('gives a child with a tag of its own a line of its own, and no place in `with`', () => {
    const plan = planOfRules(
      [image('i', { tags: ['1'], children: ['p'] }), image('p', { tags: ['amd64'] })],
      [],
    )
    expect(deletesOf(plan).map((line) => [labelOf(line.digest), line.with.length])).toEqual([
      ['i', 0],
      ['p', 0],
    ])
    expect(plan.summary.manifestsDelete).toBe(2)
  })

  it('keeps the referrers of an image that stays, with tags of their own and with another subject that goes', () => {
    const plan = planOfRules(
      [
        image('go', { tags: ['1'] }),
        image('k', { tags: ['keep'] }),
        image('bill', { subject: 'k', tags: ['bill-1'] }),
        image('sig', { subject: 'k', tags: [attachedTag('go', 'sig')] }),
      ],
      [keepTags('keep')],
    )
    expect(deletesOf(plan).map((line) => [labelOf(line.digest), line.with])).toEqual([['go', []]])
    expect(whyKept(plan, 'bill')).toEqual(['needed-by'])
  })

  it('lets the index go when only its child is kept', () => {
    const plan = planOfRules(
      [image('i', { tags: ['1'], children: ['p'] }), image('p', { tags: ['keep'] })],
      [keepTags('keep')],
    )
    expect(deletedLabels(plan)).toEqual(['i'])
    expect(deletesOf(plan)[0]?.with).toEqual([])
  })

  it('keeps an index whose platform is in use, and all the rest of it', () => {
    const plan = planOfRules(
      [image('i', { tags: ['1'], children: ['p', 'q'] }), image('p'), image('q')],
      [],
      {
        resolved: resolvedAs(inUse('p')),
      },
    )
    expect(plan.actions).toEqual([])
    expect(whyKept(plan, 'i')).toEqual(['in-use'])
  })

  it('deletes nothing of a circle that no image reaches', () => {
    const plan = planOfRules(
      [image('a', { children: ['b'] }), image('b', { children: ['a'] }), image('c')],
      [],
    )
    expect(deletedLabels(plan)).toEqual(['c'])
  })

  it('does not delete a signature next door while its subject is there', () => {
    const plan = planOfRules([], [], {
      inventories: [
        inventory([
          repository('app', [image('a', { tags: ['1'] })]),
          repository('sigs', [image('s', { subject: 'a' })]),
        ]),
      ],
    })
    expect(deletedLabels(plan)).toEqual(['a'])
    expect(whyKept(plan, 's')).toContain('needed-by')
  })
})

describe('a registry that deletes referrers with their subject', () => {
  const manifests = [
    image('i', { tags: ['1'], children: ['p', 'q'] }),
    image('p'),
    image('q'),
    image('r', { tags: ['keep'], subject: 'p' }),
    image('s', { subject: 'r' }),
    image('t', { tags: ['keep-too'], subject: 's' }),
  ]
  const keepOnly = (...tags: readonly string[]) => {
    const cascading = capabilities(true, { deletesReferrers: true })
    const inventories = [inventory([repository('team/app', manifests)], { capabilities: cascading })]
    return planOfRules([], [keepTags(...tags)], { inventories })
  }

  it('keeps the subject of what stays, and leaves the rest of the index above it', () => {
    const plan = keepOnly('keep', 'keep-too')
    expect(deletesOf(plan).map((line) => [labelOf(line.digest), line.with.map(labelOf)])).toEqual([
      ['i', ['q']],
    ])
  })

  it('keeps subjects of subjects', () => {
    const plan = keepOnly('keep-too')
    expect(deletedLabels(plan)).toEqual(['i'])
    expect(whyKept(plan, 'r')).toEqual(['needed-by'])
  })

  it('deletes them all where none stays', () => {
    expect(deletedLabels(keepOnly('nothing'))).toEqual(['i', 'r', 't'])
  })
})

it('a registry that forgets layers is told in the plan, where something would go', () => {
  const inventories = [
    inventory([repository('team/app', [image('a', { tags: ['1'] })])], {
      capabilities: capabilities(true, { undo: 'none' }),
    }),
  ]
  expect(planOfRules([], [], { inventories }).warnings.join()).toMatch(/cannot be put back/)
  expect(planOfRules([], [keepTags('1')], { inventories }).warnings.join()).not.toMatch(/cannot be put back/)
})

describe('where tags are listed in lower case', () => {
  const warningsOf = (foldsTagCase: boolean, ...patterns: readonly string[]): string =>
    planOfRules([], [keepTags(...patterns)], {
      inventories: [
        inventory([repository('team/app', [image('a', { tags: ['rc-1'] })])], {
          capabilities: capabilities(true, { foldsTagCase }),
        }),
      ],
    }).warnings.join()

  it.each(['RC-*', '!Old', 'v{1,RC}', '/RC-[0-9]+/'])('%s, which matches nothing, is told', (pattern) => {
    expect(warningsOf(true, pattern)).toContain(`match none there: ${pattern}.`)
    expect(warningsOf(false, pattern)).toBe('')
  })

  it.each(['rc-*', '[Rr]c-*', '/RC-.*/i', String.raw`/\D+/`, '/(?P<Version>[A-Za-z0-9]+)/'])(
    '%s is not',
    (pattern) => {
      expect(warningsOf(true, pattern)).toBe('')
    },
  )
})

describe('protections and rules', () => {
  const protect = { ...unprotected, tags: compileTagPatterns(['latest']) }

  it('keeps a digest for one protected tag of several', () => {
    const plan = planOfRules([image('a', { tags: ['1', 'latest'] })], [], {
      policySet: policySet({ protect }),
    })
    expect(whyKept(plan, 'a')).toEqual(['protected-tag'])
  })

  it('tells protections first, then the rules that keep', () => {
    const plan = planOfRules([image('a', { tags: ['latest'] })], [keepTags('latest')], {
      policySet: policySet({ protect }),
    })
    expect(whyKept(plan, 'a')).toEqual(['protected-tag', 'kept-all'])
  })

  it('wins over a delete rule, and tells which', () => {
    const plan = planOfRules(
      [image('a', { tags: ['latest'] })],
      [rule(remove({ kind: 'all' }), { name: 'd' })],
      { policySet: policySet({ protect }) },
    )
    expect(keptLine(plan, 'a')?.otherwise?.rule).toBe('d')
  })
})

describe('a repository that is held back', () => {
  const two = [image('a', { tags: ['1'] }), image('b')]

  it.each(['image', 'tag'] as const)(
    'loses nothing under unit: %s when it could not be read in full',
    (unit) => {
      const incomplete = repository('team/app', two, { complete: false, problems: ['manifest x: 500.'] })
      const plan = planOfRules([], [], { inventories: [inventory([incomplete])], policy: { unit } })
      expect([plan.actions, plan.complete]).toEqual([[], false])
      expect(plan.kept.map(({ reasons }) => reasons.map(({ kind }) => kind))).toEqual([
        ['repository-incomplete'],
        ['repository-incomplete'],
      ])
      expect(plan.warnings[0]).toContain('manifest x: 500.')
    },
  )

  it('loses nothing when evidence holds it back, and the plan stays complete', () => {
    const held = new Map([
      [inventory([]).registry, new Map([[repository('team/app', []).name, 'a pod runs it']])],
    ])
    const plan = planOfRules(two, [], { resolved: resolvedAs(new Map(), held) })
    expect([plan.actions, plan.complete]).toEqual([[], true])
    expect(keptLine(plan, 'a')?.reasons).toEqual([{ kind: 'repository-incomplete', text: 'a pod runs it' }])
  })
})

describe('unit: tag', () => {
  const policy = { unit: 'tag' as const }
  const mixed = [image('a', { tags: ['keep', 'old-1', 'old-2'] })]

  it('removes the tags that nothing keeps, and leaves the manifest', () => {
    const plan = planOfRules(mixed, [keepTags('keep')], { policy })
    expect(deletesOf(plan)).toEqual([])
    expect(untagsOf(plan).map(({ tag: name, reasons }) => [name, reasons[0]?.kind])).toEqual([
      ['old-1', 'unmatched'],
      ['old-2', 'unmatched'],
    ])
    expect(plan.summary).toMatchObject({ images: 1, imagesKeep: 1, tagsRemove: 2, manifestsDelete: 0 })
  })

  it('deletes the manifest with its last tag', () => {
    const plan = planOfRules(mixed, [], { policy })
    expect(deletesOf(plan)).toMatchObject([{ tags: ['keep', 'old-1', 'old-2'] }])
    expect(untagsOf(plan)).toEqual([])
  })

  it('leaves the manifest without a tag under emptied: keep', () => {
    const plan = planOfRules(mixed, [], { policy: { ...policy, emptied: 'keep' as const } })
    expect(deletesOf(plan)).toEqual([])
    expect(untagsOf(plan).map(({ tag: name }) => name)).toEqual(['keep', 'old-1', 'old-2'])
    expect(whyKept(plan, 'a')).toEqual(['emptied'])
  })

  it('leaves what a manifest without its last tag needs, and deletes what had no tag before', () => {
    const manifests = [image('i', { tags: ['x'], children: ['p'] }), image('p'), image('u')]
    const plan = planOfRules(manifests, [], { policy: { ...policy, emptied: 'keep' as const } })
    expect(deletedLabels(plan)).toEqual(['u'])
  })

  it('counts what loses its last tag as deleted, for limits', () => {
    const limits = { maxDeletions: 0, maxShare: 0.5, minSurvivors: 0 }
    const plan = planOfRules(mixed, [], {
      policy: { ...policy, emptied: 'keep' as const },
      policySet: policySet({ limits }),
    })
    expect(plan.limitsBroken.map(({ key, text }) => [key, text])).toEqual([
      ['maxDeletions', expect.stringContaining('1 image (1 of them loses its last tag)')],
      ['maxShare', expect.stringContaining('(100%) (1 of them loses its last tag)')],
    ])
  })

  it('keeps all tags under emptied: keep where a registry cannot remove one', () => {
    const inventories = [inventory([repository('team/app', mixed)], { capabilities: capabilities(false) })]
    const plan = planOfRules([], [], { inventories, policy: { ...policy, emptied: 'keep' as const } })
    expect(plan.actions).toEqual([])
    expect(whyKept(plan, 'a')).toEqual(['cannot-untag'])
  })

  it('keeps the digest and its tags where a registry cannot remove one, and says so', () => {
    const inventories = [inventory([repository('team/app', mixed)], { capabilities: capabilities(false) })]
    const plan = planOfRules([], [keepTags('keep')], { inventories, policy })
    expect(plan.actions).toEqual([])
    expect(whyKept(plan, 'a')).toEqual(['kept-all', 'cannot-untag'])
    expect(keptLine(plan, 'a')?.reasons[1]?.text).toContain('old-1, old-2')
  })

  it('deletes a whole manifest even where a registry cannot remove one tag', () => {
    const inventories = [inventory([repository('team/app', mixed)], { capabilities: capabilities(false) })]
    expect(deletedLabels(planOfRules([], [], { inventories, policy }))).toEqual(['a'])
  })

  it('removes the tags of what only a need keeps', () => {
    const needed = [image('i', { tags: ['keep'], children: ['p'] }), image('p', { tags: ['amd64'] })]
    const plan = planOfRules(needed, [keepTags('keep')], { policy })
    expect(untagsOf(plan).map((line) => [labelOf(line.digest), line.tag])).toEqual([['p', 'amd64']])
    expect(whyKept(plan, 'p')).toEqual(['needed-by'])
  })

  it('removes no tag of an image in use', () => {
    const plan = planOfRules(mixed, [], { policy, resolved: resolvedAs(inUse('a')) })
    expect(plan.actions).toEqual([])
  })

  it('protects a tag, not its siblings', () => {
    const protect = { ...unprotected, tags: compileTagPatterns(['keep']) }
    const plan = planOfRules(mixed, [], { policy, policySet: policySet({ protect }) })
    expect(untagsOf(plan).map(({ tag: name }) => name)).toEqual(['old-1', 'old-2'])
    expect(whyKept(plan, 'a')).toEqual(['protected-tag'])
  })

  it('lets images without tags follow the rules with tagged: false, else unmatched', () => {
    const untagged = [image('u', { pushedAt: daysAgo(3) })]
    const old = rule(remove({ kind: 'older-than', ms: 7 * dayMs }), { match: { tagged: false } })
    expect(whyKept(planOfRules(untagged, [old], { policy }), 'u')).toEqual(['spared'])
    expect(deletedLabels(planOfRules(untagged, [], { policy }))).toEqual(['u'])
  })

  it('ages a row by the newer of its tag and its manifest', () => {
    const manifests = [
      image('a', {
        pushedAt: daysAgo(20),
        tags: [tag('new', { pushedAt: daysAgo(1) }), tag('old', { pushedAt: daysAgo(20) })],
      }),
    ]
    const plan = planOfRules(manifests, [rule(keep({ kind: 'within', ms: 7 * dayMs }))], { policy })
    expect(untagsOf(plan).map(({ tag: name }) => name)).toEqual(['old'])
  })
})
