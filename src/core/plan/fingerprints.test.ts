import { describe, expect, it } from 'vitest'
import { daysAgo, digest, image, now } from '../../../test/builders/images.ts'
import { inventory, repository, sha256 } from '../../../test/builders/plans.ts'
import type { Evidence, SourceEvidence } from '../evidence/evidence.ts'
import type { RegistryName } from '../image/names.ts'
import type { Inventory } from '../inventory/inventory.ts'
import { fingerprintsOf, planId } from './fingerprints.ts'

const source: SourceEvidence = {
  name: 'kubernetes:eu',
  complete: true,
  leftOut: false,
  identity: 'uid',
  objects: 1,
  pods: 1,
  references: [
    { reference: 'a/b:1', where: 'Pod x' },
    { reference: 'a/c:1', where: 'Pod y' },
  ],
  digests: [{ digest: digest('d'), where: 'Pod x' }],
  problems: [],
}
const helm = { ...source, name: 'helm:eu' }
const one = inventory([
  repository('a', [image('x', { tags: ['1', '2'] }), image('y')]),
  repository('b', [image('z', { pushedAt: daysAgo(2) })]),
])
const two = inventory([repository('a', [image('w')])], { registry: 'lab' as RegistryName })

const inventoryPrint = (...inventories: readonly Inventory[]): string =>
  fingerprintsOf('', inventories, { takenAt: 0, sources: [] }, [], sha256).inventory
const evidencePrint = (...sources: readonly SourceEvidence[]): string =>
  fingerprintsOf('', [], { takenAt: 0, sources }, [], sha256).evidence

describe('the fingerprint of inventories', () => {
  it('does not depend on the order in which an index names its children', () => {
    const index = (children: readonly string[]): Inventory =>
      inventory([repository('a', [image('i', { children }), image('x'), image('y')])])
    expect(inventoryPrint(index(['y', 'x']))).toBe(inventoryPrint(index(['x', 'y'])))
  })

  const before = inventoryPrint(one, two)
  it.each<{ name: string; after: readonly Inventory[]; same: boolean }>([
    { name: 'does not depend on the order of registries', after: [two, one], same: true },
    {
      name: 'does not depend on the order of repositories, manifests and tags',
      after: [
        {
          ...one,
          repositories: one.repositories.toReversed().map((each) => ({
            ...each,
            manifests: each.manifests
              .toReversed()
              .map((manifest) => ({ ...manifest, tags: manifest.tags.toReversed() })),
          })),
        },
        two,
      ],
      same: true,
    },
    { name: 'does not depend on when it was read', after: [{ ...one, takenAt: now + 1 }, two], same: true },
    {
      name: 'changes with a tag',
      after: [
        inventory([repository('a', [image('x', { tags: ['1'] }), image('y')]), ...one.repositories.slice(1)]),
        two,
      ],
      same: false,
    },
    { name: 'changes with a registry', after: [one], same: false },
    {
      name: 'changes with completeness',
      after: [{ ...one, repositories: one.repositories.map((each) => ({ ...each, complete: false })) }, two],
      same: false,
    },
  ])('$name', ({ after, same }) => {
    expect(inventoryPrint(...after) === before).toBe(same)
  })
})

describe('the fingerprint of evidence', () => {
  const before = evidencePrint(source, helm)
  it.each<{ name: string; after: readonly SourceEvidence[]; same: boolean }>([
    { name: 'does not depend on the order of sources', after: [helm, source], same: true },
    {
      name: 'does not depend on the order of references',
      after: [{ ...source, references: source.references.toReversed() }, helm],
      same: true,
    },
    { name: 'changes with a reference', after: [{ ...source, references: [] }, helm], same: false },
    { name: 'changes with a digest', after: [{ ...source, digests: [] }, helm], same: false },
    {
      name: 'changes when a source is left out',
      after: [{ ...source, leftOut: true, complete: false }, helm],
      same: false,
    },
    {
      name: 'changes with the world that answered',
      after: [{ ...source, identity: 'other' }, helm],
      same: false,
    },
    {
      name: 'tells a reference from another source apart',
      after: [
        { ...source, references: [] },
        { ...helm, references: [...helm.references, ...source.references] },
      ],
      same: false,
    },
  ])('$name', ({ after, same }) => {
    expect(evidencePrint(...after) === before).toBe(same)
  })
})

describe('the id of a plan', () => {
  const evidence: Evidence = { takenAt: 0, sources: [source] }
  const prints = fingerprintsOf('policy', [one], evidence, [], sha256)

  it('is the same for the same world at the same time', () => {
    expect(
      planId(fingerprintsOf('policy', [one], { ...evidence, takenAt: 9 }, [], sha256), now, sha256),
    ).toBe(planId(prints, now, sha256))
    expect(planId(prints, now, sha256)).toMatch(/^p-[0-9a-f]{12}$/)
  })

  it('changes with policy and time', () => {
    const ids = [
      planId(prints, now, sha256),
      planId(prints, now + 1, sha256),
      planId(fingerprintsOf('other', [one], evidence, [], sha256), now, sha256),
    ]
    expect(new Set(ids).size).toBe(3)
  })
})
