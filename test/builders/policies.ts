/** Rules and policies for tests: `rule(keep({ kind: 'newest', count: 2 }), { match: tagged('v*') })`. */
import { compileRepositoryPatterns, compileTagPatterns } from '../../src/core/policy/compile-patterns.ts'
import { compileStreamTemplate } from '../../src/core/policy/compile-stream-template.ts'
import type {
  Counting,
  DeleteCriterion,
  DeleteEffect,
  KeepCriterion,
  KeepEffect,
  MatchBlock,
  Policy,
  PolicySet,
  Protect,
  Rule,
} from '../../src/core/policy/policy.ts'

type CountingGiven = Partial<Omit<Counting, 'per'>> & { readonly per?: string }

function counting({ per, ...given }: CountingGiven): Counting {
  return {
    by: 'pushed',
    count: 'tags',
    combine: 'any',
    timezone: 'UTC',
    ...given,
    per: per === undefined ? undefined : compileStreamTemplate(per),
  }
}

export function keep(
  criteria: KeepCriterion | readonly KeepCriterion[],
  given: CountingGiven = {},
): KeepEffect {
  return { kind: 'keep', criteria: listOf(criteria), ...counting(given) }
}

export function remove(
  criteria: DeleteCriterion | readonly DeleteCriterion[],
  given: CountingGiven & Partial<Pick<DeleteEffect, 'countAmong' | 'onePageOf'>> = {},
): DeleteEffect {
  const { countAmong = 'matched', ...rest } = given
  return { kind: 'delete', criteria: listOf(criteria), countAmong, ...counting(rest) }
}

export interface RuleGiven {
  readonly name?: string
  readonly line?: number
  readonly match?: MatchBlock | readonly MatchBlock[]
  readonly not?: MatchBlock | readonly MatchBlock[]
  readonly except?: MatchBlock | readonly MatchBlock[]
}

export function rule(effect: Rule['effect'], given: RuleGiven = {}): Rule {
  return {
    name: given.name ?? effect.kind,
    line: given.line ?? 7,
    match: listOf(given.match ?? []),
    not: listOf(given.not ?? []),
    except: listOf(given.except ?? []),
    effect,
  }
}

/** A block that asks for tags. */
export function tagged(...patterns: readonly string[]): MatchBlock {
  return { tags: compileTagPatterns(patterns) }
}

export function policy(
  given: Partial<Omit<Policy, 'repositories'>> & { readonly repositories?: readonly string[] } = {},
): Policy {
  return {
    name: 'p',
    registry: undefined,
    unit: 'image',
    rules: [],
    unmatched: 'delete',
    line: 3,
    unmatchedLine: 9,
    ...given,
    repositories: compileRepositoryPatterns(given.repositories ?? ['**']),
  }
}

/** No protection: a test that wants one names it. */
export const unprotected: Protect = { youngerThanMs: 0, seenInUseWithinMs: 0, tags: undefined }

/** One policy, no protection and no limit, unless the test says so. */
export function policySet(given: Partial<PolicySet> = {}): PolicySet {
  return {
    policies: [policy()],
    protect: unprotected,
    limits: { maxDeletions: 1_000_000, maxShare: 1, minSurvivors: 0 },
    git: [],
    ...given,
  }
}

function listOf<T extends object>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T]
}
