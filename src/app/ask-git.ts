/**
 * Asks the Git repositories that rules speak of, as sources among the others: left out by the same words, doubted by the
 * same guard, named in the plan in the same list. What they say is not which images are in use but a history, which rules
 * read (`core/git/`).
 */
import type { SourceEvidence, SourceProblem } from '../core/evidence/evidence.ts'
import {
  askedByPolicy,
  asksGit,
  linksFor,
  noGitFacts,
  type GitFacts,
  type GitRule,
  type ImagePlace,
  type RecordedLinks,
} from '../core/git/git-facts.ts'
import { isAskable } from '../core/git/commit-id.ts'
import type { GitHistory, GitName } from '../core/git/git-history.ts'
import type { GitRepositoryPolicy } from '../core/git/git-view.ts'
import type { LinkedCommits } from '../core/git/lost-links.ts'
import { firstReaching } from '../core/git/reach.ts'
import { resolveLinks } from '../core/git/resolve-links.ts'
import { buildGraph } from '../core/image/graph.ts'
import type { InstantMs, Inventory } from '../core/inventory/inventory.ts'
import { policyFor } from '../core/plan/build-plan.ts'
import { mayExistIn } from '../core/plan/elsewhere.ts'
import type { GitCriterion, Policy, PolicySet } from '../core/policy/policy.ts'
import type { EvidenceSource } from '../ports/evidence-source.ts'
import type { GitReader, GitRequest } from '../ports/git-reader.ts'
import type { RunOptions } from '../ports/run-options.ts'

export interface GitPorts {
  readonly readers: ReadonlyMap<GitName, GitReader>
  /** Read after the inventory, as all evidence is. @throws OperationalError where links are that cannot be read */
  readonly recorded: () => Promise<RecordedLinks>
}

/** Nobody is configured: rules that ask Git keep all they reach. */
export const noGitPorts: GitPorts = { readers: new Map(), recorded: async () => new Map() }

export interface AskedGit {
  /** One for each Git repository that a rule asks, to be gathered from beside the sources of evidence. */
  readonly sources: readonly EvidenceSource[]
  /** What those said that were gathered from. */
  facts(): GitFacts
}

/** No rule asks. */
export const noGit: AskedGit = { sources: [], facts: () => noGitFacts }

/** How a source of this kind is named. */
export function gitSourceName(name: GitName): string {
  return `git:${name}`
}

/**
 * Finds out which Git repositories are to be asked, and about which commits, from what registries hold.
 *
 * @param now the instant to measure ages from, for pull requests that were closed lately
 */
export async function askGit(
  policySet: PolicySet,
  inventories: readonly Inventory[],
  ports: GitPorts,
  now: InstantMs,
): Promise<AskedGit> {
  const { readers } = ports
  const histories = new Map<GitName, GitHistory>()
  if (!policySet.policies.some(asksGit)) return noGit
  const recorded = await ports.recorded()
  const questions = questionsOf(policySet, inventories, recorded, now)
  const sources = questions.flatMap((question) => {
    const reader = readers.get(question.policy.name)
    return reader === undefined
      ? []
      : [sourceOf(question, reader, (history) => histories.set(history.name, history))]
  })
  return { sources, facts: () => ({ histories, recorded }) }
}

/**
 * Asks the Git repositories that a plan went by once more, before it is applied. No image is named: what Git reaches by
 * now is all that matters, and a commit that it does not know says nothing new.
 *
 * @param names those of the plan's sources
 */
export async function askGitAgain(
  policySet: PolicySet,
  names: ReadonlySet<string>,
  ports: GitPorts,
  now: InstantMs,
): Promise<AskedGit> {
  const { readers } = ports
  if (!policySet.policies.some(asksGit)) return noGit
  const recorded = await ports.recorded()
  const histories = new Map<GitName, GitHistory>()
  const sources = policySet.git.flatMap((policy) => {
    const reader = readers.get(policy.name)
    if (reader === undefined || !names.has(gitSourceName(policy.name))) return []
    const rules = new Set(rulesAsking(policySet, policy))
    const question = { policy, rules, request: requestOf(new Set(), rules, now) }
    const source = sourceOf(question, reader, (history) => histories.set(history.name, history))
    return [{ name: source.name, gather: withoutLinks(source) }]
  })
  return { sources, facts: () => ({ histories, recorded }) }
}

/** All rules that may ask a repository, whatever images there are. */
function rulesAsking({ policies }: PolicySet, { name }: GitRepositoryPolicy): readonly GitRule[] {
  return policies
    .flatMap(({ rules }) => rules)
    .flatMap((rule) =>
      rule.effect.kind === 'keep'
        ? rule.effect.criteria.flatMap((criterion) =>
            criterion.kind === 'git' && (criterion.repository ?? name) === name ? [{ rule, criterion }] : [],
          )
        : [],
    )
}

