/**
 * A store in memory that keeps every promise of ports/mutable-sweep-store.ts, for tests and simulations.
 *
 * It is flat like a bucket: folders are what lies between slashes. What is set aside is kept under `quarantineKey`, by
 * one rename or, like a bucket without versions, by a copy that is compared before the original goes. Every act on one
 * file is atomic; between two acts `before` and `after` may wait, change the store, or throw (then nothing follows, as
 * after a crash).
 */
import { createHash } from 'node:crypto'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import type { InstantMs } from '../../src/core/inventory/inventory.ts'
import type { ListedFile } from '../../src/ports/listable-store.ts'
import type { FreeOutcome, SweepableStore } from '../../src/ports/mutable-sweep-store.ts'
import { StorageUnreadableError, type StoreEntry } from '../../src/ports/readable-blob-store.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'
import {
  asideKey,
  putBack,
  requireInside,
  setAside,
  whereabouts,
  type Act,
  type MemoryFile,
  type StoreCall,
  type World,
} from './memory-quarantine.ts'

export interface MemoryStore extends SweepableStore {
  /** What the store tells as the time of whatever it writes; tests set it. */
  readonly clock: { now: InstantMs }
  readonly hooks: StoreHooks
  /** Every act that was begun, in order. */
  readonly calls: StoreCall[]
  /** Everything in it, set aside or not, by key. */
  readonly files: ReadonlyMap<string, MemoryFile>
  /** As somebody else would, without hooks: puts a file, over an older one of that name. */
  put(key: string, content: string | Uint8Array, modifiedAt?: InstantMs): void
  /** As somebody else would: takes a file away. */
  drop(key: string): boolean
}

export interface StoreHooks {
  before?: (call: StoreCall) => void | Promise<void>
  /** The act is done, its answer is not given yet. */
  after?: (call: StoreCall) => void | Promise<void>
}

export interface MemoryStoreOptions {
  readonly clock?: { now: InstantMs }
  /** @default 'rename' */
  readonly quarantine?: 'rename' | 'copy'
  /** Whether listings tell the MD5 of files. @default true */
  readonly tellsMd5?: boolean
  /** Files in a batch of `listAll`. @default 1000 */
  readonly pageSize?: number
  /** The order in which `listAll` names its keys, from the sorted one; may name some twice. @default sorted */
  readonly order?: (keys: readonly string[]) => readonly string[]
}

const DEFAULT_NOW = Date.parse('2026-01-31T12:00:00Z')
const PAGE_SIZE = 1000

export function createMemoryStore(given: MemoryStoreOptions = {}): MemoryStore {
  const { quarantine = 'rename', clock = { now: DEFAULT_NOW } } = given
  const files = new Map<string, MemoryFile>()
  const calls: StoreCall[] = []
  const hooks: StoreHooks = {}

  const act: Act = async (kind, key, options, work) => {
    const call = { act: kind, key }
    requireRunning(options)
    calls.push(call)
    await hooks.before?.(call)
    requireRunning(options)
    const result = work()
    await hooks.after?.(call)
    return result
  }
  const onKey: Act = async (kind, key, options, work) => {
    requireInside(key)
    return act(kind, key, options, work)
  }
  const put = (key: string, content: string | Uint8Array, modifiedAt = clock.now): void => {
    const bytes = Uint8Array.from(typeof content === 'string' ? Buffer.from(content) : content)
    files.set(key, { bytes, modifiedAt, md5: createHash('md5').update(bytes).digest('hex') })
  }
  const remove = (key: string, options?: RunOptions): Promise<boolean> =>
    onKey('remove', key, options, () => files.delete(key))
  const world: World = { files, clock, quarantine, onKey }

  return {
    place: 'memory:',
    clock,
    hooks,
    calls,
    files,
    put,
    drop: (key) => files.delete(key),
    list: async (folder, options) => {
      if (folder !== '') requireInside(folder)
      return act('list', folder, options, () => entriesOf(files, folder))
    },
    read: (key, bytesMax, options) =>
      onKey('read', key, options, () => contentOf(key, files.get(key), bytesMax)),
    stat: (key, options) => onKey('stat', key, options, () => factsOf(files.get(key))),
    listAll: (prefix, options) => listPages(world, act, given, prefix, options),
    write: (key, bytes, options) => onKey('write', key, options, () => put(key, bytes)),
    create: (key, bytes, options) =>
      onKey('create', key, options, () => {
        if (files.has(key)) return false
        put(key, bytes)
        return true
      }),
    remove,
    removeEmptyFolders: async (_folder, options) => requireRunning(options),
    quarantineKind: async (options) => {
      requireRunning(options)
      return quarantine
    },
    removeAll: (keys, options) => oneByOne(keys, (key) => remove(key, options)),
    readAside: async (file, bytesMax, options) => {
      const key = asideKey(file)
      return (await act('readAside', key, options, () => contentOf(key, files.get(key), bytesMax)))?.bytes
    },
    locate: (all, options) =>
      oneByOne(all, (file) => onKey('locate', file.key, options, () => whereabouts(files, file))),
    setAside: (all, options) => oneByOne(all, (file) => setAside(world, file, options)),
    putBack: (all, options) =>
      oneByOne(all, (file) => onKey('putBack', file.key, options, () => putBack(world, file))),
    free: (all, options) =>
      oneByOne(all, (file) => {
        const aside = asideKey(file)
        return onKey('free', file.key, options, (): FreeOutcome => (files.delete(aside) ? 'freed' : 'absent'))
      }),
  }
}

