/**
 * The promises of the design page that a plan alone can keep or break, each on thousands of random worlds: unknown keeps
 * (1), more evidence never deletes more (2), the graph comes first (3), a digest goes only if all its tags go (4), limits
 * stop and never trim (10), and the same inputs give the same plan (12).
 */
import { expect, it } from 'vitest'
import type { Plan } from '../../src/core/plan/plan.ts'
import { closure, find, ordinaryTags, standing, tagNames } from '../oracle/oracle-graph.ts'
import { keyOf, oracle } from '../oracle/oracle.ts'
import { durationMs } from '../oracle/oracle-clock.ts'
import { someKeep } from '../oracle/random-policy.ts'
import { Random } from '../oracle/random.ts'
import { someSource } from '../oracle/worlds.ts'
import { somePool } from '../oracle/random-images.ts'
import type { World, WorldInventory, WorldManifest, WorldRepository, WorldRule } from '../oracle/world.ts'
import { actsOf, differences, type Acts } from './differences.ts'
import { forAllWorlds } from './for-all-worlds.ts'
import { planOf, planText } from './plan-of.ts'

interface Located {
  readonly inventory: WorldInventory
  readonly repository: WorldRepository
  readonly manifest: WorldManifest
  readonly key: string
}

function everyManifest(world: World): Located[] {
  return world.inventories.flatMap((inventory) =>
    inventory.repositories.flatMap((repository) =>
      repository.manifests.map((manifest) => ({
        inventory,
        repository,
        manifest,
        key: keyOf(inventory.registry, repository.name, manifest.digest),
      })),
    ),
  )
}

/** What one plan takes and another does not. */
function takenMore(more: Acts, less: Acts): string[] {
  const untagged = (acts: Acts, one: string): boolean => {
    const [registry = '', repository = '', digest = '', tag = ''] = one.split(' ')
    return (
      acts.untags.has(one) ||
      acts.tagsGone.has(keyOf(registry, repository, tag)) ||
      acts.deleted.has(keyOf(registry, repository, digest))
    )
  }
  return [
    ...[...more.deleted].filter((one) => !less.deleted.has(one)).map((one) => `is deleted: ${one}`),
    ...[...more.untags].filter((one) => !untagged(less, one)).map((one) => `is untagged: ${one}`),
  ]
}

const minute = { timeout: 1_800_000 }

it('nothing that is needed is ever in a plan', minute, () => {
  forAllWorlds((world) => {
    const { needed, neededTags } = oracle(world)
    const acts = actsOf(planOf(world))
    return [
      ...[...acts.deleted]
        .filter((one) => needed.has(one))
        .map((one) => `${one} goes, and stays: ${needed.get(one)}`),
      ...[...acts.untags]
        .filter((one) => neededTags.has(one))
        .map((one) => `${one} goes, and stays: ${neededTags.get(one)}`),
    ]
  })
})

it(
  'a plan deletes exactly what the oracle deletes, frees as much, and breaks the same limits',
  minute,
  () => {
    forAllWorlds(differences)
  },
)

it('every image of a governed repository has exactly one line, and every line has a reason', minute, () => {
  forAllWorlds((world) => {
    const plan = planOf(world)
    const { roots } = oracle(world)
    const deletes = plan.actions.filter(({ kind }) => kind === 'delete')
    const lines = [...deletes, ...plan.kept]
    const keys = lines.map(({ registry, repository, digest }) => keyOf(registry, repository, digest))
    const untagsOfNobody = plan.actions.filter(
      ({ kind, registry, repository, digest }) =>
        kind === 'untag' &&
        !plan.kept.some(
          (kept) => kept.registry === registry && kept.repository === repository && kept.digest === digest,
        ),
    )
    return [
      ...[...roots].filter((root) => !keys.includes(root)).map((root) => `${root} has no line`),
      ...keys.filter((key, i) => keys.indexOf(key) !== i).map((key) => `${key} has two lines`),
      ...keys.filter((key) => !roots.has(key)).map((key) => `${key} is no image of ours`),
      ...[...plan.actions, ...plan.kept]
        .filter(({ reasons }) => reasons.length === 0 || reasons.some(({ text }) => text.trim() === ''))
        .map(({ repository, digest }) => `${repository}@${digest} has no reason`),
      ...plan.actions
        .filter(({ decidedBy }) => decidedBy.policy === '' || decidedBy.rule === '' || decidedBy.line < 1)
        .map(({ repository, digest }) => `nobody decided on ${repository}@${digest}`),
      ...untagsOfNobody.map(
        ({ repository, digest }) => `${repository}@${digest} loses a tag and has no line of its own`,
      ),
    ]
  })
})

