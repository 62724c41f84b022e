/**
 * A driver beside the fake or real registry it speaks to, put together as composition does it. Every driver's suites, the
 * runs over several registries and the benchmark start from here.
 */
import { createHttpClient } from '../../src/adapters/http/client.ts'
import type { CredentialSource } from '../../src/adapters/http/credentials.ts'
import type { HttpClient, HttpRetry } from '../../src/adapters/http/http-types.ts'
import { createMemoryManifestCache } from '../../src/adapters/journal/memory/manifest-cache.ts'
import { createMemoryProofStore } from '../../src/adapters/journal/memory/proofs.ts'
import type { DriverSettings, OpenedDriver } from '../../src/adapters/registries/driver.ts'
import { registryDrivers, type RegistryKind } from '../../src/adapters/registries/index.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import type { Seeder } from '../conformance/registry-fixture.ts'
import type { RegistryUnderTest } from '../conformance/registry.ts'
import type { FakeServer } from '../fakes/fake-server.ts'
import { pushBlob, pushManifest } from '../servers/push.ts'

export interface LabOptions {
  /** The most rows on a page of any list. @default what the product gives */
  readonly pageSize?: number
  /** Before each answer. @default 0 */
  readonly latencyMs?: number
}

export interface RegistryLab extends RegistryUnderTest {
  readonly opened: OpenedDriver
  /** The registry's own credentials. */
  readonly credentials: CredentialSource
  /** Every server that the driver may speak to. */
  readonly fakes: readonly FakeServer[]
  /** Requests as the driver's clients count them; those of a vendor's own library are not among them. */
  readonly sent: () => number
  /** What `winnow.yaml` would say under `registries: NAME:`, and the environment it would need. */
  readonly configuration: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string>>
}

export interface LabParts {
  readonly kind: RegistryKind
  /** The registry's address. */
  readonly url: string
  readonly fakes: readonly FakeServer[]
  readonly seeder: Seeder
  readonly credentials?: CredentialSource
  readonly settings?: Partial<DriverSettings>
  readonly configuration?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

/** Pushes over the distribution API, as clients do. */
export function seederOver(url: string): Seeder {
  return {
    putBlob: async (repository, bytes) => {
      await pushBlob(url, repository, bytes)
    },
    putManifest: async (repository, bytes, mediaType, reference) => {
      await pushManifest(url, repository, bytes, mediaType, reference)
    },
  }
}

/** Few and short pauses: a fault that lasts should not make a test last. */
export const quickRetry: HttpRetry = { attemptsMax: 3, backoffMs: 1, retryAfterMaxMs: 2000 }

export async function openLab(parts: LabParts): Promise<RegistryLab> {
  const clients: HttpClient[] = []
  const openHttp: DriverSettings['openHttp'] = (client) => {
    const http = createHttpClient({ retry: quickRetry, environment: {}, ...client })
    clients.push(http)
    return http
  }
  const driver = await registryDrivers[parts.kind]()
  const cache = createMemoryManifestCache()
  const credentials = parts.credentials ?? { get: async () => undefined }
  // What a client learned of a login is not what is counted.
  const http = openHttp({ base: parts.url, credentials })
  const open = (): OpenedDriver =>
    driver.open({
      name: 'test' as RegistryName,
      baseUrl: parts.url,
      http,
      cache,
      credentials,
      hasOwnCredentials: parts.credentials !== undefined,
      kindIsWritten: true,
      apiUrl: undefined,
      apiCredentials: undefined,
      aws: { region: undefined, profile: undefined, roleArn: undefined },
      environment: parts.environment ?? {},
      openHttp,
      proofs: createMemoryProofStore(),
      ...parts.settings,
    })
  const opened = open()
  return {
    opened,
    credentials,
    reader: opened.reader,
    writer: opened.createWriter(),
    nextReader: () => open().reader,
    requestCount: () => parts.fakes.reduce((total, { requests }) => total + requests.length, 0),
    sent: () => clients.reduce((total, { stats }) => total + stats.requests, 0),
    seeder: parts.seeder,
    fakes: parts.fakes,
    configuration: { url: parts.url, kind: parts.kind, ...parts.configuration },
    environment: parts.environment ?? {},
    stop: async () => {
      for (const http of clients) await http.close()
      for (const fake of parts.fakes) await fake.stop()
      await parts.stop()
    },
  }
}
