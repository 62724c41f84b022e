/** What of a plan differs from what the oracle expects, in sentences; an empty list is agreement. */
import type { Plan } from '../../src/core/plan/plan.ts'
import { keyOf, oracle } from '../oracle/oracle.ts'
import type { World } from '../oracle/world.ts'
import { planOf } from './plan-of.ts'

export interface Acts {
  /** `registry repository digest` of every manifest that goes. */
  readonly deleted: ReadonlySet<string>
  readonly deletedRoots: ReadonlySet<string>
  /** `registry repository digest tag` of tags that are removed while the manifest stays. */
  readonly untags: ReadonlySet<string>
  /** `registry repository tag` of every tag that a deletion takes with it. */
  readonly tagsGone: ReadonlySet<string>
}

export function actsOf(plan: Plan): Acts {
  const deletes = plan.actions.filter((action) => action.kind === 'delete')
  const untags = plan.actions.filter((action) => action.kind === 'untag')
  const key = (action: { registry: string; repository: string }, digest: string): string =>
    keyOf(action.registry, action.repository, digest)
  return {
    deleted: new Set(
      deletes.flatMap((action) => [action.digest, ...action.with].map((digest) => key(action, digest))),
    ),
    deletedRoots: new Set(deletes.map((action) => key(action, action.digest))),
    untags: new Set(
      untags.map((action) => keyOf(action.registry, action.repository, action.digest, action.tag)),
    ),
    tagsGone: new Set(
      deletes.flatMap((action) =>
        [...action.tags, ...action.withTags.map(({ tag }) => tag)].map((tag) => key(action, tag)),
      ),
    ),
  }
}

function compareSets(what: string, planned: ReadonlySet<string>, expected: ReadonlySet<string>): string[] {
  return [
    ...[...planned]
      .filter((one) => !expected.has(one))
      .map((one) => `${what}: planned, not expected: ${one}`),
    ...[...expected]
      .filter((one) => !planned.has(one))
      .map((one) => `${what}: expected, not planned: ${one}`),
  ]
}

function limitKey(limit: Plan['limitsBroken'][number]): string {
  switch (limit.key) {
    case 'maxDeletions':
      return limit.key
    case 'maxShare':
      return `${limit.key} ${limit.registry}`
    case 'minSurvivors':
      return `${limit.key} ${limit.registry} ${limit.repository}`
  }
}

export function differences(world: World): string[] {
  const plan = planOf(world)
  const expected = oracle(world)
  const acts = actsOf(plan)
  return [
    ...compareSets('root', acts.deletedRoots, expected.deletedRoots),
    ...compareSets('manifest', acts.deleted, expected.deleted),
    ...compareSets('untag', acts.untags, expected.untags),
    ...compareSets('limit', new Set(plan.limitsBroken.map(limitKey)), expected.limitsBroken),
    ...(plan.summary.bytesFreed === expected.bytesFreed
      ? []
      : [`bytesFreed is ${plan.summary.bytesFreed}, expected ${expected.bytesFreed}`]),
    ...(plan.summary.bytesApparent === expected.bytesApparent
      ? []
      : [`bytesApparent is ${plan.summary.bytesApparent}, expected ${expected.bytesApparent}`]),
  ]
}