it(
  'what goes along with an image is never something that kept images reach, and never an image itself',
  minute,
  () => {
    forAllWorlds((world) => {
      const plan = planOf(world)
      const along = new Set(
        plan.actions.flatMap((action) =>
          action.kind === 'delete'
            ? action.with.map((digest) => keyOf(action.registry, action.repository, digest))
            : [],
        ),
      )
      const reached = plan.kept.flatMap((kept) => {
        const repository = repositoryOf(world, kept.registry, kept.repository)
        return [...closure(repository, kept.digest)].map((digest) =>
          keyOf(kept.registry, kept.repository, digest),
        )
      })
      return [
        ...reached.filter((key) => along.has(key)).map((key) => `a kept image needs ${key}`),
        ...everyManifest(world)
          .filter(({ key }) => along.has(key))
          .filter(
            ({ inventory, repository, manifest }) => standing(inventory, repository, manifest) !== 'part',
          )
          .map(({ key }) => `${key} is an image`),
      ]
    })
  },
)

it('deletes in an order that never leaves an index without what it names', minute, () => {
  forAllWorlds((world) =>
    planOf(world).actions.flatMap((action) => {
      if (action.kind === 'untag') return []
      const repository = repositoryOf(world, action.registry, action.repository)
      return action.with.flatMap((digest, i) =>
        action.with
          .slice(i + 1)
          .filter((later) => find(repository, later)?.children?.includes(digest))
          .filter((later) => !closure(repository, digest).has(later))
          .map((later) => `${digest} goes before the index ${later} that names it`),
      )
    }),
  )
})

function repositoryOf(world: World, registry: string, name: string): WorldRepository {
  const inventory = world.inventories.find((one) => one.registry === registry)
  const repository = inventory?.repositories.find((one) => one.name === name)
  if (repository === undefined) throw new Error(`There is no ${registry}/${name}.`)
  return repository
}

it('a digest goes only if all of its tags go, and the plan shows them', minute, () => {
  forAllWorlds((world) => {
    const plan = planOf(world)
    const acts = actsOf(plan)
    const { neededTags } = oracle(world)
    const ofRoots = new Map(
      plan.actions.flatMap((action) =>
        action.kind === 'delete'
          ? [[keyOf(action.registry, action.repository, action.digest), action.tags] as const]
          : [],
      ),
    )
    return everyManifest(world)
      .filter(({ key }) => acts.deleted.has(key))
      .flatMap(({ key, manifest, inventory, repository }) => [
        ...tagNames(manifest)
          .filter((tag) => !acts.tagsGone.has(keyOf(inventory.registry, repository.name, tag)))
          .map((tag) => `${key} goes and the plan does not show its tag ${tag}`),
        ...tagNames(manifest)
          .filter((tag) => neededTags.has(`${key} ${tag}`))
          .map((tag) => `${key} goes with ${tag}, which stays`),
        ...(ofRoots.has(key) && ofRoots.get(key)?.length !== tagNames(manifest).length
          ? [`${key} does not show all of its tags`]
          : []),
      ])
  })
})

it(
  'nothing of a repository that was not read in full goes, and the plan says that it is not complete',
  minute,
  () => {
    forAllWorlds((world) => {
      const broken: World = {
        ...world,
        inventories: world.inventories.map((inventory) => ({
          ...inventory,
          repositories: inventory.repositories.map((repository, i) =>
            i === 0 ? { ...repository, complete: false } : repository,
          ),
        })),
      }
      const plan = planOf(broken)
      const names = broken.inventories.map(
        ({ registry, repositories }) => `${registry} ${repositories[0]?.name ?? ''}`,
      )
      const isGoverned = plan.kept.some((kept) => names.includes(`${kept.registry} ${kept.repository}`))
      return [
        ...plan.actions
          .filter((action) => names.includes(`${action.registry} ${action.repository}`))
          .map((action) => `${action.repository}@${action.digest} goes`),
        ...(isGoverned && plan.complete ? ['the plan calls itself complete'] : []),
      ]
    }, 0.5)
  },
)

