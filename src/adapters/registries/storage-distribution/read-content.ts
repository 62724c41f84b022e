/**
 * Reading links and bytes whose writer may be at work this very moment.
 *
 * Distribution 2.8 writes files in place, so a reader can meet an empty link or half a manifest. What is not whole is
 * looked at again a few times and is then damaged, never absent.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { parseDigest, type Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { counted } from '../../../core/words/counted.ts'
import type { ReadableBlobStore } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { blobKey } from './layout.ts'
import { StorageCorruptError } from './storage-errors.ts'

/** A link is 71 bytes (sha256) or 135 (sha512); much more is no link. */
const LINK_BYTES_MAX = 1024
const ATTEMPTS = 3

/** A store, and how patient to be with it. */
export interface Source {
  readonly store: ReadableBlobStore
  /** How long to wait before looking again at a file that is not whole. */
  readonly retryPauseMs: number
}

export interface Link {
  /** What it says; undefined for an empty one, which is there all the same. */
  readonly target: Digest | undefined
  readonly modifiedAt: InstantMs
}

/**
 * A link, or undefined when it is not there.
 *
 * `mayBeEmpty`: whether the path tells the digest as well, so that an empty link needs no second look.
 * @throws StorageCorruptError when it names no digest, or nothing although it must
 */
export async function readLink(
  source: Source,
  key: string,
  { mayBeEmpty }: { readonly mayBeEmpty: boolean },
  options: RunOptions | undefined,
): Promise<Link | undefined> {
  return withPatience(source, options, async () => {
    const file = await source.store.read(key, LINK_BYTES_MAX, options)
    if (file === undefined) return undefined
    const text = Buffer.from(file.bytes).toString('latin1').trim()
    if (text === '') {
      if (mayBeEmpty) return { target: undefined, modifiedAt: file.modifiedAt }
      throw new StorageCorruptError(key, 'it is empty')
    }
    const target = parseDigest(text)
    if (target === undefined)
      throw new StorageCorruptError(key, `it says ${JSON.stringify(text.slice(0, 80))}, which is no digest`)
    return { target, modifiedAt: file.modifiedAt }
  })
}

/**
 * The bytes that hash to `digest`, from its own place or from that of `alias`; undefined when neither has any.
 *
 * @throws StorageCorruptError when there are bytes and none of them hash to it
 */
export async function readVerified(
  source: Source,
  digest: Digest,
  { alias, bytesMax }: { readonly alias?: Digest | undefined; readonly bytesMax: number },
  options: RunOptions | undefined,
): Promise<Uint8Array | undefined> {
  const keys = [...new Set([digest, alias ?? digest])].map(blobKey)
  return withPatience(source, options, async () => {
    let damaged: StorageCorruptError | undefined
    for (const key of keys) {
      const file = await source.store.read(key, bytesMax, options)
      if (file === undefined) continue
      if (isContentOf(digest, file.bytes)) return file.bytes
      damaged ??= new StorageCorruptError(
        key,
        `what it holds (${counted(file.bytes.length, 'byte')}) does not hash to ${digest}`,
      )
    }
    if (damaged !== undefined) throw damaged
    return undefined
  })
}

export function isContentOf(digest: Digest, bytes: Uint8Array): boolean {
  const [algorithm = '', hex] = digest.split(':')
  return createHash(algorithm).update(bytes).digest('hex') === hex
}

async function withPatience<T>(
  source: Source,
  options: RunOptions | undefined,
  look: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof StorageCorruptError) || attempt === ATTEMPTS) throw error
    }
    await pause(source.retryPauseMs * attempt, options)
  }
}

async function pause(ms: number, options: RunOptions | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, options?.signal === undefined ? {} : { signal: options.signal })
  } catch {
    // A sleep fails for one reason alone: its signal.
    throw new InterruptedError()
  }
}
