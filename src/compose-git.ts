/** From a configuration to readers of Git repositories, and to the links that are recorded outside registries. */
import { readFile } from 'node:fs/promises'
import { createForge } from './adapters/forges/create-forge.ts'
import { GitReadError } from './adapters/git/git-errors.ts'
import { defaultGitLimits } from './adapters/git/git-limits.ts'
import { createGitReader } from './adapters/git/git-reader.ts'
import type { GitReaderSettings } from './adapters/git/git-settings.ts'
import { requireGit } from './adapters/git/git-version.ts'
import { createGit } from './adapters/git/run-git.ts'
import type { State } from './adapters/journal/open-state.ts'
import type { GitPorts } from './app/ask-git.ts'
import { stateDirectoryOf, type ComposeOptions } from './compose-options.ts'
import { credentialsOf } from './compose-credentials.ts'
import type { Configuration, GitRepositorySettings } from './config/configuration.ts'
import { OperationalError, type ErrorCategory } from './core/errors/errors.ts'
import { parseLinkFile } from './core/git/link-file.ts'
import type { Digest } from './core/image/digest.ts'
import type { Forge } from './ports/forge.ts'
import type { LeaseStore } from './ports/lease.ts'

/** Links in a file could have kept an image, so a file that cannot be read stops the plan. */
export class LinkFileError extends OperationalError {
  readonly code = 'LINK_FILE_UNREADABLE'
  override readonly category: ErrorCategory = 'incomplete'
  readonly hint =
    'Correct the file, or take it out of `links:` on purpose; what only it links is then linked to nothing.'
}

/**
 * Readers of every Git repository that is configured or that a rule names; nothing is looked at before they are asked.
 *
 * @param state has links that were recorded there, and keeps runs apart that fetch
 */
export function composeGit(
  configuration: Configuration,
  options: ComposeOptions,
  state: Pick<State, 'leases' | 'links'>,
): GitPorts {
  const readers = [...configuration.git.values()].map((settings) =>
    createGitReader(gitReaderSettings(settings, options, state.leases)),
  )
  return {
    readers: new Map(readers.map((reader) => [reader.name, reader])),
    recorded: async () => {
      const links = new Map<Digest, string[]>()
      await addFromFiles(links, [...configuration.git.values()])
      await addFromState(links, configuration, state)
      return links
    },
  }
}

/** How one Git repository is read, from how it is configured. */
export function gitReaderSettings(
  { name, place, auth, forge }: GitRepositorySettings,
  options: ComposeOptions,
  leases: LeaseStore,
): GitReaderSettings {
  const { environment } = options
  return {
    name,
    place,
    stateDirectory: stateDirectoryOf(options),
    environment,
    leases,
    ...(auth !== undefined && { credentials: credentialsOf(auth, environment) }),
    ...(forge !== undefined && { forge: composeForge(forge, options) }),
  }
}

/** Without a login it is asked as anybody may; nothing is looked for in places meant for registries. */
function composeForge(
  { kind, url, auth }: NonNullable<GitRepositorySettings['forge']>,
  { environment, version }: ComposeOptions,
): Forge {
  return createForge({
    kind,
    ...(url !== undefined && { url }),
    http: {
      userAgent: `winnow/${version}`,
      environment,
      ...(auth !== undefined && { credentials: credentialsOf(auth, environment) }),
    },
  })
}

type Links = Map<Digest, string[]>

async function addFromFiles(links: Links, repositories: readonly GitRepositorySettings[]): Promise<void> {
  for (const { path, written } of repositories.flatMap((repository) => repository.links)) {
    for (const { image, commits } of await readLinkFile(path, written)) {
      add(links, image.digest, commits)
    }
  }
}

async function addFromState(
  links: Links,
  { registries }: Configuration,
  state: Pick<State, 'links'>,
): Promise<void> {
  for (const registry of registries.keys()) {
    for (const { subject, commit } of await state.links.rememberedLinks(registry))
      add(links, subject, [commit])
  }
}

function add(links: Links, image: Digest, commits: readonly string[]): void {
  const known = links.get(image)
  if (known === undefined) links.set(image, [...commits])
  else known.push(...commits)
}

async function readLinkFile(
  path: string,
  written: string,
): Promise<ReturnType<typeof parseLinkFile>['links']> {
  const { links, problems } = parseLinkFile(await textOf(path, written), written)
  if (problems.length === 0) return links
  throw new LinkFileError(`Links in ${written} cannot be read.\n  ${problems.join('\n  ')}`)
}

async function textOf(path: string, written: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new LinkFileError(`The links in ${written} cannot be read.`, { cause })
  }
}

/** Whether this machine has a git that Winnow can read with. */
export async function isGitThere(environment: ComposeOptions['environment']): Promise<boolean> {
  try {
    await requireGit(createGit({ environment, limits: defaultGitLimits }), {})
    return true
  } catch (error) {
    if (error instanceof GitReadError) return false
    throw error
  }
}