it(
  'an image without any time is never older than anything, and young until that protection is off',
  minute,
  () => {
    forAllWorlds((world) => {
      const undated: World = {
        ...world,
        config: {
          ...world.config,
          policies: [
            {
              name: 'ages',
              repositories: ['**'],
              unit: world.config.policies[0]?.unit ?? 'image',
              rules: [{ name: 'old', match: [{}, { tagged: false }], delete: { olderThan: '0s' } }],
              unmatched: 'keep',
            },
          ],
        },
        inventories: world.inventories.map((inventory) => ({
          ...inventory,
          repositories: inventory.repositories.map((repository) => ({
            ...repository,
            manifests: repository.manifests.map(withoutTimes),
          })),
        })),
      }
      const unmatched: World = {
        ...undated,
        config: {
          ...undated.config,
          protect: { youngerThan: '1h' },
          policies: [{ name: 'all', repositories: ['**'], rules: [], unmatched: 'delete' }],
        },
      }
      return [undated, unmatched].flatMap((each) =>
        planOf(each).actions.map(({ kind, digest }) => `${kind} of ${digest}, whose age nobody knows`),
      )
    }, 0.5)
  },
)

/** Dates that builders write for reproducible images are no times. */
function withoutTimes(manifest: WorldManifest): WorldManifest {
  return {
    ...manifest,
    createdAt: manifest.children ? null : '1970-01-01T00:00:00Z',
    pushedAt: null,
    recordedAt: null,
    firstSeenAt: null,
    tags: (manifest.tags ?? []).map(({ name }) => ({ name })),
  }
}

it('more evidence never deletes more', minute, () => {
  forAllWorlds((world) => {
    const random = new Random(world.inventories.length + JSON.stringify(world.inventories).length)
    const pool = [
      ...everyManifest(world).map(({ manifest }) => ({ content: manifest, attachedTag: undefined })),
      ...somePool(random),
    ]
    const more: World = {
      ...world,
      evidence: {
        ...world.evidence,
        sources: [
          ...world.evidence.sources,
          { ...someSource(random, 9, world.inventories, pool), name: 'helm:more' },
        ],
      },
    }
    return takenMore(actsOf(planOf(more)), actsOf(planOf(world)))
  })
})

/** The same world under other rules. */
function withRules(
  world: World,
  change: (rules: readonly WorldRule[], unit: 'image' | 'tag') => readonly WorldRule[],
): World {
  const policies = world.config.policies.map((policy) => ({
    ...policy,
    rules: change(policy.rules, policy.unit ?? 'image'),
  }))
  return { ...world, config: { ...world.config, policies } }
}

it('one more keep rule never deletes more', minute, () => {
  forAllWorlds((world) => {
    const random = new Random(JSON.stringify(world.inventories).length)
    const more = withRules(world, (rules, unit) => [
      ...rules,
      { name: 'one-more', keep: someKeep(random, undefined, unit) },
    ])
    return takenByRules(more, world)
  })
})

it('a longer duration and a larger count never delete more', minute, () => {
  forAllWorlds((world) => {
    // What one rule leaves, a rule that counts what remains has to count: there a longer duration may take another image.
    const counted = withRules(world, (rules) =>
      rules.map((rule) =>
        rule.delete?.countAmong === 'remaining' ? { ...rule, delete: { all: true } } : rule,
      ),
    )
    const patient = withRules(counted, (rules) => rules.map(morePatient))
    return takenByRules(patient, counted)
  })
})

/** What rules that keep more take beyond the others. */
function takenByRules(keepingMore: World, keepingLess: World): string[] {
  return takenMore(actsOf(planOf(keepingMore)), actsOf(planOf(keepingLess)))
}

const counts = ['newest', 'beyondNewest', 'hourly', 'daily', 'weekly', 'monthly', 'yearly']
const ages = ['within', 'pulledWithin', 'olderThan', 'notPulledFor']

function morePatient(rule: WorldRule): WorldRule {
  const longer = (effect: object): object =>
    Object.fromEntries(
      Object.entries(effect).map(([key, value]: [string, unknown]) => {
        if (counts.includes(key)) return [key, Number(value) + 1]
        return [key, ages.includes(key) ? `${durationMs(String(value)) / 1000 + 86_400}s` : value]
      }),
    )
  return {
    ...rule,
    ...(rule.keep && { keep: longer(rule.keep) }),
    ...(rule.delete && { delete: longer(rule.delete) }),
  }
}

