/**
 * A bare repository of our own below the state directory, one for each address, brought up to date at every run.
 *
 * Nothing in it is ever collected, so commits of deleted branches stay known. It is made beside its place and moved there
 * when its first fetch has ended, so a half-made one is never met. One that turns out damaged is made anew, once a run, and
 * that is told. Runs on the same address wait for each other, by a lease.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError } from '../../core/errors/errors.ts'
import type { Lease, LeaseStore, LeaseTiming } from '../../ports/lease.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { shownAddress, type GitAddress } from './address.ts'
import { fetchOrigin, type FetchFrom } from './fetch.ts'
import { settings } from './git-environment.ts'
import { GitReadError } from './git-errors.ts'
import { gitText } from './git-text.ts'
import type { Git, GitCommand } from './run-git.ts'

export interface CacheParts {
  readonly git: Git
  readonly address: GitAddress
  /** `<state directory>/git`. */
  readonly folder: string
  readonly leases: LeaseStore
}

const cachedName = 'repository.git'
const halfMade = 'making-'
/** A dead holder's lease is free again after `ttlMs`; `waitMs` is a little more than that. */
const timing: LeaseTiming = { ttlMs: 12_000, renewMs: 3_000, waitMs: 16_000 }
const pollMs = 250

/** Where the cache of an address lies: the name tells nothing and holds no credential. */
export function cacheFolder({ folder, address }: Pick<CacheParts, 'folder' | 'address'>): string {
  return join(folder, createHash('sha256').update(address.text).digest('hex').slice(0, 32))
}

/**
 * Runs the work while no other run uses this cache.
 *
 * @throws GitReadError when another run holds on for too long
 */
export async function withCache<T>(
  parts: CacheParts,
  options: RunOptions,
  work: (folder: string, options: RunOptions) => Promise<T>,
): Promise<T> {
  const folder = cacheFolder(parts)
  const lease = await acquire(parts, folder, options)
  const signals = [lease.lost, ...(options.signal === undefined ? [] : [options.signal])]
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return await work(folder, { ...options, signal: AbortSignal.any(signals) })
  } catch (error) {
    // Whoever lost the lease was cut off by it, which is not what the user did.
    if (lease.lost.aborted && options.signal?.aborted !== true) throw leaseLost(error)
    throw error
  } finally {
    await lease.release()
  }
}

/**
 * Brings the cache up to date, making it where there is none.
 *
 * @param fetchFrom gives how to fetch into a repository at this place
 * @throws GitReadError, InterruptedError
 */
export async function bringUpToDate(
  folder: string,
  from: Omit<FetchFrom, 'place'>,
  refspecs: readonly string[],
  options: RunOptions,
): Promise<GitCommand> {
  await removeHalfMade(folder)
  const place = placeOf(join(folder, cachedName))
  if (!(await hasCache(folder))) return makeAnew(folder, from, refspecs, options)
  await fetchOrigin({ ...from, place }, { refspecs, withoutBlobs: true }, options)
  await joinPacks(place, from.git, options)
  return place
}

/** Makes a damaged cache anew. What is lost is the knowledge of commits that nothing reaches any more. */
export async function makeAnew(
  folder: string,
  from: Omit<FetchFrom, 'place'>,
  refspecs: readonly string[],
  options: RunOptions,
): Promise<GitCommand> {
  await make(folder, from, refspecs, options)
  return placeOf(join(folder, cachedName))
}

/** Whether a failure may be the cache's own fault, so that making it anew could cure it. */
export function mayBeDamaged(error: unknown): error is GitReadError {
  return error instanceof GitReadError && ['corrupt', 'failed', 'not-a-repository'].includes(error.trouble)
}

export async function hasCache(folder: string): Promise<boolean> {
  return exists(join(folder, cachedName))
}

interface Making {
  readonly withoutBlobs: boolean
  readonly objectFormat: 'sha1' | 'sha256'
}

async function make(
  folder: string,
  from: Omit<FetchFrom, 'place'>,
  refspecs: readonly string[],
  options: RunOptions,
): Promise<void> {
  const path = join(folder, `${halfMade}${process.pid}`)
  let making: Making = { withoutBlobs: true, objectFormat: 'sha1' }
  for (;;) {
    try {
      await fetchAnew(path, from, refspecs, making, options)
      break
    } catch (error) {
      // Safe: it is the folder that this function made a moment ago.
      await rm(path, { recursive: true, force: true })
      const next = nextMaking(making, error)
      if (next === undefined) throw error
      making = next
    }
  }
  await writeFile(join(folder, 'address.txt'), `${shownAddress(from.address.text)}\n`)
  await replaceCache(folder, path)
}

