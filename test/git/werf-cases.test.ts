/**
 * The shared cases of werf's retention by Git history (werf-cases.json), asked of the rule itself: policies translated,
 * histories as values. Nothing that werf keeps may go; where werf's rule is sound, nothing else may stay.
 *
 * Kubernetes and the relations of stages are other parts' business; their cases are asked of whole plans elsewhere.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gitViewOf } from '../../src/core/git/git-facts.ts'
import type { GitRepositoryPolicy } from '../../src/core/git/git-view.ts'
import { buildGraph } from '../../src/core/image/graph.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { compileTagPattern } from '../../src/core/policy/compile-patterns.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { GitLimit, Rule } from '../../src/core/policy/policy.ts'
import { commitId, history } from '../builders/histories.ts'
import { image, labelOf, repositoryName } from '../builders/images.ts'
import { keep, policy, rule } from '../builders/policies.ts'

interface WerfLimit {
  readonly last?: number
  readonly in?: string
  readonly operator?: 'And' | 'Or'
}

interface WerfPolicy {
  readonly references: { readonly branch?: string; readonly tag?: string; readonly limit?: WerfLimit }
  readonly imagesPerReference?: WerfLimit
}

interface WerfCase {
  readonly name: string
  readonly git: {
    readonly commits: readonly {
      readonly id: string
      readonly parents: readonly string[]
      readonly committed_at: string
    }[]
    readonly refs: readonly {
      readonly kind: 'branch' | 'tag'
      readonly name: string
      readonly commit: string
      readonly created_at: string | null
      readonly annotated?: boolean
      readonly remote?: string | null
    }[]
  }
  readonly policies: readonly WerfPolicy[]
  readonly options: Readonly<Record<string, unknown>>
  readonly images: readonly {
    readonly id: string
    readonly image_name?: string
    readonly commits: readonly string[]
  }[]
  readonly now: string
  readonly keep: readonly string[]
  readonly delete: readonly string[]
  readonly kubernetes_images?: unknown
  readonly kubernetes_objects?: unknown
  readonly parents?: unknown
  readonly imports?: unknown
}

const file = join(process.env['WINNOW_SHARED'] ?? '../shared', 'cases', 'werf-cases.json')
const cases = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly WerfCase[] }).cases
  : []

const title =
  cases.length > 0
    ? 'a rule by Git history'
    : `a rule by Git history: ${file} is missing (WINNOW_SHARED names its folder)`

/** Questions to the rule alone: nothing deployed, no stages that build on others, cleanup not switched off. */
const askable = cases.filter(
  (each) =>
    each.kubernetes_images === undefined &&
    each.kubernetes_objects === undefined &&
    each.parents === undefined &&
    each.imports === undefined &&
    each.options['disable'] !== true,
)

/** Where more stays here than in werf, and why; docs/werf.md has the same list. */
const keepsMore: Readonly<Record<string, string>> = {
  'image linked only to a commit missing from the local repository': 'an absent commit is no answer',
}

describe.skipIf(cases.length === 0)(title, () => {
  it('is asked of many', () => {
    expect(askable.length).toBeGreaterThan(30)
  })

  it.each(askable)('$name', (each) => {
    const kept = keptOf(each)
    expect(kept).toEqual(expect.arrayContaining([...each.keep]))
    if (keepsMore[each.name] === undefined) expect(kept).toEqual([...each.keep].toSorted())
    else expect(kept.length).toBeGreaterThan(each.keep.length)
  })
})

function keptOf(each: WerfCase): readonly string[] {
  const graph = buildGraph(
    each.images.map(({ id, commits }) => image(id, { tags: [id], commits: commits.map(commitId) })),
  )
  const asked = each.images.flatMap(({ commits }) => commits)
  const commits = each.git.commits.map(({ id, parents, committed_at: at }) => ({
    id,
    parents,
    committedAt: Date.parse(at),
  }))
  const references = each.git.refs
    .filter(({ kind, remote }) => kind === 'tag' || remote === 'origin')
    .map(({ kind, name, commit, created_at: at, annotated }) => ({
      kind,
      name,
      commit,
      ...(annotated === true && at !== null && { datedAt: Date.parse(at) }),
    }))
  const app: GitRepositoryPolicy = {
    name: 'app',
    images: undefined,
    commitTags: undefined,
    absentCommits: 'keep',
    maxLostShare: 1,
  }
  const place = { registry: 'prod' as RegistryName, repository: repositoryName('app'), graph }
  const facts = {
    histories: new Map([['app', history(commits, references, asked)]]),
    recorded: new Map(),
  }
  const rules = (each.policies.length === 0 ? defaultPolicies : each.policies).map(ruleOf)
  const evaluation = evaluatePolicy(
    policy({ rules }),
    graph,
    Date.parse(each.now),
    gitViewOf(place, [app], facts),
  )
  return evaluation.rows
    .filter((_, position) => evaluation.verdict(position).kind === 'keep')
    .map(({ manifest }) => labelOf(manifest.digest))
    .toSorted()
}

const defaultPolicies: readonly WerfPolicy[] = [
  { references: { tag: '/.*/', limit: { last: 10 } }, imagesPerReference: { last: 1 } },
  {
    references: { branch: '/.*/', limit: { last: 10, in: '168h', operator: 'And' } },
    imagesPerReference: { last: 2, in: '168h', operator: 'And' },
  },
  { references: { branch: '/^(main|master|staging|production)$/' }, imagesPerReference: { last: 10 } },
]

/** As `winnow import werf` does it, quirks included: a missing half of `Or` is no limit; bare alternatives escape. */
function ruleOf({ references, imagesPerReference }: WerfPolicy): Rule {
  const pattern = references.branch ?? references.tag ?? ''
  const inSlashes = /^\/(.*)\/$/.exec(pattern)?.[1]
  const source =
    inSlashes === undefined
      ? `\\Q${pattern}\\E`
      : inSlashes.split('|').length > 1 && !inSlashes.includes('(')
        ? inSlashes
            .split('|')
            .map((part, index, all) => `${index > 0 ? '.*' : ''}${part}${index < all.length - 1 ? '.*' : ''}`)
            .join('|')
        : inSlashes.replace(/^\^|\$$/g, '')
  return rule(
    keep({
      kind: 'git',
      repository: 'app',
      of: references.branch === undefined ? 'tag' : 'branch',
      pattern: compileTagPattern(`/${source}/`),
      references: limitOf(references.limit, undefined),
      images: limitOf(imagesPerReference, 1),
      graceMs: 0,
    }),
  )
}

function limitOf(limit: WerfLimit | undefined, lastLeftOut: number | undefined): GitLimit {
  const last = limit?.last ?? lastLeftOut
  const newest = last === undefined || last < 0 ? undefined : last
  const isNoLimit = limit?.operator === 'Or' && (newest === undefined || limit.in === undefined)
  return {
    ...(newest !== undefined && !isNoLimit && { newest }),
    ...(limit?.in !== undefined && !isNoLimit && { withinMs: Number(limit.in.replace('h', '')) * 3_600_000 }),
    combine: limit?.operator === 'Or' ? 'any' : 'all',
  }
}