it('a plan is the same, byte for byte, whatever order things were listed in', minute, () => {
  forAllWorlds((world) => {
    const random = new Random(world.config.policies.length + world.inventories.length * 7)
    const shuffled: World = {
      ...world,
      inventories: random.shuffle(world.inventories).map((inventory) => ({
        ...inventory,
        repositories: random.shuffle(inventory.repositories).map((repository) => ({
          ...repository,
          manifests: random.shuffle(repository.manifests).map((manifest) => ({
            ...manifest,
            tags: random.shuffle(manifest.tags ?? []),
          })),
        })),
      })),
      evidence: {
        ...world.evidence,
        sources: random.shuffle(world.evidence.sources).map((source) => ({
          ...source,
          references: random.shuffle(source.references ?? []),
          digests: random.shuffle(source.digests ?? []),
        })),
      },
    }
    return planText(shuffled) === planText(world) ? [] : ['the plans differ']
  }, 0.5)
})

it('the order of rules never matters', minute, () => {
  forAllWorlds((world) => {
    const reversed: World = {
      ...world,
      config: {
        ...world.config,
        policies: world.config.policies.map((policy) => ({ ...policy, rules: policy.rules.toReversed() })),
      },
    }
    const [one, other] = [actsOf(planOf(world)), actsOf(planOf(reversed))]
    return [...takenMore(one, other), ...takenMore(other, one)]
  }, 0.5)
})

it('a limit is told and nothing is trimmed: the same plan without limits has the same lines', minute, () => {
  forAllWorlds((world) => {
    const withLimits = (limits: NonNullable<World['config']['limits']>): Plan =>
      planOf({ ...world, config: { ...world.config, limits } })
    const free = withLimits({ maxDeletions: 1_000_000, maxShare: '100%', minSurvivors: 0 })
    const tight = withLimits({ maxDeletions: 1, maxShare: '1%', minSurvivors: 50 })
    const count = free.summary.imagesDelete
    return [
      ...(JSON.stringify([free.actions, free.kept]) === JSON.stringify([tight.actions, tight.kept])
        ? []
        : ['the lines differ']),
      ...(free.limitsBroken.length === 0 ? [] : ['a limit that cannot be broken is broken']),
      ...(count <= 1 || tight.limitsBroken.some(({ key }) => key === 'maxDeletions')
        ? []
        : [`${count} deletions do not break maxDeletions: 1`]),
      ...(count === 0 || tight.limitsBroken.some(({ key }) => key === 'maxShare')
        ? []
        : ['a deletion does not break maxShare: 1%']),
    ]
  }, 0.5)
})

it('summaries count the lines they stand over', minute, () => {
  forAllWorlds((world) => {
    const { summary, actions, kept } = planOf(world)
    const deletes = actions.filter((action) => action.kind === 'delete')
    const manifests = new Set(
      deletes.flatMap((action) =>
        [action.digest, ...action.with].map((digest) => keyOf(action.registry, action.repository, digest)),
      ),
    )
    expect(summary).toMatchObject({
      images: deletes.length + kept.length,
      imagesKeep: kept.length,
      imagesDelete: deletes.length,
      manifestsDelete: manifests.size,
    })
    expect(summary.bytesFreed).toBeLessThanOrEqual(summary.bytesApparent)
    return []
  }, 0.5)
})

it(
  'the worlds are worth it: they hold images that go, that stay for every promise, and limits that break',
  minute,
  () => {
    const promises = new Map<string, number>()
    let deleted = 0
    let ordinary = 0
    forAllWorlds((world) => {
      const expected = oracle(world)
      for (const why of expected.needed.values()) promises.set(why, (promises.get(why) ?? 0) + 1)
      deleted += expected.deletedRoots.size
      ordinary += everyManifest(world).filter(({ manifest }) => ordinaryTags(manifest).length > 0).length
      return []
    }, 0.25)
    expect(deleted).toBeGreaterThan(ordinary / 20)
    for (const why of [
      'in-use',
      'locked',
      'young',
      'protected-tag',
      'incomplete',
      'kept-by-rule',
      'spared',
      'needed-by',
    ]) {
      expect([why, promises.get(why) ?? 0]).toEqual([why, expect.any(Number)])
      expect(promises.get(why) ?? 0, why).toBeGreaterThan(0)
    }
  },
)
