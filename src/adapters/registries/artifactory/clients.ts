/** Which client talks to which part of an Artifactory: credentials go to the origin that they are for, and nowhere else. */
import type { HttpClient } from '../../http/http-types.ts'
import type { DriverSettings } from '../driver.ts'
import type { ArtifactoryAddresses } from './addresses.ts'
import { withApiKey } from './api-key.ts'

export function openClients(
  { baseUrl, http, openHttp, credentials, apiCredentials }: DriverSettings,
  { api, oci }: ArtifactoryAddresses,
): { readonly apiHttp: HttpClient; readonly ociHttp: HttpClient } {
  const ofApi = apiCredentials ?? credentials
  // The API asks nobody to log in: to a request without credentials it answers with less.
  const apiHttp = openHttp({ base: api, credentials: ofApi, authorization: 'static' })
  const isElsewhere = new URL(oci).origin !== new URL(baseUrl).origin
  const forImages = isElsewhere ? openHttp({ base: oci, credentials: ofApi }) : http
  return {
    apiHttp: withApiKey(apiHttp, api, ofApi),
    ociHttp: withApiKey(forImages, oci, isElsewhere ? ofApi : credentials),
  }
}