async function* listPages(
  { files }: World,
  act: Act,
  { pageSize = PAGE_SIZE, tellsMd5 = true, order = (keys) => keys }: MemoryStoreOptions,
  prefix: string,
  options: RunOptions | undefined,
): AsyncIterable<readonly ListedFile[]> {
  if (prefix !== '' && !prefix.endsWith('/')) throw new Error(`${prefix} is no folder`)
  const keys = order([...files.keys()].filter((key) => key.startsWith(prefix)).toSorted())
  for (let at = 0; at < Math.max(keys.length, 1); at += pageSize) {
    yield await act('page', prefix, options, () =>
      keys.slice(at, at + pageSize).flatMap((key) => {
        const file = files.get(key)
        if (file === undefined) return []
        const { bytes, modifiedAt, md5 } = file
        return [{ key, sizeBytes: bytes.length, modifiedAt, ...(tellsMd5 ? { md5 } : {}) }]
      }),
    )
  }
}

function entriesOf(
  files: ReadonlyMap<string, MemoryFile>,
  folder: string,
): readonly StoreEntry[] | undefined {
  const prefix = folder === '' ? '' : `${folder}/`
  const entries = new Map<string, StoreEntry>()
  for (const key of files.keys()) {
    if (!key.startsWith(prefix)) continue
    const [name = '', ...rest] = key.slice(prefix.length).split('/')
    const kind = rest.length === 0 ? 'file' : 'folder'
    entries.set(`${name}/${kind}`, { name, kind })
  }
  if (entries.size === 0 && folder !== '') return undefined
  return [...entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function factsOf(file: MemoryFile | undefined) {
  return file && { sizeBytes: file.bytes.length, modifiedAt: file.modifiedAt }
}

function contentOf(key: string, file: MemoryFile | undefined, bytesMax: number) {
  if (file === undefined) return undefined
  if (file.bytes.length > bytesMax) {
    throw new StorageUnreadableError(key, `it is longer than the ${bytesMax} bytes allowed`)
  }
  const { bytes, modifiedAt } = file
  return { sizeBytes: bytes.length, modifiedAt, bytes: Uint8Array.from(bytes) }
}

function requireRunning(options: RunOptions | undefined): void {
  if (options?.signal?.aborted === true) throw new InterruptedError()
}

async function oneByOne<In, Out>(all: readonly In[], work: (one: In) => Promise<Out>): Promise<Out[]> {
  const outcomes: Out[] = []
  for (const one of all) outcomes.push(await work(one))
  return outcomes
}
