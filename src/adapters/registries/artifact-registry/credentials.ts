/**
 * How Winnow logs in to Google: what the configuration names; else a key file that the environment names; else what
 * `docker login` left for this very host; else what Google's library finds; else gcloud's own login. With none of them,
 * anonymously, as public repositories allow.
 *
 * The registry takes an OAuth token as it is, or any of Docker's ways at its token end-point; the API takes OAuth tokens
 * alone, which are made from the same credentials where that can be done.
 */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { askHelper } from '../../http/credential-helper.ts'
import type { Credential, CredentialSource } from '../../http/credentials.ts'
import {
  googleCredentials,
  serviceAccountCredentials,
  type GoogleTokenSettings,
} from '../../http/google-credentials.ts'

export type GoogleAccess = 'read' | 'write'

const tokenSettings: Readonly<Record<GoogleAccess, GoogleTokenSettings>> = {
  // A token that cannot delete is all that a plan needs.
  read: {
    scopes: ['https://www.googleapis.com/auth/cloud-platform.read-only'],
    purpose: 'Google Artifact Registry',
  },
  write: { scopes: ['https://www.googleapis.com/auth/cloud-platform'], purpose: 'Google Artifact Registry' },
}

export interface ChainSettings {
  /** Docker's files and helpers. */
  readonly docker: CredentialSource
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** What is tried on a host of Google's where the configuration names no credentials. */
export function googleChain({ docker, environment }: ChainSettings, rights: GoogleAccess): CredentialSource {
  const keyFile = environment['GOOGLE_APPLICATION_CREDENTIALS']
  const isNamed = keyFile !== undefined && keyFile !== ''
  // Named in the environment they are meant; merely found, they come after a login to this very host.
  const defaults = googleCredentials(tokenSettings[rights], environment, isNamed ? 'fail' : 'answer')
  const gcloud = gcloudLogin(environment)
  const sources = isNamed ? [defaults] : [docker, defaults, gcloud]
  return {
    name: sources.flatMap(({ name }) => name ?? []).join(', '),
    get: async (target, options) => {
      for (const source of sources) {
        const credential = await source.get(target, options)
        if (credential !== undefined) return credential
      }
      return undefined
    },
  }
}

/** Users whose password is an OAuth token: Google's own name, and those of its helpers. */
const tokenUser = /^(?:oauth2accesstoken|_token|_dcgcloud_token|_dcgcr_[0-9_]+_token)$/

/** OAuth tokens out of credentials for the registry; undefined from those that make none. */
export function oauthTokens(credentials: CredentialSource, rights: GoogleAccess): CredentialSource {
  const accounts = new Map<string, CredentialSource>()
  const accountOf = (key: string, origin: string): CredentialSource => {
    const known = accounts.get(key)
    const made = known ?? serviceAccountCredentials(tokenSettings[rights], key, origin)
    accounts.set(key, made)
    return made
  }
  return {
    ...(credentials.name !== undefined && { name: credentials.name }),
    get: async (target, options): Promise<Credential | undefined> => {
      const credential = await credentials.get(target, options)
      if (credential?.kind !== 'basic') return credential?.kind === 'bearer' ? credential : undefined
      const { username, password, origin = credentials.name ?? 'the configuration' } = credential
      if (tokenUser.test(username)) return { kind: 'bearer', token: password, origin }
      const key = serviceAccountKey(username, password)
      return key === undefined ? undefined : accountOf(key, origin).get(target, options)
    },
  }
}

function serviceAccountKey(username: string, password: string): string | undefined {
  if (username === '_json_key') return password
  return username === '_json_key_base64' ? Buffer.from(password, 'base64').toString('utf8') : undefined
}

/** `gcloud auth login`, by the helper that comes with gcloud; nothing where there is no gcloud. */
function gcloudLogin(environment: Readonly<Record<string, string | undefined>>): CredentialSource {
  let isInstalled: Promise<boolean> | undefined
  return {
    name: 'gcloud',
    get: async ({ host }, options) => {
      isInstalled ??= isInPath('docker-credential-gcloud', environment)
      if (!(await isInstalled)) return undefined
      const signal = options?.signal
      return askHelper('gcloud', host, { environment, ...(signal !== undefined && { signal }) })
    },
  }
}

async function isInPath(
  program: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue
    try {
      await access(join(folder, program), constants.X_OK)
      return true
    } catch {
      // Not here; perhaps in the next folder.
    }
  }
  return false
}
