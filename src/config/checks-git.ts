/** What must hold between the keys of Git repositories, and between them and the rules that ask them. */
import { valueAt } from './explain-issues.ts'
import { isGitAddress } from './git-place.ts'
import { isRecord, type Report } from './report.ts'
import { gitRepositoryName } from './resolve-git.ts'
import type { Path } from './yaml-source.ts'

/** Checks `git:` of a file as plain value. */
export function checkGitRepositories(value: unknown, report: Report): void {
  const repositories = valueAt(value, ['repositories'])
  if (!Array.isArray(repositories)) return
  const first = new Map<string, number>()
  repositories.forEach((repository: unknown, index) => {
    const path = ['git', 'repositories', index]
    const place = valueAt(repository, ['repository'])
    if (!isRecord(repository) || typeof place !== 'string') return
    const given = repository['name']
    const name = gitRepositoryName({ repository: place, ...(typeof given === 'string' && { name: given }) })
    const earlier = first.get(name)
    if (earlier === undefined) first.set(name, index)
    else {
      report(
        path,
        `The name "${name}" is taken by git.repositories[${earlier}].`,
        'Give it another `name:`; plans and messages tell them apart by name.',
        true,
      )
    }
    checkPlace(repository, place, path, report)
  })
}

function checkPlace(
  repository: Readonly<Record<string, unknown>>,
  place: string,
  path: Path,
  report: Report,
): void {
  if (isGitAddress(place) && Object.hasOwn(repository, 'fetch')) {
    report([...path, 'fetch'], 'An address is always fetched.', 'Take `fetch:` out.', true)
  }
  if (Object.hasOwn(repository, 'auth') && !place.startsWith('https://') && !place.startsWith('http://')) {
    report(
      [...path, 'auth'],
      '`auth:` is for addresses with https.',
      'For ssh use an agent or ~/.ssh/config; for a clone, what its remote is configured with.',
      true,
    )
  }
}

/** Checks the `git:` criterion of one rule. */
export function checkGitRule(git: unknown, path: Path, hasRepositories: boolean, report: Report): void {
  if (!isRecord(git)) return
  const kinds = ['branches', 'tags', 'pullRequests'].filter((kind) => Object.hasOwn(git, kind))
  if (kinds.length !== 1) {
    report(
      path,
      'A Git rule speaks of `branches`, of `tags` or of `pullRequests`.',
      'Write one of them; for more, write more rules: what any of them keeps is kept.',
      true,
    )
  }
  for (const kind of kinds) checkSlashes(git[kind], [...path, kind], report)
  if (git['repository'] === undefined && !hasRepositories) {
    report(
      path,
      'Nothing says which Git repository is meant.',
      'Write `repository:` with the path of a clone or an address, or list repositories with their `images:` under `git:`.',
      true,
    )
  }
  if (git['grace'] !== undefined && git['pullRequests'] === undefined) {
    report([...path, 'grace'], '`grace` matters only to `pullRequests`.', 'Take it out.', true)
  }
  for (const limit of ['references', 'images']) checkLimit(git[limit], [...path, limit], report)
}

/** No reference begins with a slash, so such a pattern would match nothing, and keep nothing. */
function checkSlashes(pattern: unknown, path: Path, report: Report): void {
  if (typeof pattern !== 'string' || !pattern.startsWith('/')) return
  report(
    path,
    'A pattern of references stands without slashes around it.',
    `Write ${JSON.stringify(pattern.replace(/^\/(.*)\/i?$/, '$1'))}.`,
  )
}

function checkLimit(value: unknown, path: Path, report: Report): void {
  if (!isRecord(value)) return
  const isBoth = value['newest'] !== undefined && value['within'] !== undefined
  if (isBoth && value['combine'] === undefined) {
    report(path, '`newest` and `within` are two criteria.', 'Add `combine: any` or `combine: all`.', true)
  }
}