/** How many linked commits are reached is not asked here, so it must not be remembered as none. */
function withoutLinks(source: EvidenceSource): EvidenceSource['gather'] {
  return async (managed, options) => {
    const { linked: _, ...evidence } = await source.gather(managed, options)
    return evidence
  }
}

interface Question {
  readonly policy: GitRepositoryPolicy
  /** Every rule that asks it, each once. */
  readonly rules: ReadonlySet<GitRule>
  readonly request: GitRequest
}

function questionsOf(
  policySet: PolicySet,
  inventories: readonly Inventory[],
  recorded: RecordedLinks,
  now: InstantMs,
): readonly Question[] {
  const asked = new Map<GitRepositoryPolicy, { commits: Set<string>; rules: Map<GitCriterion, GitRule> }>()
  for (const { place, policy } of placesAsking(policySet, inventories)) {
    for (const [repository, rules] of askedByPolicy(policy, place.repository, policySet.git)) {
      const question = asked.get(repository) ?? { commits: new Set(), rules: new Map() }
      asked.set(repository, question)
      for (const rule of rules) question.rules.set(rule.criterion, rule)
      for (const links of linksFor(place, repository, recorded).values()) {
        for (const { commit } of links) if (isAskable(commit)) question.commits.add(commit)
      }
    }
  }
  return policySet.git.flatMap((policy) => {
    const question = asked.get(policy)
    if (question === undefined) return []
    const rules = new Set(question.rules.values())
    return [{ policy, rules, request: requestOf(question.commits, rules, now) }]
  })
}

/** Repositories of images whose policy asks Git. */
function* placesAsking(
  policySet: PolicySet,
  inventories: readonly Inventory[],
): Generator<{ readonly place: ImagePlace; readonly policy: Policy }> {
  for (const inventory of inventories) {
    const { registry, repositories } = inventory
    for (const { name, manifests } of repositories) {
      const policy = policyFor(policySet, registry, name)
      if (policy === undefined || !asksGit(policy)) continue
      yield {
        place: { registry, repository: name, graph: buildGraph(manifests, mayExistIn(inventory)) },
        policy,
      }
    }
  }
}

function requestOf(commits: ReadonlySet<string>, rules: ReadonlySet<GitRule>, now: InstantMs): GitRequest {
  const graces = [...rules].flatMap(({ criterion }) =>
    criterion.of === 'pull-request' ? criterion.graceMs : [],
  )
  return {
    commits: [...commits].sort(),
    pullRequests: graces.length > 0,
    ...(graces.some((graceMs) => graceMs > 0) && { closedSince: now - Math.max(...graces) }),
  }
}

/** A name that nobody has is more likely misspelt than meant, and its rule keeps nothing. */
function unmatchedRules(
  { policy, rules }: Question,
  { complete, references }: GitHistory,
): readonly SourceProblem[] {
  if (!complete) return []
  return [...rules].flatMap(({ rule, criterion: { of, pattern } }) => {
    if (of === 'pull-request') return []
    if (references.some(({ kind, name }) => kind === of && pattern.matches(name))) return []
    // As written: the slashes around it are ours.
    const written = pattern.source.slice(1, -1)
    const text = `No ${of} of ${policy.name} matches ${written}, so the rule "${rule.name}" keeps nothing.`
    return [{ severity: 'warning', text, accept: undefined }]
  })
}

function sourceOf(
  question: Question,
  reader: GitReader,
  onHistory: (history: GitHistory) => void,
): EvidenceSource {
  const { policy, request } = question
  const name = gitSourceName(policy.name)
  return {
    name,
    async gather(_managed, options: RunOptions = {}): Promise<SourceEvidence> {
      const history = await reader.read(request, options)
      onHistory(history)
      return {
        name,
        complete: history.complete,
        leftOut: false,
        identity: undefined,
        objects: history.graph.size,
        pods: undefined,
        references: [],
        digests: [],
        // Of a history that was not read nobody knows what it has lost.
        ...(history.complete && { linked: linkedCommits(history, request.commits, policy.maxLostShare) }),
        problems: [...history.problems, ...unmatchedRules(question, history)],
      }
    },
  }
}

function linkedCommits(history: GitHistory, commits: readonly string[], maxLostShare: number): LinkedCommits {
  const { graph, references } = history
  const names = references.map(({ kind, name }) => `${kind} ${name}`)
  const first = firstReaching(graph, references)
  const links = resolveLinks(
    commits.map((commit) => ({ commit, origin: 'inventory' })),
    history,
  )
  return {
    reached: new Map(
      links.reached.map(({ commit }) => [graph.idOf(commit), names[first[commit] ?? -1] ?? ''] as const),
    ),
    linked: new Set([...links.reached.map(({ commit }) => graph.idOf(commit)), ...commits]),
    references: new Set(names),
    maxLostShare,
  }
}
