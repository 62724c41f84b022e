/** How a store in memory keeps what is set aside: under `quarantineKey`, by a rename or by a copy and a removal. */
import type { InstantMs } from '../../src/core/inventory/inventory.ts'
import { quarantineKey, type AsideFile, type Whereabouts } from '../../src/ports/listable-store.ts'
import type { PutBackOutcome, SetAsideOutcome } from '../../src/ports/mutable-sweep-store.ts'
import { StorageEscapeError, StorageUnreadableError } from '../../src/ports/readable-blob-store.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'

const KEY_LENGTH_MAX = 4096

export interface MemoryFile {
  readonly bytes: Uint8Array
  readonly modifiedAt: InstantMs
  readonly md5: string
}

/** One act on one file; `list` and `page` (of `listAll`) are about a folder. */
export interface StoreCall {
  readonly act:
    | 'list'
    | 'page'
    | 'read'
    | 'stat'
    | 'write'
    | 'create'
    | 'remove'
    | 'readAside'
    | 'locate'
    | 'setAside'
    /** The second half of setting aside by copy. */
    | 'dropOriginal'
    | 'putBack'
    | 'free'
  readonly key: string
}

export type Act = <T>(
  kind: StoreCall['act'],
  key: string,
  options: RunOptions | undefined,
  work: () => T,
) => Promise<T>

export interface World {
  readonly files: Map<string, MemoryFile>
  readonly clock: { readonly now: InstantMs }
  readonly quarantine: 'rename' | 'copy'
  readonly onKey: Act
}

export async function setAside(
  world: World,
  file: AsideFile,
  options?: RunOptions,
): Promise<SetAsideOutcome> {
  const { files, quarantine, clock, onKey } = world
  const aside = asideKey(file)
  const isThere = await onKey('setAside', file.key, options, () => {
    const original = files.get(file.key)
    if (original === undefined) return false
    // A rename keeps the time, a copy is a new file.
    files.set(aside, quarantine === 'rename' ? original : { ...original, modifiedAt: clock.now })
    if (quarantine === 'rename') files.delete(file.key)
    return true
  })
  if (!isThere) return 'absent'
  if (quarantine === 'rename') return 'set-aside'
  return onKey('dropOriginal', file.key, options, () => {
    const copy = files.get(aside)
    const original = files.get(file.key)
    if (original !== undefined && copy?.md5 !== original.md5) {
      throw new StorageUnreadableError(file.key, 'it changed while it was copied')
    }
    files.delete(file.key)
    return 'set-aside' as const
  })
}

export function putBack({ files, clock, quarantine }: World, file: AsideFile): PutBackOutcome {
  const aside = asideKey(file)
  const kept = files.get(aside)
  const isPresent = files.has(file.key)
  if (kept === undefined) return isPresent ? 'present' : 'lost'
  if (!isPresent) files.set(file.key, quarantine === 'rename' ? kept : { ...kept, modifiedAt: clock.now })
  files.delete(aside)
  return isPresent ? 'present' : 'restored'
}

export function whereabouts(files: ReadonlyMap<string, MemoryFile>, file: AsideFile): Whereabouts {
  const isAside = files.has(asideKey(file))
  if (files.has(file.key)) return isAside ? 'both' : 'in-place'
  return isAside ? 'aside' : 'gone'
}

export function asideKey(file: AsideFile): string {
  const key = quarantineKey(file)
  requireInside(key)
  return key
}

/** @throws StorageEscapeError for a key that no store opens */
export function requireInside(key: string): void {
  const isHostile =
    key.length > KEY_LENGTH_MAX ||
    key.includes('\0') ||
    key.split('/').some((part) => ['', '.', '..'].includes(part))
  if (isHostile) throw new StorageEscapeError('memory:', key.slice(0, 200))
}
