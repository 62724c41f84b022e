/**
 * Azure Container Registry: the distribution API for manifests, `/acr/v1` for lists, times, locks and single tags.
 *
 * It protects no child of an index, and deletes referrers with their subject; the planner is told both.
 */
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { ReadableRegistry } from '../../../ports/readable-registry.ts'
import type { HttpClient } from '../../http/http-types.ts'
import type { DriverSettings, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import { AcrApi } from './acr-api.ts'
import { checkAcr } from './acr-check.ts'
import { acrCredentials } from './acr-credentials.ts'
import { acrListing } from './acr-listing.ts'
import { PAGE_SIZE_MAX, product } from './acr-requests.ts'
import { withReadScopes } from './acr-scopes.ts'
import { AcrWriter } from './acr-writer.ts'
import { azureLogin } from './azure-login.ts'
import { whyNoAzureLogin } from './azure-place.ts'
import { exchangeToken } from './exchange-token.ts'
import { Subjects } from './subjects.ts'

const capabilities: Partial<Capabilities> = {
  deleteByTag: true,
  deleteRemovesSiblings: true,
  listsUntagged: true,
  pushTime: true,
  pullTime: false,
  protectsChildren: false,
  deletesReferrers: true,
  referrersApi: true,
  undo: 'manifest-replay',
  freesBytes: 'by-itself',
  pageSizeMax: PAGE_SIZE_MAX,
  rateLimit: '500 deletions a minute for each identity (Premium: 2000)',
}

const traits = { product, deleteByTag: true, protectsChildren: false, pageSizeMax: PAGE_SIZE_MAX }

export const driver: RegistryDriver = {
  product,
  open: (settings) => {
    const at = { ...settings, http: openRegistry(settings) }
    const connection = new OciConnection(at)
    const api = new AcrApi(connection, at.baseUrl)
    const subjects = new Subjects()
    const reader = createOciReader({
      ...at,
      recognise: async () => traits,
      listing: acrListing(api),
      capabilities,
    })
    return {
      reader: noting(reader, subjects),
      note: noteOn(settings),
      createWriter: () => new AcrWriter(api, subjects),
      check: (repository, options) => checkAcr(api, repository, options),
    }
  },
}

/** A client that logs in as the registry wants it; the one that is given knows nothing of Azure. */
function openRegistry({
  name,
  baseUrl,
  credentials,
  hasOwnCredentials,
  kindIsWritten,
  openHttp,
}: DriverSettings): HttpClient {
  let exchanging: HttpClient | undefined
  const withheld = whyNoAzureLogin(baseUrl, kindIsWritten)
  const written = acrCredentials({
    written: credentials,
    isConfigured: hasOwnCredentials,
    azure: withheld === undefined ? { login: azureLogin(new URL(baseUrl).hostname) } : { withheld },
    exchange: (accessToken, signal) => {
      exchanging ??= openHttp({ base: baseUrl, authorization: 'static' })
      return exchangeToken({ name, baseUrl, http: exchanging }, accessToken, signal)
    },
  })
  return withReadScopes(openHttp({ base: baseUrl, credentials: written }))
}

/** For whoever counts on the Azure login and does not see why it is refused. */
function noteOn({ name, baseUrl, hasOwnCredentials, kindIsWritten }: DriverSettings): string | undefined {
  const withheld = hasOwnCredentials ? undefined : whyNoAzureLogin(baseUrl, kindIsWritten)
  return (
    withheld &&
    `${name} looks like ${product}, and is only asked with credentials that are for it: ${withheld}.`
  )
}

/** The reader, noting what hangs on what; see subjects.ts. */
function noting(reader: ReadableRegistry, subjects: Subjects): ReadableRegistry {
  return {
    name: reader.name,
    capabilities: (options) => reader.capabilities(options),
    listRepositories: (options) => reader.listRepositories(options),
    readRepository: (name, options) => reader.readRepository(name, options),
    resolveTag: (repository, tag, options) => reader.resolveTag(repository, tag, options),
    readManifest: async (repository, digest, options) => {
      const manifest = await reader.readManifest(repository, digest, options)
      if (manifest !== undefined) subjects.read(repository, manifest)
      return manifest
    },
    hasBlob: (repository, digest, options) => reader.hasBlob(repository, digest, options),
  }
}
