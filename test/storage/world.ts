/** What the storage tests share: a folder with a registry in it, read and changed by its files. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import { createMutableFileStore } from '../../src/adapters/storage/filesystem/write-files.ts'
import { createStorageReader } from '../../src/adapters/registries/storage-distribution/storage-reader.ts'
import { createStorageWriter } from '../../src/adapters/registries/storage-distribution/storage-writer.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../../src/core/image/names.ts'
import type { RepositoryInventory } from '../../src/core/inventory/inventory.ts'
import type { ManifestCache } from '../../src/ports/manifest-cache.ts'
import type { MutableRegistry } from '../../src/ports/mutable-registry.ts'
import type { ReadableRegistry } from '../../src/ports/readable-registry.ts'

export const registryName = 'files' as RegistryName

export function repo(text: string): RepositoryName {
  const name = parseRepositoryName(text)
  if (name === undefined) throw new Error(`${text} is no repository name`)
  return name
}

export function tag(text: string): TagName {
  const name = parseTagName(text)
  if (name === undefined) throw new Error(`${text} is no tag`)
  return name
}

export function digestOf(text: string): Digest {
  const digest = parseDigest(text)
  if (digest === undefined) throw new Error(`${text} is no digest`)
  return digest
}

export async function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'winnow-storage-'))
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

export interface Opened {
  readonly reader: ReadableRegistry
  readonly writer: MutableRegistry
}

export function open(dir: string, cache: ManifestCache = createCache()): Opened {
  const patience = { retryPauseMs: 5 }
  return {
    reader: createStorageReader({
      name: registryName,
      store: createReadableFileStore(dir),
      cache,
      ...patience,
    }),
    writer: createStorageWriter({ name: registryName, store: createMutableFileStore(dir), ...patience }),
  }
}

/** A cache that forgets nothing. */
export const createCache: () => ManifestCache = createMemoryManifestCache

/** `1.0 → sha256:…`, sorted. */
export function tagsIn(inventory: RepositoryInventory): Readonly<Record<string, string>> {
  const pairs = inventory.manifests.flatMap(({ digest, tags }) =>
    tags.map(({ name }) => [name, digest] as const),
  )
  return Object.fromEntries(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Every file with its bytes, folders left out: what undo promises to bring back. */
export async function snapshot(dir: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const name of (await readdir(dir, { recursive: true })).toSorted()) {
    if ((await stat(join(dir, name))).isFile())
      files.set(name, (await readFile(join(dir, name))).toString('latin1'))
  }
  return files
}
