/**
 * Fetches references with all their history. What is fetched is said by references of our choosing, never by the
 * configuration of the repository; a reference that is gone on the other side goes here as well, and one that moved is moved.
 */
import type { RunOptions } from '../../ports/run-options.ts'
import type { CredentialSource } from '../http/credentials.ts'
import type { GitAddress } from './address.ts'
import { explainFailure } from './explain-failure.ts'
import { accessTo } from './git-credentials.ts'
import { settings } from './git-environment.ts'
import { splitLines } from './git-text.ts'
import { overLimit, type Git, type GitCommand } from './run-git.ts'

/**
 * The program of the other side, which may be this machine. Of two in the configuration git takes the first, so that the
 * clone's own would win over one given with -c.
 */
const uploadPack = '--upload-pack=git-upload-pack'

export interface FetchFrom {
  readonly git: Git
  /** The repository that is fetched into. Its remote is called origin. */
  readonly place: GitCommand
  readonly address: GitAddress
  readonly credentials: CredentialSource | undefined
}

export interface FetchWhat {
  /** `+refs/heads/*:refs/remotes/origin/*`. */
  readonly refspecs: readonly string[]
  /** Leaves out the contents of files where the server can do that; needs a repository of our own. */
  readonly withoutBlobs: boolean
}

/** @throws GitReadError, InterruptedError */
export async function fetchOrigin(from: FetchFrom, what: FetchWhat, options: RunOptions): Promise<void> {
  const { git } = from
  const words = [
    'fetch',
    uploadPack,
    // Refspecs for tags are explicit, so --prune removes deleted tags too; --prune-tags would be ignored beside them.
    '--prune',
    '--no-tags',
    // Without it git would move references of the configuration along with those that are asked for.
    '--refmap=',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--no-auto-gc',
    '--progress',
    ...(what.withoutBlobs ? ['--filter=blob:none'] : []),
    '--stdin',
    '--',
    'origin',
  ]
  const input = what.refspecs.map((refspec) => `${refspec}\n`)
  const onErrorText = watchProgress(from.address, options)
  const { status, stderr } = await ask(
    from,
    { words, input, onErrorText, timeoutMs: git.limits.fetchMs },
    options,
  )
  if (status !== 0)
    throw explainFailure(stderr, status, from.address.host === '' ? from.address.text : from.address.host)
}

/**
 * The references that the other side has now, without fetching anything.
 *
 * @param remote `origin`, or the address where there is no repository yet
 * @throws GitReadError, InterruptedError
 */
export async function listOrigin(
  from: FetchFrom,
  remote: string,
  patterns: readonly string[],
  options: RunOptions,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const { referencesMax } = from.git.limits
  const lines = splitLines((bytes, start, end) => {
    const [id = '', name = ''] = bytes.toString('utf8', start, end).split('\t')
    found.set(name, id)
    if (found.size > referencesMax) throw overLimit(`it has more than ${referencesMax} references`)
  })
  const words = ['ls-remote', uploadPack, '--quiet', '--refs', '--', remote, ...patterns]
  const { status, stderr } = await ask(from, { words, onOutput: lines.add }, options)
  if (status !== 0) throw explainFailure(stderr, status, from.address.host)
  return found
}

async function ask(
  { git, place, address, credentials }: FetchFrom,
  command: GitCommand,
  options: RunOptions,
): ReturnType<Git['run']> {
  const access = await accessTo(address, credentials, git, options.signal)
  const silenceSeconds = Math.ceil(git.limits.silenceMs / 1000)
  const words = [
    ...place.words,
    ...access.words,
    ...settings({
      'http.lowSpeedLimit': '1',
      'http.lowSpeedTime': String(silenceSeconds),
      'remote.origin.followRemoteHEAD': 'never',
    }),
    ...command.words,
  ]
  const ssh = await sshEnvironment(git, place, options)
  return git.run(
    { ...place, ...command, words, environment: { ...place.environment, ...access.environment, ...ssh } },
    options,
  )
}

/**
 * ssh that asks nobody and gives up on silence, unless the person has said how ssh is to be run: then theirs is run as it
 * is, and cannot ask either, since it has no terminal.
 */
async function sshEnvironment(
  git: Git,
  place: GitCommand,
  options: RunOptions,
): Promise<Readonly<Record<string, string>>> {
  const { environment, limits } = git
  if (environment['GIT_SSH_COMMAND'] !== undefined || environment['GIT_SSH'] !== undefined) return {}
  const words = [...place.words, 'config', '--get', 'core.sshCommand']
  const { status } = await git.run({ ...place, words }, options)
  if (status === 0) return {}
  const seconds = Math.ceil(limits.silenceMs / 4000)
  return {
    GIT_SSH_COMMAND: `ssh -o BatchMode=yes -o ConnectTimeout=${seconds} -o ServerAliveInterval=${seconds} -o ServerAliveCountMax=3`,
  }
}

/** `Receiving objects:  45% (450/1000)`, as git tells it between carriage returns. */
function watchProgress({ host, text }: GitAddress, { onEvent }: RunOptions): (text: string) => void {
  let lastAt = 0
  return (said) => {
    const [, done, total] = /Receiving objects: +\d+% \((\d+)\/(\d+)\)/.exec(said) ?? []
    if (onEvent === undefined || done === undefined || performance.now() - lastAt < 500) return
    lastAt = performance.now()
    const note = `fetching from ${host === '' ? text : host}`
    onEvent({ kind: 'progress', phase: 'git', done: Number(done), total: Number(total), note })
  }
}
