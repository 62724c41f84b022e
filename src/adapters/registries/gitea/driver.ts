/**
 * Gitea and Forgejo: images are listed as packages of their owner, and deleted version by version. There is no undo, because
 * layers go with the last version that has them.
 */
import type { RegistryDriver } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { createOciReader } from '../oci/reader.ts'
import { ProductApi } from '../product-api.ts'
import { checkGitea } from './check.ts'
import { asPassword } from './credentials.ts'
import { GiteaListing } from './listing.ts'
import { Looks } from './looks.ts'
import { GiteaWriter } from './writer.ts'

const product = 'Gitea or Forgejo'
const CONCURRENCY = 16

export const driver: RegistryDriver = {
  product,
  open: (settings) => {
    const { name, baseUrl, credentials, openHttp } = settings
    const apiUrl = settings.apiUrl ?? `${new URL(baseUrl).origin}/api/v1`
    const apiCredentials = settings.apiCredentials ?? credentials
    const apiHttp = openHttp({ base: apiUrl, credentials: apiCredentials, authorization: 'static' })
    const api = new ProductApi({ name, product, base: apiUrl, http: apiHttp })
    const http = openHttp({ base: baseUrl, credentials: asPassword(credentials) })
    const connection = new OciConnection({ name, baseUrl, http })
    const looks = new Looks()
    const concurrency = settings.concurrency ?? CONCURRENCY
    const listing = new GiteaListing({ api, connection, looks, concurrency })
    return {
      reader: createOciReader({
        ...settings,
        http,
        recognise: async () => ({ product, deleteByTag: true, protectsChildren: false, pageSizeMax: 50 }),
        listing,
        capabilities: {
          listsUntagged: true,
          pushTime: true,
          deleteRemovesSiblings: true,
          foldsTagCase: true,
          referrersApi: false,
          undo: 'none',
          freesBytes: 'by-its-collector',
        },
      }),
      createWriter: () => new GiteaWriter({ api, connection, listing, looks }),
      check: (repository, options) => checkGitea(api, repository, options),
    }
  },
}
