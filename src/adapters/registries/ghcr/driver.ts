/**
 * GitHub Container Registry: packages and their versions by the REST API, manifests by the registry.
 *
 * Every version is a manifest, so untagged ones are known, and so are upload times; there are no pull times. Deleting a
 * version takes all its tags and can be taken back for 30 days. Single tags are removed by way of a throw-away manifest.
 */
import type { DriverSettings, OpenedDriver, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import { Bin } from './bin.ts'
import { checkToken } from './check.ts'
import { apiCredentials, registryCredentials, tokenKindOf } from './credentials.ts'
import { GitHubApi } from './github-api.ts'
import { HidingReader, LeftThrowAways } from './hide-throw-aways.ts'
import { GitHubListing } from './listing.ts'
import { logInOnce } from './log-in-once.ts'
import { Owners } from './owners.ts'
import { writePauseMs } from './pace.ts'
import { pageSizeMax } from './pages.ts'
import { apiUrlOf, publicApi } from './places.ts'
import { Scopes } from './scopes.ts'
import { Untagging } from './untagging.ts'
import { Versions } from './versions.ts'
import { GitHubWriter } from './writer.ts'

const traits: RegistryTraits = {
  product: 'GitHub Container Registry',
  deleteByTag: true,
  protectsChildren: false,
  pageSizeMax,
}

export const driver: RegistryDriver = { product: traits.product, open }

function open(settings: DriverSettings): OpenedDriver {
  const { name, baseUrl, cache, credentials, openHttp } = settings
  const apiUrl = apiUrlOf(baseUrl, settings.apiUrl)
  const host = new URL(baseUrl).host
  const http = logInOnce(openHttp({ base: baseUrl, credentials: registryCredentials(credentials) }))
  const apiSource =
    settings.apiCredentials === undefined
      ? apiCredentials(credentials, host)
      : apiCredentials(settings.apiCredentials, undefined)
  const api = new GitHubApi({
    name,
    apiUrl,
    http: openHttp({ base: apiUrl, credentials: apiSource, authorization: 'static' }),
    writePauseMs: apiUrl === publicApi ? writePauseMs : 0,
  })
  const tokenKind = () => tokenKindOf(apiSource, new URL(apiUrl).host)
  const owners = new Owners(api, tokenKind)
  const versions = new Versions(api, owners)
  const connection = new OciConnection({ name, baseUrl, http })
  const { namespaces } = settings
  const left = new LeftThrowAways()
  const reader = new HidingReader(
    createOciReader({
      ...settings,
      http,
      recognise: async () => traits,
      listing: new GitHubListing({ api, owners, versions, connection, namespaces }),
      capabilities: {
        listsUntagged: true,
        pushTime: true,
        referrersApi: false,
        undo: 'bin',
        freesBytes: 'by-itself',
        rateLimit: '5000 requests an hour',
      },
    }),
    cache,
    left,
  )
  const scopes = new Scopes(api)
  const untagging = new Untagging(connection, versions)
  return {
    reader,
    createWriter: () =>
      new GitHubWriter({ connection, versions, bin: new Bin(versions), untagging, left, scopes, reader }),
    check: async (_repository, options) => checkToken(await tokenKind(), scopes, options),
  }
}
