/**
 * What `winnow doctor` asks of a Git repository: is there a git, can the repository be read, is its history whole, where do
 * credentials come from, does its server answer, does the forge. It changes nothing and fetches nothing.
 */
import { InterruptedError, OperationalError } from '../../core/errors/errors.ts'
import { counted } from '../../core/words/counted.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { parseGitAddress, shownAddress, type GitAddress } from './address.ts'
import { listOrigin, type FetchFrom } from './fetch.ts'
import { gitOf } from './git-reader.ts'
import type { GitReaderSettings } from './git-settings.ts'
import { requireGit } from './git-version.ts'
import { listReferences } from './list-references.ts'
import {
  openClone,
  originMissing,
  requireOrigin,
  requireWhole,
  shownOrigin,
  type OpenClone,
} from './open-clone.ts'
import { namesOfBranches, prefixesOf, referencesAsTheyStand } from './read-clone.ts'
import type { Git } from './run-git.ts'

export interface GitFinding {
  /** `find git`, `reach the server`. */
  readonly what: string
  readonly state: 'ok' | 'failed'
  /** What was found; empty when there is nothing to say. Never a credential. */
  readonly text: string
  /** What to do, where it is not ok. */
  readonly cure: string | undefined
}

/** Never throws for what the world does: what failed is a finding with its cure. @throws InterruptedError */
export async function examineGit(
  settings: GitReaderSettings,
  options: RunOptions = {},
): Promise<readonly GitFinding[]> {
  const git = gitOf(settings)
  const findings: GitFinding[] = []
  const check = async <T>(
    what: string,
    work: () => Promise<readonly [string, T]>,
  ): Promise<T | undefined> => {
    try {
      const [text, found] = await work()
      findings.push({ what, state: 'ok', text: git.redactor.text(text), cure: undefined })
      return found
    } catch (error) {
      if (error instanceof InterruptedError || !(error instanceof OperationalError)) throw error
      const { message, hint } = error
      findings.push({
        what,
        state: 'failed',
        text: git.redactor.text(message),
        cure: git.redactor.text(hint),
      })
      return undefined
    }
  }
  const version = await check('find git', async () => {
    const found = await requireGit(git, options)
    return [`git ${found}`, found]
  })
  if (version === undefined) return findings
  const from =
    settings.place.kind === 'clone'
      ? await examineClone(git, settings, settings.place, check, options)
      : await examineAddress(git, settings, settings.place.address, check)
  if (from !== undefined) await examineServer(from, settings, check, options)
  return findings
}

type Check = <T>(what: string, work: () => Promise<readonly [string, T]>) => Promise<T | undefined>

interface Server extends FetchFrom {
  /** What ls-remote is told. */
  readonly remote: string
  /** Whether reading goes there, or only the forge is asked about it. */
  readonly isFetched: boolean
}

async function examineClone(
  git: Git,
  { credentials, insecure }: GitReaderSettings,
  { path, fetch }: Extract<GitReaderSettings['place'], { readonly kind: 'clone' }>,
  check: Check,
  options: RunOptions,
): Promise<Server | undefined> {
  const clone = await check('open the clone', async () => {
    const opened = await openClone(git, path, options)
    return [path, opened]
  })
  if (clone === undefined) return undefined
  await check('see the whole history', async () => {
    requireWhole(clone)
    return ['', true]
  })
  await check('find what it has of its origin', () => countReferences(git, clone, options))
  const address = await check('find its origin', async () => {
    if (clone.originUrl === undefined) throw originMissing(clone)
    return [shownOrigin(clone) ?? '', parseGitAddress(clone.originUrl, insecure)]
  })
  if (address === undefined) return undefined
  return { git, place: clone.place, address, credentials, remote: 'origin', isFetched: fetch }
}

async function countReferences(
  git: Git,
  clone: OpenClone,
  options: RunOptions,
): Promise<readonly [string, number]> {
  const listed = await listReferences(git, clone.place, prefixesOf(referencesAsTheyStand), options)
  requireOrigin(clone, namesOfBranches(listed))
  const { branches, tags } = referencesAsTheyStand
  const count = (prefix: string): number => listed.filter(({ name }) => name.startsWith(prefix)).length
  return [`${counted(count(branches), 'branch', 'branches')}, ${counted(count(tags), 'tag')}`, listed.length]
}

async function examineAddress(
  git: Git,
  { credentials, insecure }: GitReaderSettings,
  written: string,
  check: Check,
): Promise<Server | undefined> {
  const address = await check('understand the address', async () => {
    return [shownAddress(written), parseGitAddress(written, insecure)]
  })
  if (address === undefined) return undefined
  return { git, place: { words: [] }, address, credentials, remote: address.text, isFetched: true }
}

async function examineServer(
  server: Server,
  { credentials, forge }: GitReaderSettings,
  check: Check,
  options: RunOptions,
): Promise<void> {
  const { address, remote, isFetched } = server
  if (isFetched) {
    await check('reach the server', async () => {
      const listed = await listOrigin(server, remote, ['refs/heads/*', 'refs/tags/*'], options)
      return [
        `${counted(listed.size, 'branch or tag', 'branches and tags')}, with ${credentialsOf(address, credentials?.name)}`,
        listed,
      ]
    })
  }
  if (forge === undefined) return
  await check(`ask ${forge.name} for pull requests`, async () => {
    const query = { host: address.host, project: address.project, closedSince: undefined }
    const pulls = await forge.listPullRequests(query, options)
    return [`${pulls.length} are open`, pulls]
  })
}

function credentialsOf({ scheme }: GitAddress, name: string | undefined): string {
  if (name !== undefined) return `credentials from ${name}`
  switch (scheme) {
    case 'https':
    case 'http':
      return "git's own credentials, if it has any"
    case 'ssh':
      return "ssh's own keys and agent"
    case 'file':
      return 'no credentials'
  }
}
