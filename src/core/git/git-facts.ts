/** What all Git repositories of a run said, and from there what the rules of one repository of images see. */
import type { Digest } from '../image/digest.ts'
import type { ImageGraph } from '../image/graph.ts'
import type { RegistryName, RepositoryName } from '../image/names.ts'
import type { GitCriterion, Policy, Rule } from '../policy/policy.ts'
import type { GitHistory, GitName } from './git-history.ts'
import type { GitLookUp, GitRepositoryPolicy, GitView } from './git-view.ts'
import type { ImageLink } from './image-link.ts'
import { imageLinks } from './image-links.ts'

export interface GitFacts {
  /** By name; a repository that was left out is not in it. */
  readonly histories: ReadonlyMap<GitName, GitHistory>
  readonly recorded: RecordedLinks
}

/**
 * Commits that were linked to an image outside its registry: in files, in Winnow's state. By digest alone: the same bytes
 * were built from the same commit wherever they lie.
 */
export type RecordedLinks = ReadonlyMap<Digest, readonly string[]>

export const noGitFacts: GitFacts = { histories: new Map(), recorded: new Map() }

export interface ImagePlace {
  readonly registry: RegistryName
  readonly repository: RepositoryName
  readonly graph: ImageGraph
}

/** Whether a policy has a rule that asks Git. */
export function asksGit(policy: Policy): boolean {
  return policy.rules.some(
    ({ effect }) => effect.kind === 'keep' && effect.criteria.some(({ kind }) => kind === 'git'),
  )
}

/** A rule that asks a Git repository, and what. */
export interface GitRule {
  readonly rule: Rule
  readonly criterion: GitCriterion
}

/** The Git repositories that the rules of a policy ask about the images of one repository, with those rules. */
export function askedByPolicy(
  policy: Policy,
  repository: RepositoryName,
  policies: readonly GitRepositoryPolicy[],
): ReadonlyMap<GitRepositoryPolicy, readonly GitRule[]> {
  const asked = new Map<GitRepositoryPolicy, GitRule[]>()
  for (const rule of policy.rules) {
    if (rule.effect.kind !== 'keep') continue
    for (const criterion of rule.effect.criteria) {
      const found =
        criterion.kind === 'git' ? findPolicy(criterion.repository, repository, policies) : undefined
      if (found === undefined || criterion.kind !== 'git') continue
      asked.set(found, [...(asked.get(found) ?? []), { rule, criterion }])
    }
  }
  return asked
}

/** What rules see; links are looked for when the first of them asks. */
export function gitViewOf(
  place: ImagePlace,
  policies: readonly GitRepositoryPolicy[],
  { histories, recorded }: GitFacts,
): GitView {
  const linksBy = new Map<GitRepositoryPolicy, ReturnType<typeof linksFor>>()
  return {
    lookUp(name): GitLookUp {
      const policy = findPolicy(name, place.repository, policies)
      if (policy === undefined)
        return { kind: 'unknown', why: 'no Git repository says that it is the one of these images' }
      const history = histories.get(policy.name)
      if (history === undefined)
        return { kind: 'unknown', why: `the Git repository ${policy.name} was not asked` }
      const links = linksBy.get(policy) ?? linksFor(place, policy, recorded)
      linksBy.set(policy, links)
      return { kind: 'found', history, policy, linksOf: (image) => links.get(image) ?? none }
    },
  }
}

const none: readonly ImageLink[] = []

/** The links of every image of a repository, as one Git repository's settings tell to find them. */
export function linksFor(
  { graph }: ImagePlace,
  { commitTags }: GitRepositoryPolicy,
  recorded: RecordedLinks,
): ReturnType<typeof imageLinks> {
  return imageLinks(graph, { commitTags, extra: recorded })
}

function findPolicy(
  name: GitName | undefined,
  repository: RepositoryName,
  policies: readonly GitRepositoryPolicy[],
): GitRepositoryPolicy | undefined {
  return policies.find((policy) =>
    name === undefined ? policy.images?.matches(repository) === true : policy.name === name,
  )
}
