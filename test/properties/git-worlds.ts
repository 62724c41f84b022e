/** Random histories with images, for properties of rules by Git history: merges, dates that run backwards, shared images. */
import fc from 'fast-check'
import { gitViewOf } from '../../src/core/git/git-facts.ts'
import type { GitRepositoryPolicy } from '../../src/core/git/git-view.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { compileTagPattern } from '../../src/core/policy/compile-patterns.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { GitCriterion, GitLimit } from '../../src/core/policy/policy.ts'
import { commitId, history, type CommitGiven, type ReferenceGiven } from '../builders/histories.ts'
import { dayMs, image, labelOf, now, repositoryName } from '../builders/images.ts'
import { keep, policy, rule } from '../builders/policies.ts'

export interface ImageGiven {
  readonly label: string
  readonly commits: readonly string[]
}

export interface GitWorld {
  readonly commits: readonly CommitGiven[]
  readonly references: readonly ReferenceGiven[]
  readonly images: readonly ImageGiven[]
}

const commitsMax = 14

/** Parents come before children in the list, whatever their dates say. */
const commits: fc.Arbitrary<readonly CommitGiven[]> = fc
  .array(
    fc.record({
      parents: fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }),
      days: fc.integer({ min: 0, max: 4 }),
    }),
    { minLength: 4, maxLength: commitsMax },
  )
  .map((given) =>
    given.map(({ parents, days }, index) => ({
      id: `c${index}`,
      parents: index === 0 ? [] : [...new Set(parents.map((back) => `c${Math.max(0, index - 1 - back)}`))],
      committedAt: now - days * dayMs,
    })),
  )

/** A world in which the last image is linked to a commit that a reference reaches, so that Git tells something. */
export const gitWorlds: fc.Arbitrary<GitWorld> = commits.chain((list) => {
  const label = fc.nat({ max: list.length - 1 }).map((index) => `c${index}`)
  return fc
    .record({
      references: fc.uniqueArray(
        fc.record({
          kind: fc.constantFrom('branch' as const, 'tag' as const),
          name: fc.constantFrom('main', 'dev', 'v1', 'v2', 'x'),
          commit: label,
        }),
        { minLength: 1, maxLength: 5, selector: ({ kind, name }) => `${kind} ${name}` },
      ),
      links: fc.array(fc.uniqueArray(label, { maxLength: 3 }), { minLength: 3, maxLength: 8 }),
    })
    .map(({ references, links }) => ({
      commits: list,
      references,
      images: [...links, [references[0]?.commit ?? 'c0']].map((linked, index) => ({
        label: `i${index}`,
        commits: linked,
      })),
    }))
})

export const gitLimits: fc.Arbitrary<GitLimit> = fc
  .record({
    newest: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    withinMs: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined, freq: 1 }),
    combine: fc.constantFrom('any' as const, 'all' as const),
  })
  .map(({ newest, withinMs, combine }) => ({
    combine,
    ...(newest !== undefined && { newest }),
    ...(withinMs !== undefined && { withinMs: withinMs * dayMs + 1 }),
  }))

export const gitCriteria: fc.Arbitrary<GitCriterion> = fc
  .record({
    of: fc.constantFrom('branch' as const, 'tag' as const),
    pattern: fc.constantFrom('.*', '.*', 'v.*', 'main|dev'),
    references: gitLimits,
    images: gitLimits,
  })
  .map(({ of, pattern, references, images }) => ({
    kind: 'git',
    repository: 'app',
    of,
    pattern: compileTagPattern(`/${pattern}/`),
    references,
    images,
    graceMs: 0,
  }))

const app: GitRepositoryPolicy = {
  name: 'app',
  images: undefined,
  commitTags: undefined,
  absentCommits: 'keep',
  maxLostShare: 1,
}

/** The labels of the images that rules with these criteria keep, one rule each. */
export function keptByRules(world: GitWorld, criteria: readonly GitCriterion[]): ReadonlySet<string> {
  const graph = buildGraph(
    world.images.map(({ label, commits: linked }) =>
      image(label, { tags: [label], commits: linked.map(commitId) }),
    ),
  )
  const asked = world.images.flatMap(({ commits: linked }) => linked)
  const place = { registry: 'prod' as RegistryName, repository: repositoryName('app'), graph }
  const histories = new Map([['app', history(world.commits, world.references, asked)]])
  const view = gitViewOf(place, [app], { histories, recorded: new Map() })
  const rules = criteria.map((criterion) => rule(keep(criterion)))
  const evaluation = evaluatePolicy(policy({ rules }), graph, now, view)
  const kept = evaluation.rows.filter((_, position) => evaluation.verdict(position).kind === 'keep')
  return new Set(kept.map(({ manifest }) => labelOf(manifest.digest)))
}
