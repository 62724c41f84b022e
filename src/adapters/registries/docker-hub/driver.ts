/**
 * Docker Hub: lists, times and tags by its API at hub.docker.com, manifests over the distribution API.
 *
 * Each host gets its own client, so that no credential of one reaches another: the API its token, the registry those that
 * the token server gives out.
 */
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { DriverSettings, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import { ProductApi } from '../product-api.ts'
import { hubAddresses } from './hub-addresses.ts'
import { HubApi, PAGE_SIZE_MAX } from './hub-api.ts'
import { checkHub } from './hub-check.ts'
import { hubListing, type HubListingParts } from './hub-listing.ts'
import { HubLogin, product } from './hub-login.ts'
import { HubWriter } from './hub-writer.ts'

const capabilities: Partial<Capabilities> = {
  deleteRemovesSiblings: false,
  listsUntagged: false,
  pushTime: true,
  pullTime: true,
  undo: 'none',
  freesBytes: 'by-itself',
  rateLimit:
    'some 600 API requests a minute; each manifest read is a pull, of 100 to 200 in six hours on free plans',
}

const traits = { product, deleteByTag: true, protectsChildren: true, pageSizeMax: PAGE_SIZE_MAX }

export const driver: RegistryDriver = {
  product,
  open: (settings) => {
    const { registry, api } = hubAddresses(settings.baseUrl, settings.apiUrl)
    const { credentials, openHttp } = settings
    const http = openHttp({ base: registry, credentials })
    const at = { ...settings, baseUrl: registry, http }
    const connection = new OciConnection(at)
    const parts = openApi(settings, new URL(registry).host, api)
    return {
      reader: createOciReader({
        ...at,
        recognise: async () => traits,
        listing: hubListing(parts),
        capabilities,
      }),
      createWriter: () => new HubWriter(parts.api, connection),
      check: (repository, options) => checkHub(parts, repository, options),
    }
  },
}

function openApi(settings: DriverSettings, registryHost: string, base: string): HubListingParts {
  const { name, credentials, apiCredentials, namespaces, repositories = [], openHttp } = settings
  const login = new HubLogin({
    name,
    written: apiCredentials ?? credentials,
    host: registryHost,
    base,
    http: openHttp({ base, authorization: 'static' }),
  })
  const http = openHttp({ base, credentials: login, authorization: 'static' })
  const api = new HubApi(new ProductApi({ name, product, base, http }))
  return { name, api, login, namespaces, repositories }
}
