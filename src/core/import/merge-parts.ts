/**
 * Policies that follow each other and say the same, as one. Where repositories were parted by several patterns, a policy
 * of its own for each set of them is seldom what a person would have written.
 */
import type { ImportedPolicy } from './imported-policy.ts'

/**
 * Joins neighbours with the same rules. Each has one pattern and others taken out (`["a", "!b"]`), as parts have.
 *
 * The joined policy has the patterns of all of them, and takes out what all of them do. It must not catch what belongs to
 * a policy that comes later: none of those that do begins with one of its patterns.
 */
export function mergeParts(policies: readonly ImportedPolicy[]): readonly ImportedPolicy[] {
  const merged: ImportedPolicy[] = []
  for (let at = 0; at < policies.length;) {
    const end = endOfGroup(policies, at)
    const joined = end - at > 1 ? joinGroup(policies.slice(at, end), policies.slice(end)) : undefined
    merged.push(...(joined === undefined ? policies.slice(at, end) : [joined]))
    at = end
  }
  return merged
}

function endOfGroup(policies: readonly ImportedPolicy[], begin: number): number {
  const rules = JSON.stringify(policies[begin]?.rules)
  const length = policies.slice(begin).findIndex((policy) => JSON.stringify(policy.rules) !== rules)
  return length === -1 ? policies.length : begin + length
}

function joinGroup(
  group: readonly ImportedPolicy[],
  later: readonly ImportedPolicy[],
): ImportedPolicy | undefined {
  const firstOf = ({ repositories: [first = ''] }: ImportedPolicy): string => first
  const patterns = [...new Set(group.map(firstOf))]
  const outside = group.map(({ repositories }) =>
    repositories.slice(1).filter((pattern) => !patterns.includes(pattern.slice(1))),
  )
  const [out = [], ...others] = outside
  const isSame = others.every((other) => other.toSorted().join('\n') === out.toSorted().join('\n'))
  const [policy] = group
  if (!isSame || policy === undefined || later.some((each) => patterns.includes(firstOf(each))))
    return undefined
  return { ...policy, repositories: [...patterns, ...out] }
}
