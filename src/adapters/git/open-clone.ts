/**
 * A clone at a path: found, checked, and described, without changing or running anything in it.
 *
 * The path must be the top of the clone, or a bare repository: git would otherwise search the folders above, and a mistyped
 * path would be answered by whatever repository lies there. Git's own check of the owner holds, because it is asked to find
 * the repository by itself.
 */
import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { RunOptions } from '../../ports/run-options.ts'
import { shownAddress } from './address.ts'
import { explainFailure } from './explain-failure.ts'
import { GitReadError } from './git-errors.ts'
import { gitText } from './git-text.ts'
import type { ObjectPlace } from './object-store.ts'
import type { Git, GitCommand } from './run-git.ts'

export interface OpenClone extends ObjectPlace {
  /** How to run a command in it. */
  readonly place: GitCommand
  readonly path: string
  readonly isShallow: boolean
  readonly isBare: boolean
  /** As its configuration has it, credentials included; undefined where it has no remote called origin. */
  readonly originUrl: string | undefined
  /** `remote.origin.fetch`: which references a fetch brings. */
  readonly originFetch: readonly string[]
  /** `remote.origin.tagOpt`. */
  readonly originTags: string | undefined
}

/** @throws GitReadError when there is no clone there that git reads; InterruptedError */
export async function openClone(git: Git, path: string, options: RunOptions): Promise<OpenClone> {
  const folder = await existingFolder(path)
  // realpath: git compares with the real path of where it runs.
  const place = { words: [], folder, environment: { GIT_CEILING_DIRECTORIES: dirname(folder) } }
  const words = [
    'rev-parse',
    '--is-shallow-repository',
    '--is-bare-repository',
    '--show-object-format',
    '--git-common-dir',
  ]
  const said = await gitText(git, { ...place, words }, options)
  const [shallow, bare, objectFormat = '', ...rest] = said.replace(/\n$/, '').split('\n')
  return {
    place,
    path,
    isShallow: shallow !== 'false',
    isBare: bare === 'true',
    objectFormat,
    // A folder may have line feeds in its name, so it comes last.
    objects: resolve(folder, rest.join('\n'), 'objects'),
    originUrl: (await readKey(git, place, 'remote.origin.url', options)).at(-1),
    originFetch: await readKey(git, place, 'remote.origin.fetch', options),
    originTags: (await readKey(git, place, 'remote.origin.tagOpt', options)).at(-1),
  }
}

async function existingFolder(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path)
  } catch (error) {
    throw notThere(path, 'cannot be opened', error)
  }
  throw notThere(path, 'is not a folder')
}

/** Every value that a key of the configuration has, in order. */
async function readKey(
  git: Git,
  place: GitCommand,
  key: string,
  options: RunOptions,
): Promise<readonly string[]> {
  const chunks: Buffer[] = []
  const { status, stderr } = await git.run(
    {
      ...place,
      words: ['config', '--null', '--get-all', key],
      onOutput: (chunk) => chunks.push(Buffer.from(chunk)),
    },
    options,
  )
  // 1: the key is not there (git-config(1)).
  if (status === 1) return []
  if (status !== 0) throw explainFailure(stderr, status, place.folder)
  const values = Buffer.concat(chunks).toString('utf8').split('\0')
  return values.slice(0, -1).map((value) => value.trim())
}

/** @throws GitReadError when the end of the history is cut off */
export function requireWhole({ isShallow, path }: OpenClone): void {
  if (!isShallow) return
  throw new GitReadError(
    'shallow',
    `The clone ${path} is shallow: the end of its history is cut off, and what branches need below that cannot be seen.`,
    `Fetch the rest (in CI, clone with the whole history: fetch-depth: 0, GIT_DEPTH: 0):\ngit -C ${path} remote set-branches origin '*'\ngit -C ${path} fetch --unshallow --tags origin`,
  )
}

/**
 * A clone of one branch has what that branch needs, and looks like a repository in which nothing else is needed.
 *
 * @throws GitReadError when its fetches do not bring every branch and tag of its origin
 */
export function requireEverything({ path, originFetch, originTags }: OpenClone): void {
  const isNarrow = originFetch.length > 0 && !originFetch.some((refspec) => allBranches.test(refspec))
  if (!isNarrow && originTags !== '--no-tags') return
  const what = isNarrow ? 'some of the branches' : 'no tags'
  throw new GitReadError(
    'clone-narrow',
    `The clone ${path} is set to fetch ${what} of its origin (git clone --single-branch, --depth or --no-tags does that), and what the others need cannot be seen.`,
    `Fetch everything, or let Winnow do it with \`fetch: true\`, or give the address instead of a path:\ngit -C ${path} remote set-branches origin '*'\ngit -C ${path} config --unset-all remote.origin.tagOpt\ngit -C ${path} fetch --tags origin`,
  )
}

const allBranches = /^\+?refs\/(?:heads\/)?\*:/

/**
 * Says no where nothing of a remote is there to be read.
 *
 * @param branches names of branches of origin and of local ones, as they are in the repository
 * @throws GitReadError when there is no origin, or its branches lie where local ones do, as in a bare clone
 */
export function requireOrigin(clone: OpenClone, branches: readonly string[]): void {
  if (branches.some((name) => name.startsWith('refs/remotes/origin/'))) return
  if (clone.originUrl === undefined) throw originMissing(clone)
  if (clone.isBare && branches.length > 0) throw bareClone(clone)
}

export function originMissing({ path }: OpenClone): GitReadError {
  return new GitReadError(
    'origin-missing',
    `The clone ${path} has no remote called origin and no references of one, and local branches do not count.`,
    `Name the remote origin and fetch it, or give the address of the repository instead of a path:\ngit -C ${path} remote rename NAME origin`,
  )
}

function bareClone({ path }: OpenClone): GitReadError {
  return new GitReadError(
    'origin-missing',
    `The repository ${path} is bare and has branches of its own only; what its origin has cannot be told from them.`,
    `Give it as an address, and Winnow reads it as a server's repository:\nfile://${path}`,
  )
}

/** Where its origin is, for people. */
export function shownOrigin({ originUrl }: OpenClone): string | undefined {
  return originUrl === undefined ? undefined : shownAddress(originUrl)
}

function notThere(path: string, why: string, cause?: unknown): GitReadError {
  return new GitReadError(
    'not-a-repository',
    `The path ${path} ${why}, so no Git repository could be read there.`,
    'Correct the path (it is relative to winnow.yaml), or give the address of the repository.',
    { cause },
  )
}
