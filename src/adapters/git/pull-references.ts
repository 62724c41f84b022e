/** The references under which servers keep the commits of pull requests, in their repositories and in clones of them. */
import type { ListedReference } from './list-references.ts'

/**
 * Below `refs/` on the server. GitHub, Gitea, Forgejo: pull/N/head, and GitHub pull/N/merge; Azure DevOps: pull/N/merge;
 * GitLab: merge-requests/N/head and …/merge; Bitbucket: pull-requests/N/from and …/merge.
 */
export const pullFolders: readonly string[] = ['pull', 'merge-requests', 'pull-requests']

/** All of them, into references of our own. Patterns that match nothing do no harm. */
export const allPullRefspecs: readonly string[] = pullFolders.map(
  (folder) => `+refs/${folder}/*:refs/winnow/${folder}/*`,
)

export interface PullReference extends ListedReference {
  readonly number: number
  /** The branch's own end, or the commit that merges it into its target, which CI likes to build. */
  readonly side: 'head' | 'merge'
}

/** `pr/N` is how many fetch them into their clones; there the name ends with the number. */
const shape = /^(?:pull|merge-requests|pull-requests|pr)\/(\d{1,15})(?:\/(head|from|merge))?$/

/** The pull requests among references; `prefixes` are where they may lie, the longer ones first. */
export function pullReferences(
  references: readonly ListedReference[],
  prefixes: readonly string[],
): readonly PullReference[] {
  return references.flatMap((reference) => {
    const prefix = prefixes.find((each) => reference.name.startsWith(each))
    const [, number, side] = shape.exec(reference.name.slice(prefix?.length ?? 0)) ?? []
    if (prefix === undefined || number === undefined) return []
    return [{ ...reference, number: Number(number), side: side === 'merge' ? 'merge' : 'head' }]
  })
}

/** Refspecs for some pull requests, from what the server has. */
export function pullRefspecs(
  onServer: Iterable<string>,
  isWanted: (number: number) => boolean,
): readonly string[] {
  const references = [...onServer].map((name) => ({ name, target: '' }))
  return pullReferences(references, ['refs/'])
    .filter(({ number }) => isWanted(number))
    .map(({ name }) => `+${name}:refs/winnow/${name.slice('refs/'.length)}`)
}
