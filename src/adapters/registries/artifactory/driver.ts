/**
 * JFrog Artifactory: images are listed by AQL with their times and pulls, deleted by the path of their folders, and taken
 * back from the trash can. Manifests are read by the distribution API, which counts as a pull the first time.
 */

import type { RegistryDriver } from '../driver.ts'
import { createOciReader } from '../oci/reader.ts'
import { createOciWriter } from '../oci/writer.ts'
import { ProductApi } from '../product-api.ts'
import { artifactoryAddresses } from './addresses.ts'
import { checkArtifactory } from './check.ts'
import { openClients } from './clients.ts'
import { ArtifactoryListing } from './listing.ts'
import { Looks } from './looks.ts'
import { RepositoryKeys } from './repository-keys.ts'
import { ArtifactoryWriter } from './writer.ts'

const product = 'JFrog Artifactory'

export const driver: RegistryDriver = {
  product,
  open: (settings) => {
    const { name } = settings
    const addresses = artifactoryAddresses(name, settings.baseUrl, settings.apiUrl)
    const { apiHttp, ociHttp } = openClients(settings, addresses)
    const api = new ProductApi({ name, product, base: addresses.api, http: apiHttp })
    const keys = new RepositoryKeys(api, addresses)
    const looks = new Looks()
    const oci = { ...settings, baseUrl: addresses.oci, http: ociHttp }
    return {
      reader: createOciReader({
        ...oci,
        recognise: async () => ({
          product,
          deleteByTag: true,
          protectsChildren: false,
          pageSizeMax: undefined,
        }),
        listing: new ArtifactoryListing(api, keys, looks),
        capabilities: {
          listsUntagged: true,
          pushTime: true,
          pullTime: true,
          deleteRemovesSiblings: true,
          // The list is whole, so nobody needs to be asked for referrers.
          referrersApi: false,
          undo: 'bin',
          freesBytes: 'by-its-collector',
        },
      }),
      createWriter: () => {
        const pushing = createOciWriter(oci)
        return new ArtifactoryWriter({ api, keys, looks, putManifest: pushing.putManifest.bind(pushing) })
      },
      check: (_, options) => checkArtifactory(api, keys, options),
    }
  },
}
