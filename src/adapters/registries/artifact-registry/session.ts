/** One registry of Google's as a run speaks to it: its addresses, its logins, and where in it to look. */
import { googlePlace, type GooglePlace } from '../../../core/evidence/google-names.ts'
import type { CredentialSource } from '../../http/credentials.ts'
import type { HttpClient } from '../../http/http-types.ts'
import type { DriverSettings } from '../driver.ts'
import { OciConnection } from '../oci/connection.ts'
import { ArtifactApi } from './artifact-api.ts'
import { googleChain, oauthTokens, type GoogleAccess } from './credentials.ts'

const GOOGLE_API = 'https://artifactregistry.googleapis.com'

export interface GoogleSession {
  /** The registry's origin. */
  readonly baseUrl: string
  readonly host: string
  /** Where Google's API finds what this host serves; undefined for a host that is not Google's. */
  readonly place: GooglePlace | undefined
  /** What the address names below the host: a project, or a repository in one. */
  readonly root: string | undefined
  readonly http: HttpClient
  readonly connection: OciConnection
  /** Where credentials for the registry come from. */
  readonly credentials: CredentialSource
  /** Undefined where there is no API, or nothing to log in to it with. */
  readonly openApi: () => Promise<ArtifactApi | undefined>
}

export function openSession(settings: DriverSettings): GoogleSession {
  const { origin, host, hostname, pathname } = new URL(settings.baseUrl)
  const place = googlePlace(hostname)
  const root = pathname.replace(/^\/+|\/+$/g, '').replace(/(?:^|\/)v2$/, '')
  const credentials = credentialsFor(settings, place, 'read')
  const http = clientFor(settings, origin, credentials)
  let api: Promise<ArtifactApi | undefined> | undefined
  return {
    baseUrl: origin,
    host,
    place,
    root: root === '' ? undefined : root,
    http,
    connection: new OciConnection({ name: settings.name, baseUrl: origin, http }),
    credentials,
    openApi: () => (api ??= openApi(settings, place, credentials)),
  }
}

/** A client that may change what the registry holds. */
export function openWritingHttp(settings: DriverSettings): HttpClient {
  const { origin, hostname } = new URL(settings.baseUrl)
  return clientFor(settings, origin, credentialsFor(settings, googlePlace(hostname), 'write'))
}

function credentialsFor(
  settings: DriverSettings,
  place: GooglePlace | undefined,
  rights: GoogleAccess,
): CredentialSource {
  const { credentials, hasOwnCredentials, environment } = settings
  // Whoever is not Google gets no token of Google's, unless the configuration says so.
  if (hasOwnCredentials || place === undefined) return credentials
  return googleChain({ docker: credentials, environment }, rights)
}

function clientFor(settings: DriverSettings, origin: string, credentials: CredentialSource): HttpClient {
  return credentials === settings.credentials
    ? settings.http
    : settings.openHttp({ base: origin, credentials })
}

/**
 * The API of Google for its own hosts, and what the configuration names for any other: a host that is not Google's has no
 * API beside the registry that could be guessed. Without an OAuth token there is no use in asking.
 */
async function openApi(
  { name, apiUrl, apiCredentials, openHttp }: DriverSettings,
  place: GooglePlace | undefined,
  registry: CredentialSource,
): Promise<ArtifactApi | undefined> {
  const base = apiUrl ?? (place === undefined ? undefined : GOOGLE_API)
  if (base === undefined) return undefined
  const credentials = oauthTokens(apiCredentials ?? registry, 'read')
  if ((await credentials.get({ host: new URL(base).host, path: '' })) === undefined) return undefined
  return new ArtifactApi({ name, base, http: openHttp({ base, credentials, authorization: 'static' }) })
}
