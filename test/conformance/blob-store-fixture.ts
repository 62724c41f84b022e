/** What the conformance suite of stores is given, and what its parts share. */
import type { AsideFile, ListableStore } from '../../src/ports/listable-store.ts'
import type { QuarantineKind, SweepableStore } from '../../src/ports/mutable-sweep-store.ts'

export interface BlobStoreUnderTest {
  readonly store: SweepableStore
  /** The reading half, made apart, as whoever plans is handed it. */
  readonly reader: ListableStore
  readonly raw: RawFiles
  /** The same place behind a closed door: no server there, credentials that are refused, a folder that is missing. */
  readonly closed: readonly ClosedStore[]
  readonly stop: () => Promise<void>
}

export interface ClosedStore {
  readonly why: string
  readonly store: SweepableStore
  /** What no error may show. */
  readonly secrets: readonly string[]
}

/** The files as a registry sees them. */
export interface RawFiles {
  readonly put: (key: string, bytes: Uint8Array) => Promise<void>
  readonly read: (key: string) => Promise<Uint8Array | undefined>
  /** Every key that begins so, whether that is a folder or not. */
  readonly list: (beginning: string) => Promise<readonly string[]>
  readonly remove: (key: string) => Promise<void>
}

export interface BlobStoreExpectations {
  readonly quarantine: QuarantineKind
  /** Whether folders are there by themselves, without files in them. */
  readonly hasFolders: boolean
  /** Whether listings tell the MD5 of small files. */
  readonly tellsMd5: boolean
}

export type StoreSetup = () => Promise<BlobStoreUnderTest>

export const bytesOf = (text: string): Buffer => Buffer.from(text)
export const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString()

export function aside(
  key: string,
  { run = 'run-1', asideName = `sha256/${key}`, text = 'x' }: AsideOptions = {},
): AsideFile {
  return { run, key, asideName, sizeBytes: Buffer.byteLength(text) }
}

interface AsideOptions {
  readonly run?: string
  readonly asideName?: string
  readonly text?: string
}

type Listed = Awaited<ReturnType<typeof allOf>>[number]

export async function allOf(
  store: ListableStore,
  prefix: string,
  options?: Parameters<ListableStore['listAll']>[1],
): Promise<{ key: string; sizeBytes: number; modifiedAt: number; md5?: string }[]> {
  // A file may be named twice; it then says the same.
  const byKey = new Map<string, Listed>()
  for await (const batch of store.listAll(prefix, options)) {
    for (const file of batch) byKey.set(file.key, file)
  }
  return [...byKey.values()]
}

export async function keysOf(store: ListableStore, prefix: string): Promise<readonly string[]> {
  return (await allOf(store, prefix)).map(({ key }) => key).toSorted()
}

export async function inParallel<T>(
  values: readonly T[],
  work: (value: T) => Promise<unknown>,
): Promise<void> {
  const left = [...values]
  const worker = async (): Promise<void> => {
    for (let value = left.pop(); value !== undefined; value = left.pop()) await work(value)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

/** Some as a registry's blobs lie, some side by side in one folder, some far down. */
export function manyKeys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const hex = (i * 2_654_435_761).toString(16).padStart(12, '0').slice(-8)
    if (i % 3 === 0) return `flat/${hex}-${i}`
    if (i % 50 === 1) return `deep/${i % 100}/er/${hex}/and/${i}`
    return `blobs/sha256/${hex.slice(0, 2)}/${hex}${i}/data`
  })
}
