/**
 * Rules by Git history on random histories: as the oracle says, whatever the order of things; and more of what speaks for
 * an image never deletes more.
 *
 * A count is a count: under `newest` one more commit with images takes a place, and under a limit on references one more
 * reference does. Those limits are left out where the property is about more links and more references.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { GitCriterion, GitLimit } from '../../src/core/policy/policy.ts'
import { oracleKeeps } from '../oracle/git-oracle.ts'
import { gitCriteria, gitWorlds, keptByRules, type GitWorld } from './git-worlds.ts'

const runs = { numRuns: process.env['CI'] === 'true' ? 3000 : 400 }

/** Whether Git has anything to say of the images: else all stay, which the oracle does not know. */
function isTold({ commits, references, images }: GitWorld): boolean {
  const parents = new Map(commits.map((commit) => [commit.id, commit.parents]))
  const reached = new Set<string>()
  const open = references.map(({ commit }) => commit)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    open.push(...(parents.get(next) ?? []))
  }
  return images.some((image) => image.commits.some((commit) => reached.has(commit)))
}

const told = gitWorlds.filter(isTold)

it('keeps what the definition says', () => {
  fc.assert(
    fc.property(told, gitCriteria, (world, criterion) => {
      expect([...keptByRules(world, [criterion])].sort()).toEqual([...oracleKeeps(world, criterion)].sort())
    }),
    runs,
  )
})

it('keeps the same in whatever order commits are linked, references listed and rules written', () => {
  fc.assert(
    fc.property(told, fc.array(gitCriteria, { minLength: 1, maxLength: 3 }), (world, criteria) => {
      const turned: GitWorld = {
        commits: world.commits,
        references: world.references.toReversed(),
        images: world.images
          .toReversed()
          .map(({ label, commits }) => ({ label, commits: commits.toReversed() })),
      }
      expect(keptByRules(turned, criteria.toReversed())).toEqual(keptByRules(world, criteria))
    }),
    runs,
  )
})

it('keeps at least as much with one more rule', () => {
  fc.assert(
    fc.property(told, fc.array(gitCriteria, { maxLength: 2 }), gitCriteria, (world, criteria, more) => {
      expectAtLeast(keptByRules(world, [...criteria, more]), keptByRules(world, criteria))
    }),
    runs,
  )
})

it('keeps at least as much with one more reference, where references are not counted', () => {
  fc.assert(
    fc.property(told, gitCriteria, fc.nat(), (world, criterion, at) => {
      const commit = world.commits[at % world.commits.length]?.id ?? 'c0'
      const more = { kind: criterion.of, name: 'main-2', commit } as const
      const uncounted = { ...criterion, references: withoutCount(criterion.references) }
      expectAtLeast(
        keptByRules({ ...world, references: [...world.references, more] }, [uncounted]),
        keptByRules(world, [uncounted]),
      )
    }),
    runs,
  )
})

it('keeps at least as much with one more link, where commits are not counted', () => {
  fc.assert(
    fc.property(told, gitCriteria, fc.nat(), fc.nat(), (world, criterion, at, which) => {
      const uncounted = { ...criterion, images: withoutCount(criterion.images) }
      expectAtLeast(keptByRules(withLink(world, at, which), [uncounted]), keptByRules(world, [uncounted]))
    }),
    runs,
  )
})

it('never loses the image itself by one more link to it', () => {
  fc.assert(
    fc.property(told, gitCriteria, fc.nat(), fc.nat(), (world, criterion, at, which) => {
      const label = world.images[which % world.images.length]?.label ?? ''
      if (!keptByRules(world, [criterion]).has(label)) return
      expect(keptByRules(withLink(world, at, which), [criterion]).has(label)).toBe(true)
    }),
    runs,
  )
})

function withLink(world: GitWorld, at: number, which: number): GitWorld {
  const commit = world.commits[at % world.commits.length]?.id ?? 'c0'
  const images = world.images.map((image, index) =>
    index === which % world.images.length
      ? { ...image, commits: [...new Set([...image.commits, commit])] }
      : image,
  )
  return { ...world, images }
}

function withoutCount({ withinMs, combine }: GitLimit): GitCriterion['images'] {
  return { combine, ...(withinMs !== undefined && { withinMs }) }
}

function expectAtLeast(more: ReadonlySet<string>, less: ReadonlySet<string>): void {
  expect([...less].filter((label) => !more.has(label))).toEqual([])
}
