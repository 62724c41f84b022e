/** A small Distribution storage in memory, with images in it that are as old as a test says, and sweeps of it. */
import { createHash } from 'node:crypto'
import { createMemoryJournalStore } from '../../src/adapters/journal/memory/journal-store.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { createSweepJournal } from '../../src/adapters/journal/store-sweep-journal.ts'
import { createListedDistributionLayout } from '../../src/adapters/registries/storage-distribution/listed-layout.ts'
import { planSweep } from '../../src/app/sweep-plan.ts'
import type { SweepPorts, SweepSettings } from '../../src/app/sweep-ports.ts'
import { restoreSwept, type RestoreReport } from '../../src/app/sweep-restore.ts'
import { applySweep } from '../../src/app/sweep.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import { ociIndexType, ociManifestType } from '../../src/core/image/media-types.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { newRunId } from '../../src/core/journal/run-id.ts'
import type { SweepReport } from '../../src/core/sweep/sweep-report.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'
import { blobPath } from '../../src/core/sweep/distribution-keys.ts'
import { layer, revision, tag } from './listed-links.ts'
import { createMemoryStore, type MemoryStore, type MemoryStoreOptions } from './memory-store.ts'
import { memoryReferences, memoryScratch } from './sweep-parts.ts'

export const HOUR_MS: number = 60 * 60 * 1000
export const DAY_MS: number = 24 * HOUR_MS
const QUARANTINE = '.winnow/quarantine/'

export interface PushedImage {
  readonly digest: Digest
  readonly blobs: readonly Digest[]
}

export interface ImageOptions {
  /** Texts of its layers. @default one of its own */
  readonly layers?: readonly string[]
  readonly tag?: string
  readonly subject?: Digest
  /** Whether its manifest is linked. @default true */
  readonly isLinked?: boolean
  readonly ageMs?: number
}

/** Whatever was pushed is 30 days old unless it is said otherwise. */
const OLD_MS = 30 * DAY_MS

export const settings: SweepSettings = {
  mode: 'online',
  graceMs: DAY_MS,
  quarantineMs: 7 * DAY_MS,
  settleMs: 600_000,
  timeSlackMs: 0,
}

export class SweptStorage {
  readonly store: MemoryStore
  ports: SweepPorts
  readonly warnings: string[] = []
  #runs = 0

  constructor(options: MemoryStoreOptions = {}) {
    this.store = createMemoryStore(options)
    this.ports = this.#createPorts()
  }

  get now(): number {
    return this.store.clock.now
  }

  wait(ms: number): void {
    this.store.clock.now += ms
  }

  blob(content: string, ageMs = OLD_MS): Digest {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}` as Digest
    this.store.put(dataKey(digest), content, this.now - ageMs)
    return digest
  }

  image(repository: string, name: string, options: ImageOptions = {}): PushedImage {
    const { layers = [`layer of ${name}`], ageMs = OLD_MS, subject } = options
    const config = this.blob(`{"config":"${name}"}`, ageMs)
    const blobs = layers.map((content) => this.blob(content, ageMs))
    for (const digest of [config, ...blobs]) this.#put(layer(repository, digest), digest, ageMs)
    const described = (digest: Digest): object => ({ mediaType: 'application/octet-stream', digest, size: 1 })
    const manifest = {
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: described(config),
      layers: blobs.map(described),
      ...(subject && { subject: described(subject) }),
    }
    const digest = this.#manifest(repository, JSON.stringify(manifest), options)
    return { digest, blobs: [config, ...blobs] }
  }

  index(repository: string, children: readonly Digest[], options: ImageOptions = {}): Digest {
    const manifests = children.map((digest) => ({ mediaType: ociManifestType, digest, size: 1 }))
    const content = { schemaVersion: 2, mediaType: ociIndexType, manifests }
    return this.#manifest(repository, JSON.stringify(content), options)
  }

  link(repository: string, manifest: Digest): void {
    this.store.put(revision(repository, manifest), manifest)
  }

  /** DELETE by digest. */
  unlink(repository: string, manifest: Digest): void {
    this.store.drop(revision(repository, manifest))
  }

  /** Digests of the blobs that are in their place. */
  stored(): readonly Digest[] {
    return this.#hexes((key) => key.startsWith('docker/') && key.endsWith('/data') && key.includes('/blobs/'))
  }

  aside(): readonly Digest[] {
    return this.#hexes((key) => key.startsWith(QUARANTINE))
  }

  isStored(digest: Digest): boolean {
    return this.store.files.has(dataKey(digest))
  }

  async sweep(given: Partial<SweepSettings> = {}, options: RunOptions = {}): Promise<SweepReport> {
    return applySweep(this.ports, { ...settings, ...given }, this.#listening(options))
  }

  async plan(given: Partial<SweepSettings> = {}): Promise<SweepReport> {
    return planSweep(this.ports, { ...settings, ...given }, this.#listening({}))
  }

  async restore(asked: string): Promise<RestoreReport> {
    return restoreSwept(asked, this.ports, settings, {})
  }

  #hexes(isWanted: (key: string) => boolean): readonly Digest[] {
    const keys = [...this.store.files.keys()].filter(isWanted)
    return keys.map((key) => `sha256:${/[0-9a-f]{64}/.exec(key)?.[0] ?? ''}` as Digest).toSorted()
  }

  #manifest(
    repository: string,
    content: string,
    { ageMs = OLD_MS, isLinked = true, tag: name }: ImageOptions,
  ): Digest {
    const digest = this.blob(content, ageMs)
    if (isLinked) this.#put(revision(repository, digest), digest, ageMs)
    if (name !== undefined) this.#put(tag(repository, name), digest, ageMs)
    return digest
  }

  #put(key: string, content: string, ageMs: number): void {
    this.store.put(key, content, this.now - ageMs)
  }

  #listening(options: RunOptions): RunOptions {
    return {
      ...options,
      onEvent: (event) => {
        if (event.kind === 'warning') this.warnings.push(event.text)
      },
    }
  }

  #createPorts(): SweepPorts {
    const { store } = this
    return {
      registry: 'prod' as RegistryName,
      layout: createListedDistributionLayout({ store, retryPauseMs: 1 }),
      store,
      journal: createSweepJournal(store),
      references: memoryReferences(),
      createScratch: memoryScratch,
      now: () => this.now,
      newRunId: (at) => newRunId(at, (this.#runs += 1).toString(16).padStart(4, '0')),
      cache: openCache,
      leases: createMemoryLeaseStore(),
      history: createMemoryJournalStore(),
      holder: 'test:1',
      clockSkewMs: async () => 0,
      sleep: async (ms) => {
        this.wait(ms)
      },
    }
  }
}

/** No cache at all. */
export const openCache: SweepPorts['cache'] = {
  kind: 'none',
  forget: async () => undefined,
  afterSetAside: async () => undefined,
  gate: async () => ({
    kind: 'open',
    setAsideBefore: Number.POSITIVE_INFINITY,
    because: 'there is no cache',
  }),
}

export function dataKey(digest: Digest): string {
  return `docker/registry/v2/blobs/${blobPath(digest)}/data`
}

/** Kinds and digests or paths of what was done, in order. */
export function done({ actions }: SweepReport): readonly string[] {
  return [...actions].map((action) => `${action.kind} ${'digest' in action ? action.digest : action.path}`)
}

export function runOf({ run }: SweepReport): string {
  return run
}
