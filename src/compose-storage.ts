/**
 * Composes storages: a store of any kind, and the layout of the registry's files in it. What a storage does not need is not
 * loaded: the clients of clouds are large, and a plan of a folder is made in a second.
 */
import type { HttpClient } from './adapters/http/http-types.ts'
import type { ProbeRegistry } from './adapters/registries/detect-foreign.ts'
import type { RunningState } from './adapters/registries/storage-zot/scan-open-files.ts'
import type { S3StoreOptions } from './adapters/storage/s3/s3-store.ts'
import type { ScanPool } from './adapters/storage/filesystem/scan-pool.ts'
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
export async function composeReadableStore(
  store: StoreSettings,
  options: StoreOptions,
): Promise<ListableStore> {
  switch (store.kind) {
    case 'filesystem':
      return (await import('./adapters/storage/filesystem/read-files.ts')).createReadableFileStore(store.path)
    case 's3': {
      const { createReadableS3Store } = await import('./adapters/storage/s3/s3-store.ts')
      return createReadableS3Store(s3Options(store, options))
    }
    case 'gcs': {
      const { createReadableGcsStore } = await import('./adapters/storage/gcs/gcs-store.ts')
      return createReadableGcsStore({ ...store, ...options })
    }
    case 'azure': {
      const { createReadableAzureStore } = await import('./adapters/storage/azure/azure-store.ts')
      return createReadableAzureStore({ ...store, ...options })
    }
  }
}

export async function composeStore(store: StoreSettings, options: StoreOptions): Promise<SweepableStore> {
  switch (store.kind) {
    case 'filesystem':
      return (await import('./adapters/storage/filesystem/write-files.ts')).createMutableFileStore(store.path)
    case 's3': {
      const { createS3Store } = await import('./adapters/storage/s3/s3-store.ts')
      return createS3Store(s3Options(store, options))
    }
    case 'gcs': {
      const { createGcsStore } = await import('./adapters/storage/gcs/gcs-store.ts')
      return createGcsStore({ ...store, ...options })
    }
    case 'azure': {
      const { createAzureStore } = await import('./adapters/storage/azure/azure-store.ts')
      return createAzureStore({ ...store, ...options })
    }
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
  /** Where it is kept what was looked at before, on file systems. */
  readonly memoryPath: string
  /** Where the registry has an address: asks who answers there, once and without a login. */
  readonly asking: HttpClient | undefined
  /** Whether somebody says that the registry is not running. */
  readonly toldStopped: boolean
  readonly mayChange: boolean
}

/** The layout of a registry's storage; its check refuses what another program's database governs. */
export async function composeLayout(
  settings: RegistrySettings,
  store: ListableStore,
  parts: LayoutParts,
): Promise<ReadableLayout> {
  const layout = await bareLayout(settings, store, parts)
  const { refuseForeign } = await import('./adapters/registries/detect-foreign.ts')
  const { asking } = parts
  const probe = asking && settings.url !== undefined ? probeOver(asking, settings.url) : undefined
  // A registry that said who it is falls silent when a window stops it; that is no news.
  let hasAnswered = false
  return {
    ...layout,
    async check(options, takenAway) {
      const question = { store, kind: settings.kind, hasAnswered, ...(probe && { probe }) }
      if (await refuseForeign(question, options)) hasAnswered = true
      await layout.check(options, takenAway)
    },
  }
}

async function bareLayout(
  settings: RegistrySettings,
  store: ListableStore,
  parts: LayoutParts,
): Promise<ReadableLayout> {
  switch (storageOf(settings).layout) {
    case 'distribution':
      return distributionLayout(settings, store, parts)
    case 'oci':
      return (await import('./adapters/registries/storage-oci/oci-layout.ts')).createOciLayout({ store })
    case 'trow':
      return (await import('./adapters/registries/storage-trow/trow-layout.ts')).createTrowLayout({ store })
    case 'zot': {
      const { createZotLayout } = await import('./adapters/registries/storage-zot/zot-layout.ts')
      const state = {
        mayChange: parts.mayChange,
        toldStopped: parts.toldStopped,
        isRunning: (options?: RunOptions) => isRunning(settings, parts, options),
      }
      return createZotLayout({ store, state })
    }
  }
}

async function distributionLayout(
  settings: RegistrySettings,
  store: ListableStore,
  { pool, memoryPath, mayChange }: LayoutParts,
): Promise<ReadableLayout> {
  const { store: place } = storageOf(settings)
  if (place.kind !== 'filesystem') {
    const { createListedDistributionLayout } =
      await import('./adapters/registries/storage-distribution/listed-layout.ts')
    return createListedDistributionLayout({ store })
  }
  // They start while the rest is loaded.
  pool.start()
  const { checkLayout } = await import('./adapters/registries/storage-distribution/check-layout.ts')
  const { createFileDistributionLayout } =
    await import('./adapters/storage/filesystem/distribution-layout.ts')
  return createFileDistributionLayout({
    root: place.path,
    pool,
    memory: { path: memoryPath, isBelieved: !mayChange },
    check: (options) => checkLayout(store, options),
  })
}

/** Whether the registry runs on its files, as far as can be told from here. */
export async function isRunning(
  settings: RegistrySettings,
  { asking }: Pick<LayoutParts, 'asking'>,
  options?: RunOptions,
): Promise<RunningState> {
  const { detectRunning } = await import('./adapters/registries/storage-zot/detect-running.ts')
  const { store } = storageOf(settings)
  const { url } = settings
  return detectRunning(
    {
      ...(store.kind === 'filesystem' && { folder: store.path }),
      ...(asking && url !== undefined && { answers: answersAt(asking, url) }),
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
