/**
 * Finds out what a running registry remembers: a small random blob is pushed and asked for, its bytes are taken out of
 * the storage behind the registry's back, and it is asked for again. Whoever still says "there" has a cache.
 *
 * Promises: nothing but the canary's own blob is touched, and of that nothing stays in the storage; no manifest is ever
 * pushed. Each address is asked several times over fresh connections, because several replicas may answer behind it, and
 * one that remembers is enough.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Digest } from '../../core/image/digest.ts'
import type { MutableBlobStore } from '../../ports/mutable-blob-store.ts'
import type { RunOptions } from '../../ports/run-options.ts'
import { knowsBlob, pushBlob, type RegistryAddress } from './registry-blobs.ts'

export interface CanarySettings {
  /** Every replica that has an address of its own; what is pushed goes to the first. Not empty. */
  readonly replicas: readonly RegistryAddress[]
  /** Where it is pushed to. */
  readonly repository: string
  /** The registry's storage. */
  readonly store: Pick<MutableBlobStore, 'remove' | 'removeEmptyFolders'>
  /** The file of a blob in it. */
  readonly keyOf: (digest: Digest) => string
  /** The file that links a blob to a repository. */
  readonly linkKeyOf: (repository: string, digest: Digest) => string
}

export interface Canary {
  readonly replicas: readonly RegistryAddress[]
  /** Pushes one, takes its bytes away and asks. `whileStored` runs when the registry has just answered for it. */
  probe(options?: RunOptions, whileStored?: (digest: Digest) => Promise<void>): Promise<CanaryProbe>
  /** Asks once more for an earlier one: by address, whether it is remembered there. */
  recall(digest: Digest, options?: RunOptions): Promise<Recollection>
}

export type CanaryProbe = (Recollected & { readonly digest: Digest }) | CanaryFailure
export type Recollection = Recollected | CanaryFailure

interface Recollected {
  readonly kind: 'asked'
  /** By address. */
  readonly remembers: ReadonlyMap<string, boolean>
}

/** It could not be tried, which says nothing about caches. */
export interface CanaryFailure {
  readonly kind: 'failed'
  readonly why: string
}

/** Enough to meet each of a few replicas that take turns. */
const ASKS_OF_ADDRESS = 8

export function createCanary(settings: CanarySettings): Canary {
  return {
    replicas: settings.replicas,
    probe: (options, whileStored) => probe(settings, options, whileStored),
    recall: (digest, options) => recall(settings, digest, options),
  }
}

async function probe(
  settings: CanarySettings,
  options: RunOptions = {},
  whileStored?: (digest: Digest) => Promise<void>,
): Promise<CanaryProbe> {
  const [first] = settings.replicas
  if (first === undefined) return failed('the registry has no address')
  const { repository } = settings
  const bytes = Buffer.concat([Buffer.from('winnow canary '), randomBytes(32)])
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
  try {
    const pushed = await pushBlob(first, { repository, digest, bytes }, options)
    if (pushed.kind === 'refused') return failed(pushed.why)
    // Asking is also what fills the caches of all who answer.
    const stored = await recall(settings, digest, options)
    if (stored.kind === 'failed') return stored
    const stranger = [...stored.remembers].find(([, isKnown]) => !isKnown)
    if (stranger) return failed(`${stranger[0]} does not have what was pushed to ${first.baseUrl}`)
    await whileStored?.(digest)
    // Safe: its digest is that of 256 random bits made a moment ago, so the file is nobody's but ours.
    const wasStored = await settings.store.remove(settings.keyOf(digest), options)
    if (!wasStored) return failed(`what is pushed to ${first.baseUrl} does not arrive in this storage`)
    const recalled = await recall(settings, digest, options)
    return recalled.kind === 'failed' ? recalled : { ...recalled, digest }
  } finally {
    await takeAway(settings, digest)
  }
}

async function recall(
  { replicas, repository }: CanarySettings,
  digest: Digest,
  options: RunOptions = {},
): Promise<Recollection> {
  const remembers = new Map<string, boolean>()
  for (const replica of replicas) {
    let isKnown = false
    for (let ask = 0; ask < ASKS_OF_ADDRESS; ask++) {
      const answer = await knowsBlob(replica, { repository, digest }, options)
      if (typeof answer !== 'boolean') return failed(answer.why)
      isKnown ||= answer
    }
    remembers.set(replica.baseUrl, isKnown)
  }
  return { kind: 'asked', remembers }
}

/** Whatever happened, and however the run is halted: the canary leaves the storage as it was. */
async function takeAway(settings: CanarySettings, digest: Digest): Promise<void> {
  const { store, repository } = settings
  const key = settings.keyOf(digest)
  const linkKey = settings.linkKeyOf(repository, digest)
  // Safe: both are files of the canary; the folders go only as far as they are empty.
  await store.remove(key)
  await store.remove(linkKey)
  await store.removeEmptyFolders(folderOf(key))
  await store.removeEmptyFolders(linkKey.split('/_layers/')[0] ?? folderOf(linkKey))
}

function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'))
}

function failed(why: string): CanaryFailure {
  return { kind: 'failed', why }
}
