/**
 * Sonatype Nexus 3: images are listed as components with their times and downloads, and deleted component by component.
 * Layers stay until its own tasks have run, and until then manifests can be put back.
 */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import { createOciWriter } from '../oci/writer.ts'
import { ProductApi } from '../product-api.ts'
import { nexusAddresses } from './addresses.ts'
import { checkNexus } from './check.ts'
import { findRepository } from './find-repository.ts'
import { NexusListing } from './listing.ts'
import { Looks } from './looks.ts'
import { NexusCollector } from './nexus-collector.ts'
import { NexusWriter } from './writer.ts'

const product = 'Sonatype Nexus'

export const driver: RegistryDriver = {
  product,
  open: (settings) => {
    const { name, baseUrl, http } = settings
    const addresses = nexusAddresses(baseUrl, settings.apiUrl)
    // Without credentials the API does not ask for them, it shows less.
    const apiHttp = settings.openHttp({
      base: addresses.api,
      credentials: settings.apiCredentials ?? settings.credentials,
      authorization: 'static',
    })
    const openApi = (): ProductApi => new ProductApi({ name, product, base: addresses.api, http: apiHttp })
    const api = openApi()
    const repository = remembered((options) => findRepository(api, addresses, options))
    const connection = new OciConnection({ name, baseUrl, http })
    const looks = new Looks()
    const listing = new NexusListing({ api, connection, looks, repository })
    return {
      reader: createOciReader({
        ...settings,
        recognise: async () => ({ product, deleteByTag: true, protectsChildren: false, pageSizeMax: 100 }),
        listing,
        capabilities: {
          listsUntagged: true,
          pushTime: true,
          pullTime: true,
          deleteRemovesSiblings: true,
          referrersApi: false,
          freesBytes: 'by-its-collector',
        },
      }),
      createWriter: () => {
        const pushing = createOciWriter(settings)
        return new NexusWriter({
          api,
          connection,
          listing,
          looks,
          putManifest: pushing.putManifest.bind(pushing),
        })
      },
      createCollector: () => new NexusCollector(openApi),
      check: (_, options) => checkNexus(api, repository, options),
    }
  },
}

/** Asked once; a failure is not remembered. */
function remembered(
  ask: (options?: RunOptions) => Promise<string>,
): (options?: RunOptions) => Promise<string> {
  let asking: Promise<string> | undefined
  return async (options) => {
    asking ??= ask(options)
    try {
      return await asking
    } catch (error) {
      asking = undefined
      throw error
    }
  }
}
