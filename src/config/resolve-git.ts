/** Git repositories, from as written to as used: those under `git:`, and those that only a rule names. */
import type { GitName } from '../core/git/git-history.ts'
import type { GitRepositoryPolicy } from '../core/git/git-view.ts'
import { compileRepositoryPatterns, compileTagPatterns } from '../core/policy/compile-patterns.ts'
import type { GitRepositorySettings } from './configuration.ts'
import { listOf } from './fields.ts'
import { gitPlaceName, isGitAddress } from './git-place.ts'
import { resolveAuth } from './resolve-registry.ts'
import type { Resolving } from './resolving.ts'
import { parseShare } from './schema-evidence.ts'
import type { WrittenGit, WrittenGitRepository } from './schema-git.ts'
import type { WrittenPolicy } from './schema-policy.ts'

const defaultMaxLostShare = 0.3

/** A Git repository as the reader is told of it, and as rules see it. */
export interface ResolvedGit {
  readonly settings: readonly GitRepositorySettings[]
  readonly policies: readonly GitRepositoryPolicy[]
}

/** All that the file names, in its order; those that only rules name come last, under the words they use. */
export function resolveGit(
  written: WrittenGit | undefined,
  policies: readonly WrittenPolicy[],
  resolving: Resolving,
): ResolvedGit {
  const listed = (written?.repositories ?? []).map((repository) => ({
    name: gitRepositoryName(repository),
    repository,
  }))
  const named = new Set(listed.flatMap(({ name, repository }) => [name, repository.repository]))
  const inRules = policies
    .flatMap(({ rules }) => rules)
    .flatMap(({ keep }) => keep?.git?.repository ?? [])
    .filter((place) => !named.has(place))
  const alone = [...new Set(inRules)].map((place) => ({ name: place, repository: { repository: place } }))
  const all: readonly { readonly name: string; readonly repository: WrittenGitRepository }[] = [
    ...listed,
    ...alone,
  ]
  return {
    settings: all.map(({ name, repository }) => resolveSettings(name, repository, resolving)),
    policies: all.map(({ name, repository }) => resolveRepositoryPolicy(name, repository)),
  }
}

/** What a listed repository is called. */
export function gitRepositoryName({ name, repository }: WrittenGitRepository): GitName {
  return name ?? gitPlaceName(repository)
}

/** The repository that a rule asks: by name, else by the same place, else the place itself. */
export function gitNameOf(place: string | undefined, written: WrittenGit | undefined): GitName | undefined {
  if (place === undefined) return undefined
  const listed = written?.repositories ?? []
  const found =
    listed.find((repository) => gitRepositoryName(repository) === place) ??
    listed.find((repository) => repository.repository === place)
  return found === undefined ? place : gitRepositoryName(found)
}

function resolveSettings(
  name: GitName,
  written: WrittenGitRepository,
  { absolute }: Resolving,
): GitRepositorySettings {
  const { repository, forge } = written
  return {
    name,
    place: isGitAddress(repository)
      ? { kind: 'address', address: repository }
      : { kind: 'clone', path: absolute(repository), fetch: written.fetch ?? false },
    written: repository,
    auth: resolveAuth(written.auth, absolute),
    forge:
      forge === undefined
        ? undefined
        : { kind: forge.kind, url: forge.url?.replace(/\/+$/, ''), auth: resolveAuth(forge.auth, absolute) },
    links: listOf(written.links).map((file) => ({ path: absolute(file), written: file })),
  }
}

function resolveRepositoryPolicy(name: GitName, written: WrittenGitRepository): GitRepositoryPolicy {
  const { images, commitTags, maxLostLinks } = written
  const share = maxLostLinks === undefined ? undefined : parseShare(maxLostLinks)
  return {
    name,
    images: images === undefined ? undefined : compileRepositoryPatterns(listOf(images)),
    commitTags: commitTags === undefined ? undefined : compileTagPatterns(listOf(commitTags)),
    absentCommits: written.absentCommits ?? 'keep',
    ...(written.importSources !== undefined && { importSources: written.importSources }),
    maxLostShare: share ?? defaultMaxLostShare,
  }
}
