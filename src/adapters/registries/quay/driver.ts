/**
 * Quay, the public one and others: tags are listed, removed and restored by its API with an OAuth token; manifests are read
 * and put back over `/v2/`, by a robot or with the same token.
 */
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import type { DriverSettings, OpenedDriver, RegistryDriver } from '../driver.ts'
import { checkQuay } from './check-quay.ts'
import { Pacer } from './pacer.ts'
import { pageSizeMax, QuayApi } from './quay-api.ts'
import { apiCredentialsOf, isQuayIo, registryCredentialsOf } from './quay-credentials.ts'
import { namespaceOfRobot, namespacesOf, QuayListing } from './quay-listing.ts'
import { QuayWriter } from './quay-writer.ts'

export const driver: RegistryDriver = { product: 'Quay', open: openQuay }

/** The public service takes a few requests a second of one kind, and says no more than 429. */
const publicPaceMs = 250

const traits: RegistryTraits = {
  product: 'Quay',
  deleteByTag: true,
  // Nobody deletes a child by its digest here: the writer never sends that.
  protectsChildren: false,
  pageSizeMax,
}

function openQuay(settings: DriverSettings): OpenedDriver {
  const base = apiUrlOf(settings)
  const isPublic = isQuayIo(base)
  const apiHttp = settings.openHttp({
    base,
    credentials: apiCredentialsOf(settings, base),
    authorization: 'static',
    ...(isPublic && { retry: { attemptsMax: 8, backoffMs: 1000 } }),
  })
  const api = new QuayApi(
    { name: settings.name, base, http: apiHttp },
    new Pacer(isPublic ? publicPaceMs : 0),
  )
  const credentials = registryCredentialsOf(settings, base)
  const http = settings.openHttp({ base: settings.baseUrl, credentials })
  const listing = new QuayListing(api, () => namedNamespaces(settings))
  return {
    reader: createOciReader({
      ...settings,
      http,
      recognise: async () => traits,
      listing,
      capabilities: {
        deleteRemovesSiblings: false,
        collectsUntagged: true,
        pushTime: true,
        undo: 'bin',
        freesBytes: 'by-its-collector',
        rateLimit: isPublic ? 'a few requests a second' : undefined,
      },
    }),
    createWriter: () => new QuayWriter(api, listing, { ...settings, http }),
    check: (repository, options) => checkQuay(api, repository, options),
  }
}

/** The registry's own origin, unless the configuration names another; with or without the path, as people write it. */
function apiUrlOf({ apiUrl, baseUrl }: DriverSettings): string {
  const base = (apiUrl ?? new URL(baseUrl).origin).replace(/\/+$/, '')
  return base.endsWith('/api/v1') ? base : `${base}/api/v1`
}

async function namedNamespaces({
  repositories = [],
  credentials,
  baseUrl,
}: DriverSettings): Promise<readonly string[]> {
  const credential = await credentials.get({ host: new URL(baseUrl).host, path: '' })
  const robot = credential?.kind === 'basic' ? namespaceOfRobot(credential.username) : undefined
  return [...new Set([...(robot === undefined ? [] : [robot]), ...namespacesOf(repositories)])]
}
