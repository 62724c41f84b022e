/**
 * A running registry, its storage, and the question that matters: may bytes be freed, and would the registry take a
 * manifest that names them? Requests are of the tests' own; what is set aside is set aside as a sweep does it.
 */
import { createDescriptorCache } from '../../src/adapters/descriptor-cache/create-descriptor-cache.ts'
import type {
  DescriptorCacheParts,
  DescriptorCacheSettings,
} from '../../src/adapters/descriptor-cache/create-descriptor-cache.ts'
import { createHttpClient } from '../../src/adapters/http/client.ts'
import type { HttpClient } from '../../src/adapters/http/http-types.ts'
import { blobKey, layerLink } from '../../src/adapters/registries/storage-distribution/layout.ts'
import { createMutableFileStore } from '../../src/adapters/storage/filesystem/write-files.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import type { RepositoryName } from '../../src/core/image/names.ts'
import type { CacheGate, DescriptorCache } from '../../src/ports/descriptor-cache.ts'
import type { SweepableStore } from '../../src/ports/mutable-sweep-store.ts'
import {
  startDockerRegistry,
  type DockerRegistry,
  type DockerRegistryOptions,
} from '../servers/docker-registry.ts'
import { makeTestFolder, removeTestFolder } from '../servers/server-process.ts'
import { pushImage, type PushedImage } from '../servers/push.ts'
import { registryRequest } from '../servers/registry-request.ts'

export type StandOptions = Omit<DockerRegistryOptions, 'storageDir' | 'port'>
type CacheOptions = Partial<DescriptorCacheParts & Pick<DescriptorCacheSettings, 'metrics' | 'cacheAuth'>>

/** Longer than the margin around restarts. */
export const LONG_MS = 120_000

export class Stand {
  readonly store: SweepableStore
  registry: DockerRegistry
  note: Uint8Array | undefined
  readonly #dir: string
  readonly #options: StandOptions
  readonly #clients: HttpClient[] = []
  #aheadMs = 0
  #images = 0

  private constructor(registry: DockerRegistry, dir: string, options: StandOptions) {
    this.registry = registry
    this.#dir = dir
    this.#options = options
    this.store = createMutableFileStore(dir)
  }

  static async start(options: StandOptions): Promise<Stand> {
    const dir = await makeTestFolder('cache-storage')
    return new Stand(await startDockerRegistry({ ...options, storageDir: dir }), dir, options)
  }

  /** Another process over the same storage; to be stopped before the first. */
  static async beside(first: Stand, options: StandOptions = first.#options): Promise<Stand> {
    const registry = await startDockerRegistry({ ...options, storageDir: first.#dir })
    return new Stand(registry, first.#dir, options)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()))
    await this.registry.stop()
    await removeTestFolder(this.#dir)
  }

  /** The same registry, as another process. */
  async restart(): Promise<void> {
    const { port } = this.registry
    await this.registry.stop()
    this.registry = await startDockerRegistry({ ...this.#options, storageDir: this.#dir, port })
  }

  now = (): number => Date.now() + this.#aheadMs

  /** Lets time go by, for all but the registry. */
  pass(ms: number): void {
    this.#aheadMs += ms
  }

  async pushImage(): Promise<PushedImage> {
    this.#images += 1
    return pushImage(this.registry.url, `team/app-${this.#images}`, { tags: ['1'] })
  }

  /** As clients do before they push. */
  async head(image: PushedImage, digest = layerOf(image)): Promise<number> {
    return (await this.#request('HEAD', `${image.repository}/blobs/${digest}`)).status
  }

  /** Takes a blob away as a sweep does; tells when. */
  async setAside(digest: Digest): Promise<number> {
    const key = blobKey(digest)
    const asideName = digest.replace(':', '/')
    const outcome = await this.store.setAside([{ run: 'test', key, asideName, sizeBytes: 1 }])
    if (outcome[0] !== 'set-aside') throw new Error(`${digest} was not there to be set aside.`)
    return this.now()
  }

  /** Whether the registry takes the manifest, though a blob that it names is away: then the image is broken. */
  async takes(image: PushedImage): Promise<boolean> {
    const headers = { 'content-type': image.mediaType }
    const response = await this.#request('PUT', `${image.repository}/manifests/again`, {
      headers,
      body: image.bytes,
    })
    if (![201, 400].includes(response.status)) throw new Error(`PUT: ${response.status}`)
    return response.status === 201
  }

  createCache(cache: string, { metrics = [], cacheAuth, ...parts }: CacheOptions = {}): DescriptorCache {
    return createDescriptorCache(
      { cache, cacheAuth, metrics, canary: 'winnow/canary' },
      {
        replicas: [this.address()],
        store: this.store,
        keyOf: blobKey,
        linkKeyOf: (repository, digest) => layerLink(repository as RepositoryName, digest),
        createMetricsHttp: (url) => createHttpClient({ base: url, retry: { attemptsMax: 1 } }),
        now: this.now,
        readNote: async () => this.note,
        writeNote: async (bytes) => void (this.note = bytes),
        ...parts,
      },
    )
  }

  address(baseUrl: string = this.registry.url): DescriptorCacheParts['replicas'][number] {
    const http = createHttpClient({ base: baseUrl, retry: { attemptsMax: 1 } })
    this.#clients.push(http)
    return { baseUrl, http }
  }

  #request(method: string, path: string, more = {}): Promise<Response> {
    return registryRequest(this.registry.url, method, `/v2/${path}`, more)
  }
}

export function layerOf(image: PushedImage): Digest {
  const digest = parseDigest(image.layerDigests[0] ?? '')
  if (digest === undefined) throw new Error('An image without layers.')
  return digest
}

/** What a sweep would do with bytes that were set aside at that time. */
export function frees(gate: CacheGate, setAsideAt: number): boolean {
  return gate.kind === 'open' && setAsideAt < gate.setAsideBefore
}