/** The new one is whole before the old one goes, so a server that is down costs nothing of what is known. */
async function replaceCache(folder: string, path: string): Promise<void> {
  const old = join(folder, `${halfMade}old-${process.pid}`)
  const cached = join(folder, cachedName)
  if (await exists(cached)) await rename(cached, old)
  await rename(path, cached)
  // Safe: only we write below this folder, we hold its lease, and what is needed of it was just fetched again.
  await rm(old, { recursive: true, force: true })
}

/** How to try again, where another way may do: ids of the other length; everything, where a filter is not understood. */
function nextMaking(making: Making, error: unknown): Making | undefined {
  if (!(error instanceof GitReadError)) return undefined
  if (/mismatched algorithms/.test(error.message) && making.objectFormat === 'sha1') {
    return { ...making, objectFormat: 'sha256' }
  }
  // Most servers that leave nothing out say so and send all; some break off.
  const isFilter = ['failed', 'corrupt', 'server-failed'].includes(error.trouble)
  return isFilter && making.withoutBlobs ? { ...making, withoutBlobs: false } : undefined
}

async function fetchAnew(
  path: string,
  from: Omit<FetchFrom, 'place'>,
  refspecs: readonly string[],
  { withoutBlobs, objectFormat }: Making,
  options: RunOptions,
): Promise<void> {
  const { git, address } = from
  const words = ['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`, path]
  await gitText(git, { words }, options)
  const place = placeOf(path)
  const config = {
    'remote.origin.url': address.text,
    // For whoever runs git in here by hand; our own commands never collect anything.
    'gc.auto': '0',
    'maintenance.auto': 'false',
  }
  for (const [key, value] of Object.entries(config)) {
    await gitText(git, { ...place, words: [...place.words, 'config', key, value] }, options)
  }
  await fetchOrigin({ ...from, place }, { refspecs, withoutBlobs }, options)
}

/** Puts all packs into one, and leaves nothing out: `-k` keeps what no reference reaches. */
async function joinPacks(place: GitCommand, git: Git, options: RunOptions): Promise<void> {
  const folder = join(place.folder ?? '', 'objects', 'pack')
  const packs = (await exists(folder)) ? (await readdir(folder)).filter((name) => name.endsWith('.pack')) : []
  if (packs.length <= git.limits.packsMax) return
  await gitText(git, { ...place, words: [...place.words, 'repack', '-a', '-d', '-k', '-q'] }, options)
}

function placeOf(path: string): GitCommand {
  return { words: [`--git-dir=${path}`, ...settings({ 'safe.bareRepository': 'all' })], folder: path }
}

/** What a killed run left behind. */
async function removeHalfMade(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    // Safe: we hold the lease of this folder, so nobody is making anything in it.
    if (name.startsWith(halfMade)) await rm(join(folder, name), { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function acquire(
  { git, leases, address }: CacheParts,
  folder: string,
  options: RunOptions,
): Promise<Lease> {
  const holder = `${hostname()}:${process.pid}`
  const until = performance.now() + git.limits.waitMs
  for (let asked = 0; ; asked++) {
    const lease = await leases.acquire(`git ${folder}`, holder, timing, options)
    if (lease.kind === 'lease') return lease
    if (performance.now() >= until) throw busy(address, lease.holder)
    const reason = `another run (${lease.holder}) fetches it`
    const subject = shownAddress(address.text)
    if (asked === 0) options.onEvent?.({ kind: 'wait', subject, waitMs: git.limits.waitMs, reason })
    await pause(pollMs, options.signal)
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch {
    // A timer fails only by being aborted.
    throw new InterruptedError()
  }
}

function busy({ text }: GitAddress, holder: string): GitReadError {
  return new GitReadError(
    'busy',
    `Another run (${holder}) has been fetching ${shownAddress(text)} for long.`,
    'Wait for that run to end, then run the command again.',
  )
}

function leaseLost(cause: unknown): GitReadError {
  return new GitReadError(
    'busy',
    'The lease on the copy of the repository could not be renewed in time, so its reading stopped.',
    'Run the command again.',
    { cause },
  )
}
