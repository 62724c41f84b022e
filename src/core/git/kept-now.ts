/**
 * What the rules that ask Git keep of a repository right now, for the look before a deletion: a release tag may have been
 * set, or a branch pushed, since the plan was made. Only what Git positively says counts here; what it could not tell, the
 * plan has weighed.
 */
import type { InUseMark } from '../evidence/resolve-evidence.ts'
import type { Digest } from '../image/digest.ts'
import type { InstantMs } from '../inventory/inventory.ts'
import { evaluatePolicy } from '../policy/evaluate.ts'
import type { Policy } from '../policy/policy.ts'
import { asksGit, gitViewOf, type GitFacts, type ImagePlace } from './git-facts.ts'
import type { GitRepositoryPolicy } from './git-view.ts'

/** By digest of the image: the rule that keeps it, and why. */
export function keptByGitNow(
  policy: Policy,
  place: ImagePlace,
  repositories: readonly GitRepositoryPolicy[],
  facts: GitFacts,
  now: InstantMs,
): ReadonlyMap<Digest, readonly InUseMark[]> {
  const asking = { ...policy, rules: policy.rules.filter((rule) => asksGit({ ...policy, rules: [rule] })) }
  const view = gitViewOf(
    place,
    repositories.map((repository) => ({ ...repository, absentCommits: 'unneeded' })),
    facts,
  )
  const { rows, results } = evaluatePolicy(asking, place.graph, now, view)
  const kept = new Map<Digest, readonly InUseMark[]>()
  rows.forEach(({ manifest }, position) => {
    const marks = results.flatMap((result) => {
      const reason = result.says(position) === 'decides' ? result.reason(position) : undefined
      return reason?.kind === 'kept-git' ? [{ source: 'git', where: reason.text }] : []
    })
    if (marks.length > 0) kept.set(manifest.digest, [...(kept.get(manifest.digest) ?? []), ...marks])
  })
  return kept
}
