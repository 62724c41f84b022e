/**
 * Composes what `winnow link` works with: a registry that records can be added to, and nothing that could remove one.
 *
 * The registry is asked itself wherever it has an address; its storage is written to only where it has none.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isLoopbackHost } from './adapters/http/addresses.ts'
import { createHttpClient } from './adapters/http/client.ts'
import { dockerCredentials } from './adapters/http/docker-credentials.ts'
import { createMemoryManifestCache } from './adapters/journal/memory/manifest-cache.ts'
import { createOciLinkRegistry } from './adapters/registries/oci/link-registry.ts'
import { createStorageLinkRegistry } from './adapters/registries/storage-distribution/storage-link-registry.ts'
import { createStorageReader } from './adapters/registries/storage-distribution/storage-reader.ts'
import { createStorageWriter } from './adapters/registries/storage-distribution/storage-writer.ts'
import type { LinkPorts } from './app/link.ts'
import { createRegistryHttp, sha256, StorageUnsupportedError, type ComposeOptions } from './compose.ts'
import { composeStore, storageOf } from './compose-storage.ts'
import type { RegistrySettings } from './config/configuration.ts'
import { InterruptedError } from './core/errors/errors.ts'
import type { RegistryName } from './core/image/names.ts'
import type { LinkableRegistry } from './ports/mutable-link-registry.ts'
import type { RunOptions } from './ports/run-options.ts'

export interface LinkingWorld {
  readonly ports: LinkPorts
  close(): Promise<void>
}

/** Where Docker Hub answers. */
const hubHost = 'registry-1.docker.io'
const PAUSE_FIRST_MS = 30
const PAUSE_MAX_MS = 1_000

/** For a registry of winnow.yaml. @throws StorageUnsupportedError */
export async function composeLinking(
  settings: RegistrySettings,
  options: ComposeOptions,
): Promise<LinkingWorld> {
  const { name, url } = settings
  if (url === undefined) {
    return { ports: portsOver(await storageRegistry(settings, options)), close: async () => undefined }
  }
  const http = await createRegistryHttp(settings, url, options)
  return {
    ports: portsOver(createOciLinkRegistry({ name, baseUrl: url, http })),
    close: () => http.close(),
  }
}

/**
 * For a registry that is known by the name of an image alone. Its credentials are those of `docker login` and
 * `podman login`; it is asked over https, unless it is on this machine.
 *
 * @param at.insecure plain http to another machine
 */
export async function composeLinkingAt(
  host: string,
  at: { readonly insecure: boolean },
  { environment, version }: ComposeOptions,
): Promise<LinkingWorld> {
  const isPlain = at.insecure || isLoopbackHost(new URL(`http://${host}`).hostname)
  const baseUrl = `${isPlain ? 'http' : 'https'}://${host === 'docker.io' ? hubHost : host}`
  const http = createHttpClient({
    base: baseUrl,
    credentials: dockerCredentials({ environment }),
    userAgent: `winnow/${version}`,
    insecure: at.insecure,
    environment,
  })
  // It has no name of a configuration, so messages call it by its host.
  const name = host as RegistryName
  return { ports: portsOver(createOciLinkRegistry({ name, baseUrl, http })), close: () => http.close() }
}

async function storageRegistry(
  settings: RegistrySettings,
  { environment }: ComposeOptions,
): Promise<LinkableRegistry> {
  const { name, sweep } = settings
  const { layout, store: place } = storageOf(settings)
  if (layout !== 'distribution') throw new StorageUnsupportedError(name, `layout: ${layout}`)
  const store = await composeStore(place, { environment, quarantineMs: sweep.quarantineMs })
  return createStorageLinkRegistry({
    reader: createStorageReader({ name, store, cache: createMemoryManifestCache() }),
    writer: createStorageWriter({ name, store }),
    store,
  })
}

function portsOver(registry: LinkableRegistry): LinkPorts {
  return { registry, hash: sha256, pause }
}

/** Of twenty builds that look at once, chance lets one be first. */
async function pause(round: number, { signal }: RunOptions): Promise<void> {
  const longest = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(round, 10))
  try {
    await sleep(Math.random() * longest, undefined, { ...(signal !== undefined && { signal }) })
  } catch {
    throw new InterruptedError()
  }
}
