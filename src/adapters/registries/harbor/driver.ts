/**
 * Harbor 2: everything is listed by its own API, with times, labels, locks and accessories; tags and artifacts are deleted
 * by it too. Manifests are read and put back over `/v2/`. The same credentials serve both, a robot account's as well.
 */
import type { DriverSettings, OpenedDriver, RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import type { RegistryTraits } from '../oci/traits.ts'
import { checkHarbor } from './check-harbor.ts'
import { HarborApi, pageSizeMax } from './harbor-api.ts'
import { HarborCollector } from './harbor-collector.ts'
import { HarborListing } from './harbor-listing.ts'
import { readOnlyCure, readSystem } from './harbor-refusals.ts'
import { HarborWriter } from './harbor-writer.ts'
import { ProxyProjects } from './proxy-projects.ts'

export const driver: RegistryDriver = { product: 'Harbor', open: openHarbor }

function openHarbor(settings: DriverSettings): OpenedDriver {
  const baseUrl = apiUrlOf(settings)
  const credentials = settings.apiCredentials ?? settings.credentials
  // Harbor's API names no way to log in when it refuses, so the credentials go with every request, to that origin alone.
  const http = settings.openHttp({ base: baseUrl, credentials, authorization: 'static' })
  const openApi = (): HarborApi => new HarborApi({ name: settings.name, baseUrl, http })
  const api = openApi()
  const proxies = new ProxyProjects(api)
  const listing = new HarborListing(api, new OciConnection(settings), proxies)
  return {
    reader: createOciReader({
      ...settings,
      recognise: (_, options) => recognise(api, options),
      listing,
      capabilities: {
        ...{ listsUntagged: true, pushTime: true, pullTime: true, deletesReferrers: true },
        freesBytes: 'by-its-collector',
      },
    }),
    createWriter: () => new HarborWriter(api, listing, settings),
    createCollector: () => new HarborCollector(openApi),
    check: (_, options) => checkHarbor(api, proxies, options),
  }
}

/** The registry's own origin, unless the configuration names another; with or without the path, as people write it. */
function apiUrlOf({ apiUrl, baseUrl }: DriverSettings): string {
  const base = (apiUrl ?? new URL(baseUrl).origin).replace(/\/+$/, '')
  return base.endsWith('/api/v2.0') ? base : `${base}/api/v2.0`
}

async function recognise(api: HarborApi, options: Parameters<typeof readSystem>[1]): Promise<RegistryTraits> {
  const { version, isReadOnly } = await readSystem(api, options)
  return {
    product: version === undefined ? 'Harbor' : `Harbor ${version}`,
    deleteByTag: true,
    protectsChildren: true,
    pageSizeMax,
    ...(isReadOnly && { deletes: { state: 'no', cure: readOnlyCure } as const }),
  }
}
