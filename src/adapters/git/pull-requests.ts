/**
 * Which pull requests count. A forge that was configured says which are open and when the others were closed; without one,
 * every pull request that has a reference counts as open, which keeps more.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import type { SourceProblem } from '../../core/evidence/evidence.ts'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { Forge, PullRequest } from '../../ports/forge.ts'
import type { GitRequest } from '../../ports/git-reader.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import type { GitAddress } from './address.ts'
import { pullReferences, type PullReference } from './pull-references.ts'
import type { ListedReference } from './list-references.ts'

/** What is known before the repository is read. */
export type PullQuestion =
  | { readonly kind: 'not-asked' }
  /** Every one that has a reference. */
  | { readonly kind: 'references'; readonly problems: readonly SourceProblem[] }
  /** Those that a forge told of, by number. */
  | { readonly kind: 'told'; readonly pulls: ReadonlyMap<number, PullRequest> }

/** @throws InterruptedError; what the forge cannot say becomes a problem */
export async function askForge(
  name: string,
  forge: Forge | undefined,
  address: GitAddress | undefined,
  { pullRequests, closedSince }: GitRequest,
  options: RunOptions,
): Promise<PullQuestion> {
  if (!pullRequests) return { kind: 'not-asked' }
  if (forge === undefined) return { kind: 'references', problems: [] }
  try {
    if (address === undefined || address.host === '')
      return { kind: 'references', problems: [noHost(name, forge)] }
    const query = { host: address.host, project: address.project, closedSince }
    const pulls = await forge.listPullRequests(query, options)
    return { kind: 'told', pulls: new Map(pulls.map((pull) => [pull.number, pull])) }
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
    const text = `${forge.name} did not say which pull requests are open: ${error.message} ${error.hint}`
    return { kind: 'references', problems: [problem(name, text)] }
  }
}

/** A pull request's commit as a reference, before the graph is there. */
export interface PullTarget {
  readonly number: number
  readonly target: string
  readonly closedAt: InstantMs | undefined
}

export interface PullTargets {
  readonly targets: readonly PullTarget[]
  /**
   * Those that the forge told of and whose head no reference here is at (a clone that was not fetched for long has older
   * ones); it may be there all the same.
   */
  readonly headless: readonly PullRequest[]
}

/** Joins what the forge told with the references that are there. */
export function pullTargets(
  question: PullQuestion,
  references: readonly ListedReference[],
  prefixes: readonly string[],
): PullTargets {
  if (question.kind === 'not-asked') return { targets: [], headless: [] }
  const found = pullReferences(references, prefixes)
  if (question.kind === 'references') {
    return { targets: found.map((reference) => toTarget(reference, undefined)), headless: [] }
  }
  const { pulls } = question
  const counted = found.filter(({ number }) => pulls.has(number))
  const isHead = ({ number, side, target }: PullReference): boolean =>
    side === 'head' && (pulls.get(number)?.head ?? target) === target
  const withHead = new Set(counted.filter(isHead).map(({ number }) => number))
  return {
    targets: counted.map((reference) => toTarget(reference, pulls.get(reference.number)?.closedAt)),
    headless: [...pulls.values()].filter(({ number }) => !withHead.has(number)),
  }
}

function toTarget({ number, target }: PullReference, closedAt: InstantMs | undefined): PullTarget {
  return { number, target, closedAt }
}

/** The heads of some pull requests are not in the repository: their images cannot be told from others. */
export function missingHeads(name: string, pulls: readonly PullRequest[]): readonly SourceProblem[] {
  if (pulls.length === 0) return []
  const some = pulls
    .slice(0, 5)
    .map(({ number, head }) => `${number} (${head?.slice(0, 12) ?? 'unknown'})`)
    .join(', ')
  const more = pulls.length > 5 ? ` and ${pulls.length - 5} more` : ''
  const text =
    `The heads of pull requests are not in the repository: ${some}${more}. ` +
    'Give the address of the repository in place of a path, or set `fetch: true`, so that they are fetched.'
  return [problem(name, text)]
}

function noHost(name: string, forge: Forge): SourceProblem {
  return problem(
    name,
    `${forge.name} cannot be asked for pull requests: the repository's address names no host. Take \`forge:\` out, or give the address that the forge has.`,
  )
}

/** Accepted by name, what is there counts: references of pull requests, all as open. */
function problem(name: string, text: string): SourceProblem {
  return { severity: 'incomplete', text, accept: `git:${name}/pull-requests` }
}
