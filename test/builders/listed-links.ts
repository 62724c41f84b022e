/** Link files of a Distribution storage in a memory store, and what a listing of it says. */
import { expect } from 'vitest'
import { digestBytes, digestOfBytes } from '../../src/core/sweep/reference-record.ts'
import { createListedDistributionLayout } from '../../src/adapters/registries/storage-distribution/listed-layout.ts'
import type { PackedDigests, RepositoryLinks } from '../../src/ports/readable-layout.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'
import { createMemoryStore, type MemoryStore, type MemoryStoreOptions } from './memory-store.ts'

export const base = 'docker/registry/v2/repositories'
export const [a, b, c, d] = ['a1', 'b2', 'c3', 'd4'].map((two) => `sha256:${two.repeat(32)}`) as [
  string,
  string,
  string,
  string,
]
export const long = `sha512:${'e5'.repeat(64)}`
export const T = 1_700_000_000_000

export const revision = (repository: string, digest: string): string =>
  `${base}/${repository}/_manifests/revisions/${digest.replace(':', '/')}/link`
export const layer = (repository: string, digest: string): string =>
  `${base}/${repository}/_layers/${digest.replace(':', '/')}/link`
export const tag = (repository: string, name: string): string =>
  `${base}/${repository}/_manifests/tags/${name}/current/link`
export const history = (repository: string, name: string, digest: string): string =>
  `${base}/${repository}/_manifests/tags/${name}/index/${digest.replace(':', '/')}/link`

export type Files = Readonly<Record<string, string>>

/** Files are put in the order given, each a second newer than the one before. */
export function filled(files: Files, options?: MemoryStoreOptions): MemoryStore {
  const store = createMemoryStore(options)
  Object.entries(files).forEach(([key, content], i) => store.put(key, content, T + i * 1000))
  return store
}

export async function linksOf(
  store: MemoryStore,
  options?: RunOptions,
): Promise<ReadonlyMap<string, RepositoryLinks>> {
  const found = new Map<string, RepositoryLinks>()
  for await (const pool of createListedDistributionLayout({ store, retryPauseMs: 1 }).pools()) {
    await pool.readLinks((links) => {
      expect(found.has(links.repository)).toBe(false)
      found.set(links.repository, links)
    }, options)
  }
  return found
}

/** One repository's, spelled out and sorted. */
export async function spelled(store: MemoryStore, repository = 'team/app') {
  const links = (await linksOf(store)).get(repository)
  expect(links).toBeDefined()
  const layers = (links?.layers ?? []).flatMap((packed, i) =>
    digestsIn(packed).map((digest, k) => [digest, links?.layerTimes?.[i]?.[k]]),
  )
  return { ...links, roots: links?.roots.flatMap(digestsIn), layers, layerTimes: undefined }
}

export function digestsIn({ algorithm, bytes }: PackedDigests): readonly string[] {
  const width = digestBytes[algorithm]
  return Array.from({ length: bytes.length / width }, (_, i) => digestOfBytes(algorithm, bytes, i * width))
}

export const readsOf = (store: MemoryStore): readonly string[] =>
  store.calls.filter(({ act }) => act === 'read' || act === 'stat').map(({ act, key }) => `${act} ${key}`)

export const image: Files = {
  [layer('team/app', c)]: c,
  [layer('team/app', d)]: d,
  [revision('team/app', a)]: a,
  [revision('team/app', b)]: b,
  [history('team/app', '1.0', a)]: a,
  [tag('team/app', '1.0')]: b,
}
