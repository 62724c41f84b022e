/**
 * Reading a link that a listing named. It may have been removed since, or be written this very moment; neither is taken
 * for the other, and what is not whole after a few looks ends the run.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { InterruptedError, type OperationalError } from '../../../core/errors/errors.ts'
import type { Digest } from '../../../core/image/digest.ts'
import type { InstantMs } from '../../../core/inventory/inventory.ts'
import { LINK_BYTES_MAX, parseLink } from '../../../core/sweep/distribution-keys.ts'
import { StorageUnreadableError } from '../../../ports/readable-blob-store.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { quoted } from './findings.ts'
import type { Source } from './read-content.ts'
import { StorageCorruptError } from './storage-errors.ts'

const ATTEMPTS = 3

export interface ListedLink {
  /** What it says; undefined for an empty one, which is there all the same. */
  readonly target: Digest | undefined
  readonly modifiedAt: InstantMs
}

/**
 * A link, or undefined when it is gone: the store says so twice.
 *
 * `mayBeEmpty`: whether the path tells the digest as well, so that an empty link needs no second look.
 * @throws StorageCorruptError when it names no digest, or nothing although it must
 */
export async function readListedLink(
  source: Source,
  key: string,
  { mayBeEmpty }: { readonly mayBeEmpty: boolean },
  options: RunOptions | undefined,
): Promise<ListedLink | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const seen = await look(source, key, mayBeEmpty, options)
    if (seen.kind === 'gone') return undefined
    if (seen.kind === 'link') return seen
    if (attempt === ATTEMPTS) throw seen.error
    await pause(source.retryPauseMs * attempt, options)
  }
}

type Look =
  | ({ readonly kind: 'link' } & ListedLink)
  | { readonly kind: 'gone' }
  | { readonly kind: 'doubtful'; readonly error: OperationalError }

async function look(
  { store }: Source,
  key: string,
  mayBeEmpty: boolean,
  options: RunOptions | undefined,
): Promise<Look> {
  const file = await store.read(key, LINK_BYTES_MAX, options)
  if (file === undefined) {
    // It may have been replaced between two looks; only what is really not there may be left out of the mark.
    if ((await store.stat(key, options)) === undefined) return { kind: 'gone' }
    return {
      kind: 'doubtful',
      error: new StorageUnreadableError(shown(key), 'it is there and has no content'),
    }
  }
  const content = parseLink(file.bytes)
  switch (content.kind) {
    case 'digest':
      return { kind: 'link', target: content.digest, modifiedAt: file.modifiedAt }
    case 'empty':
      return mayBeEmpty
        ? { kind: 'link', target: undefined, modifiedAt: file.modifiedAt }
        : { kind: 'doubtful', error: new StorageCorruptError(shown(key), 'it is empty') }
    case 'unreadable': {
      const what = `it says ${quoted(content.text)}, which is no digest`
      return { kind: 'doubtful', error: new StorageCorruptError(shown(key), what) }
    }
  }
}

/** A key as it is, unless it could do something to a terminal. */
function shown(key: string): string {
  return /^[\x21-\x7e]{1,300}$/.test(key) ? key : quoted(key)
}

async function pause(ms: number, options: RunOptions | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, options?.signal === undefined ? {} : { signal: options.signal })
  } catch {
    // A sleep fails for one reason alone: its signal.
    throw new InterruptedError()
  }
}
