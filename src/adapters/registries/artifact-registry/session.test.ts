/** Who gets which credentials, and where Google's API is asked. */
import { describe, expect, it } from 'vitest'
import type { RegistryName } from '../../../core/image/names.ts'
import { createMemoryManifestCache } from '../../journal/memory/manifest-cache.ts'
import { createMemoryProofStore } from '../../journal/memory/proofs.ts'
import { createHttpClient } from '../../http/client.ts'
import type { CredentialSource } from '../../http/credentials.ts'
import type { DriverSettings, OpenHttp } from '../driver.ts'
import { openSession, openWritingHttp } from './session.ts'

const docker: CredentialSource = { name: 'docker', get: async () => undefined }
const token: CredentialSource = { name: 'token', get: async () => ({ kind: 'bearer', token: 'ya29.x' }) }

type Opened = Parameters<OpenHttp>[0]

function settingsFor(
  baseUrl: string,
  changes: Partial<DriverSettings> = {},
): { readonly settings: DriverSettings; readonly opened: Opened[] } {
  const opened: Opened[] = []
  const openHttp: OpenHttp = (client) => {
    opened.push(client)
    return createHttpClient({ base: client.base, environment: {} })
  }
  const settings: DriverSettings = {
    name: 'test' as RegistryName,
    baseUrl,
    http: createHttpClient({ base: baseUrl, environment: {} }),
    cache: createMemoryManifestCache(),
    credentials: docker,
    hasOwnCredentials: false,
    kindIsWritten: true,
    apiUrl: undefined,
    apiCredentials: undefined,
    aws: { region: undefined, profile: undefined, roleArn: undefined },
    environment: { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere/key.json' },
    proofs: createMemoryProofStore(),
    openHttp,
    ...changes,
  }
  return { settings, opened }
}

describe('openSession', () => {
  it.each(['https://mirror.example.com', 'http://127.0.0.1:5000/shop', 'https://gcr.io.example.com'])(
    'asks Google for no token on behalf of %s',
    (url) => {
      const { settings, opened } = settingsFor(url)
      const session = openSession(settings)
      expect(session.credentials).toBe(docker)
      expect(session.http).toBe(settings.http)
      expect(openWritingHttp(settings)).toBe(settings.http)
      expect(opened).toEqual([])
    },
  )

  it.each([
    'https://gcr.io/shop',
    'https://europe-docker.pkg.dev',
    'https://us-central1-docker.pkg.dev/shop',
  ])('logs in to %s as Google wants it, and there alone', (url) => {
    const { settings, opened } = settingsFor(url)
    expect(openSession(settings).credentials.name).toContain('application default credentials')
    openWritingHttp(settings)
    expect(opened.map(({ base }) => base)).toEqual([new URL(url).origin, new URL(url).origin])
  })

  it('tries nothing but what the configuration names', () => {
    const { settings } = settingsFor('https://gcr.io', { hasOwnCredentials: true, credentials: token })
    expect(openSession(settings).credentials).toBe(token)
  })

  it.each([
    ['https://gcr.io/shop', 'https://gcr.io', 'shop'],
    ['https://us-docker.pkg.dev/shop/apps/', 'https://us-docker.pkg.dev', 'shop/apps'],
    ['https://gcr.io/v2/', 'https://gcr.io', undefined],
    ['https://gcr.io', 'https://gcr.io', undefined],
  ])('reads %s as a host and a name below it', (url, baseUrl, root) => {
    const { settings } = settingsFor(url)
    const session = openSession(settings)
    expect(session).toMatchObject({ baseUrl })
    expect(session.root).toBe(root)
  })

  it('asks the API of Google for a host of Google’s, another where one is named, and none elsewhere', async () => {
    const asked = async (url: string, changes: Partial<DriverSettings> = {}) => {
      const { settings, opened } = settingsFor(url, {
        hasOwnCredentials: true,
        credentials: token,
        ...changes,
      })
      const api = await openSession(settings).openApi()
      return api === undefined ? undefined : opened.map(({ base, authorization }) => [base, authorization])
    }
    expect(await asked('https://gcr.io')).toEqual([['https://artifactregistry.googleapis.com', 'static']])
    const apiUrl = 'https://api.example.com'
    expect(await asked('https://mirror.example.com', { apiUrl })).toEqual([[apiUrl, 'static']])
    expect(await asked('https://mirror.example.com')).toBeUndefined()
    expect(await asked('https://gcr.io', { credentials: docker })).toBeUndefined()
    const robot: CredentialSource = {
      get: async () => ({ kind: 'basic', username: 'robot', password: 'x' }),
    }
    expect(await asked('https://gcr.io', { credentials: robot })).toBeUndefined()
    expect(await asked('https://gcr.io', { credentials: robot, apiCredentials: token })).toHaveLength(1)
  })
})
