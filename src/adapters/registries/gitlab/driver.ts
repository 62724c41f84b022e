/**
 * GitLab Container Registry, at gitlab.com and self-managed: tags by the registry's own list where it has one,
 * repositories and protected tags by GitLab's API. Only tags are deleted; GitLab collects manifests that have none.
 */
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverSettings, OpenedDriver, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import { createOciWriter } from '../oci/writer.ts'
import { ProductApi } from '../product-api.ts'
import { requireOwnPlace } from './api-place.ts'
import { checkGitLab } from './check.ts'
import { apiCredentials, registryCredentials } from './credentials.ts'
import { GitLabListing } from './listing.ts'
import { Protection } from './protection.ts'
import { GitLabReader } from './reader.ts'
import { findSurfaces, productName } from './surfaces.ts'
import { pageSizeMax } from './tag-rows.ts'
import { GitLabWriter } from './writer.ts'

const traits: RegistryTraits = {
  product: 'GitLab Container Registry',
  deleteByTag: true,
  protectsChildren: false,
  pageSizeMax,
}

export const driver: RegistryDriver = { product: traits.product, open }

function open(settings: DriverSettings): OpenedDriver {
  const { name, baseUrl, credentials, namespaces, openHttp } = settings
  const http = openHttp({ base: baseUrl, credentials: registryCredentials(credentials) })
  const surfaces = once((options) =>
    findSurfaces(
      { name, baseUrl, apiUrl: settings.apiUrl, http: openHttp({ base: baseUrl, authorization: 'none' }) },
      options,
    ),
  )
  const api = once(async (options) => {
    const { apiUrl: base } = await surfaces(options)
    if (settings.apiCredentials !== undefined && settings.apiUrl === undefined) requireOwnPlace(base, baseUrl)
    const source =
      settings.apiCredentials === undefined
        ? apiCredentials(credentials, new URL(baseUrl).host)
        : apiCredentials(settings.apiCredentials, undefined)
    const client = openHttp({ base, credentials: source, authorization: 'static' })
    return new ProductApi({ name, product: productName, base, http: client })
  })
  const connection = new OciConnection({ name, baseUrl, http })
  const registry = new ProductApi({ name, product: productName, base: baseUrl.replace(/\/+$/, ''), http })
  const protection = new Protection(api)
  const listing = new GitLabListing({ connection, registry, api, surfaces, protection, namespaces })
  const capabilities: Partial<Capabilities> = {
    deleteRemovesSiblings: false,
    freesBytes: 'by-its-collector',
    collectsUntagged: true,
    rateLimit: '2000 requests a minute at gitlab.com',
  }
  const reader = new GitLabReader(
    createOciReader({ ...settings, http, recognise: async () => traits, listing, capabilities }),
    surfaces,
  )
  return {
    reader,
    createWriter: () =>
      // Older registries take a tag for a malformed digest, and refuse.
      new GitLabWriter(connection, createOciWriter({ name, baseUrl, http, deletesTags: true }), reader),
    check: async (repository, options) =>
      checkGitLab(await surfaces(options), protection, repository, options),
  }
}

/** Asked once a run; a failure is not remembered. */
function once<T>(ask: (options?: RunOptions) => Promise<T>): (options?: RunOptions) => Promise<T> {
  let asking: Promise<T> | undefined
  return (options) => {
    asking ??= ask(options).catch((error: unknown) => {
      asking = undefined
      throw error
    })
    return asking
  }
}
