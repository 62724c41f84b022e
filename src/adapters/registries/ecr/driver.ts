/**
 * Amazon ECR, private and public, by its own API; layers and restored manifests go over the distribution API.
 *
 * Deleting the last tag of an image deletes the image there; what keeps that from happening by accident is in untag.ts.
 */
import type { Capabilities } from '../../../core/inventory/inventory.ts'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { HttpClient } from '../../http/http-types.ts'
import type { DriverSettings, OpenedDriver, RegistryDriver } from '../driver.ts'
import type { RegistryListing } from '../oci/listing.ts'
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import { AwsApi } from './api.ts'
import { checkRights } from './checks.ts'
import { EcrLogin } from './login.ts'
import { PAGE_SIZE_MAX } from './pages.ts'
import { placeOf } from './place.ts'
import { PrivateListing } from './private-listing.ts'
import { PublicListing } from './public-listing.ts'
import { PublicNames } from './public-names.ts'
import { RenewedHttp } from './registry-http.ts'
import { EcrWriter } from './writer.ts'

export const driver: RegistryDriver = {
  product: 'Amazon ECR',
  open: (settings) => {
    const api = new AwsApi(settings, placeOf(settings))
    const { listing, apiName } = api.place.isPublic ? publicParts(api) : privateParts(api, settings)
    const http = registryHttp(settings, api)
    const reader = createOciReader({
      ...settings,
      http,
      listing,
      recognise: async () => traitsOf(api),
      capabilities: capabilitiesOf(api),
    })
    return {
      reader,
      createWriter: () => new EcrWriter({ ...settings, http, api, reader, apiName }),
      check: (repository, options) => checkRights(api, apiName, repository, options),
    } satisfies OpenedDriver
  },
}

interface Parts {
  readonly listing: RegistryListing
  readonly apiName: (repository: RepositoryName, options: RunOptions) => Promise<string | undefined>
}

function privateParts(api: AwsApi, settings: DriverSettings): Parts {
  return {
    listing: new PrivateListing(api, settings.cache),
    apiName: async (repository) => repository,
  }
}

function publicParts(api: AwsApi): Parts {
  const names = new PublicNames(api)
  return {
    listing: new PublicListing(api, names),
    apiName: (repository, options) => names.apiName(repository, options),
  }
}

/** Credentials that the configuration names come first; else AWS gives out a password. */
function registryHttp(settings: DriverSettings, api: AwsApi): HttpClient {
  if (settings.hasOwnCredentials) return settings.http
  const login = new EcrLogin(api)
  // Private ECR takes the password at once; ECR Public wants it exchanged for a token first.
  const authorization = api.place.isPublic ? 'registry' : 'static'
  const open = (): HttpClient =>
    settings.openHttp({ base: settings.baseUrl, credentials: login, authorization })
  return new RenewedHttp(open, login)
}

function traitsOf({ product }: AwsApi): RegistryTraits {
  return { product, deleteByTag: true, protectsChildren: true, pageSizeMax: PAGE_SIZE_MAX }
}

function capabilitiesOf({ place }: AwsApi): Partial<Capabilities> {
  return {
    deleteRemovesSiblings: true,
    listsUntagged: true,
    pushTime: true,
    pullTime: !place.isPublic,
    // Listings show every referrer, so nobody is asked for them.
    referrersApi: !place.isPublic,
    undo: 'manifest-replay',
    freesBytes: 'by-itself',
    rateLimit: 'limits that the whole account and region share',
  }
}
