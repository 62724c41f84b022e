/**
 * Policies that say the same of several repositories as one, as a person would write them. Only neighbours become one, and
 * only where their lists take nothing out: then the first policy that matches a repository says the same as before.
 */
import type { ImportedPolicy } from './imported-policy.ts'

/** The policies in their order, each with the neighbours it is one with. */
export function unitedPolicies(policies: readonly ImportedPolicy[]): readonly ImportedPolicy[] {
  const united: ImportedPolicy[] = []
  for (const policy of policies) {
    const before = united.at(-1)
    if (before === undefined || !areOne(before, policy)) united.push(policy)
    else united[united.length - 1] = both(before, policy)
  }
  return united
}

function areOne(one: ImportedPolicy, other: ImportedPolicy): boolean {
  const takesOut = [...one.repositories, ...other.repositories].some((pattern) => pattern.startsWith('!'))
  return !takesOut && contentOf(one) === contentOf(other)
}

/** All but what each is called and speaks of. */
function contentOf({ name: _name, repositories: _repositories, ...content }: ImportedPolicy): string {
  return JSON.stringify(content)
}

const nameMax = 60

function both(one: ImportedPolicy, other: ImportedPolicy): ImportedPolicy {
  const added = other.repositories.filter((pattern) => !one.repositories.includes(pattern))
  const name = `${one.name}, ${added.join(', ')}`
  return {
    ...one,
    name: name.length <= nameMax ? name : one.name,
    repositories: [...one.repositories, ...added],
  }
}
