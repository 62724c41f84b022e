/** Composes storages: a store of any kind, and the layout of the registry's files in it. */
import type { HttpClient } from './adapters/http/http-types.ts'
import { refuseForeign, type ProbeRegistry } from './adapters/registries/detect-foreign.ts'
import { checkLayout } from './adapters/registries/storage-distribution/check-layout.ts'
import { createListedDistributionLayout } from './adapters/registries/storage-distribution/listed-layout.ts'
import { createOciLayout } from './adapters/registries/storage-oci/oci-layout.ts'
import { createTrowLayout } from './adapters/registries/storage-trow/trow-layout.ts'
import { detectRunning } from './adapters/registries/storage-zot/detect-running.ts'
import { createZotLayout } from './adapters/registries/storage-zot/zot-layout.ts'
import { createAzureStore, createReadableAzureStore } from './adapters/storage/azure/azure-store.ts'
import { createFileDistributionLayout } from './adapters/storage/filesystem/distribution-layout.ts'
import { createReadableFileStore } from './adapters/storage/filesystem/read-files.ts'
import type { ScanPool } from './adapters/storage/filesystem/scan-pool.ts'
import { createMutableFileStore } from './adapters/storage/filesystem/write-files.ts'
import { createGcsStore, createReadableGcsStore } from './adapters/storage/gcs/gcs-store.ts'
import { createReadableS3Store, createS3Store, type S3StoreOptions } from './adapters/storage/s3/s3-store.ts'
import type { RegistrySettings, StorageSettings, StoreSettings } from './config/configuration.ts'
import { invariant } from './core/errors/invariant.ts'
import type { ListableStore } from './ports/listable-store.ts'
import type { SweepableStore } from './ports/mutable-sweep-store.ts'
import type { ReadableLayout } from './ports/readable-layout.ts'
import type { RunOptions } from './ports/run-options.ts'

/** Whoever asks whether a registry is there does not wait long for the answer. */
const PROBE_MS = 10_000

export interface StoreOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How long what is set aside must be kept. */
  readonly quarantineMs: number
}

/** The storage of a registry that has one; nobody asks for that of another. */
export function storageOf({ name, storage }: RegistrySettings): StorageSettings {
  invariant(storage !== undefined, `the registry ${name} has no storage`)
  return storage
}

/** A store that cannot be changed. */
export function composeReadableStore(store: StoreSettings, options: StoreOptions): ListableStore {
  switch (store.kind) {
    case 'filesystem':
      return createReadableFileStore(store.path)
    case 's3':
      return createReadableS3Store(s3Options(store, options))
    case 'gcs':
      return createReadableGcsStore({ ...store, ...options })
    case 'azure':
      return createReadableAzureStore({ ...store, ...options })
  }
}

export function composeStore(store: StoreSettings, options: StoreOptions): SweepableStore {
  switch (store.kind) {
    case 'filesystem':
      return createMutableFileStore(store.path)
    case 's3':
      return createS3Store(s3Options(store, options))
    case 'gcs':
      return createGcsStore({ ...store, ...options })
    case 'azure':
      return createAzureStore({ ...store, ...options })
  }
}

function s3Options(
  { bucket, prefix, region, endpoint }: Extract<StoreSettings, { kind: 's3' }>,
  { environment }: StoreOptions,
): S3StoreOptions {
  return {
    bucket,
    prefix,
    environment,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  }
}

export interface LayoutParts {
  readonly pool: ScanPool
  /** Where the registry has an address. */
  readonly http: HttpClient | undefined
  /** Whether somebody says that the registry is not running. */
  readonly toldStopped: boolean
  readonly mayChange: boolean
}

/** The layout of a registry's storage; its check refuses what another program's database governs. */
export function composeLayout(
  settings: RegistrySettings,
  store: ListableStore,
  parts: LayoutParts,
): ReadableLayout {
  const layout = bareLayout(settings, store, parts)
  const { http } = parts
  const probe = http && settings.url !== undefined ? probeOver(http, settings.url) : undefined
  return {
    ...layout,
    async check(options) {
      await refuseForeign({ store, kind: settings.kind, ...(probe && { probe }) }, options)
      await layout.check(options)
    },
  }
}

function bareLayout(settings: RegistrySettings, store: ListableStore, parts: LayoutParts): ReadableLayout {
  const { layout, store: place } = storageOf(settings)
  switch (layout) {
    case 'distribution':
      return place.kind === 'filesystem'
        ? createFileDistributionLayout({
            root: place.path,
            pool: parts.pool,
            check: (options) => checkLayout(store, options),
          })
        : createListedDistributionLayout({ store })
    case 'oci':
      return createOciLayout({ store })
    case 'trow':
      return createTrowLayout({ store })
    case 'zot':
      return createZotLayout({
        store,
        state: {
          mayChange: parts.mayChange,
          toldStopped: parts.toldStopped,
          isRunning: (options) => isRunning(settings, parts, options),
        },
      })
  }
}

/** Whether the registry runs on its files, as far as can be told from here. */
export async function isRunning(
  settings: RegistrySettings,
  { http }: Pick<LayoutParts, 'http'>,
  options?: RunOptions,
): ReturnType<typeof detectRunning> {
  const { store } = storageOf(settings)
  const { url } = settings
  return detectRunning(
    {
      ...(store.kind === 'filesystem' && { folder: store.path }),
      ...(http && url !== undefined && { answers: answersAt(http, url) }),
    },
    options,
  )
}

/** Asks a registry for a path of its own; throws where nobody answers. */
function probeOver(http: HttpClient, url: string): ProbeRegistry {
  return async (path, options) =>
    http.request({ method: 'GET', url: `${url}${path}`, totalTimeoutMs: PROBE_MS }, options)
}

function answersAt(http: HttpClient, url: string): (options?: RunOptions) => Promise<boolean> {
  return async (options) => {
    await http.request({ method: 'GET', url: `${url}/v2/`, totalTimeoutMs: PROBE_MS }, options)
    return true
  }
}
