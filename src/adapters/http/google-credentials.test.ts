/** Google's real library against a fake of the places where it fetches tokens. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startGoogleTokens, type GoogleTokenServer } from '../../../test/fakes/google-tokens.ts'
import { googleCredentials, serviceAccountCredentials } from './google-credentials.ts'

const settings = { scopes: ['https://www.googleapis.com/auth/cloud-platform'], purpose: 'the test' }
const registry = { host: 'gcr.io', path: 'shop/web' }
let server: GoogleTokenServer | undefined

afterEach(async () => {
  vi.unstubAllEnvs()
  await server?.stop()
  server = undefined
})

/** A configuration of workload identity federation, as `gcloud iam workload-identity-pools create-cred-config` makes it. */
async function federation(): Promise<{ readonly GOOGLE_APPLICATION_CREDENTIALS: string }> {
  server = await startGoogleTokens()
  const folder = await mkdtemp(join(tmpdir(), 'winnow-google-'))
  const subject = join(folder, 'subject')
  await writeFile(subject, 'token of the other cloud')
  const file = join(folder, 'federation.json')
  await writeFile(
    file,
    JSON.stringify({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${server.url}/sts`,
      credential_source: { file: subject },
    }),
  )
  return { GOOGLE_APPLICATION_CREDENTIALS: file }
}

describe('application default credentials', () => {
  it('come from workload identity federation', async () => {
    const source = googleCredentials(settings, await federation())
    const credential = await source.get(registry)
    expect(credential).toMatchObject({ kind: 'bearer' })
    expect(server?.valid).toContain(credential?.kind === 'bearer' ? credential.token : '')
    expect(String(server?.requests[0]?.body)).toContain('cloud-platform')
  })

  // The library looks around for what kind of machine this is.
  it('come from the metadata server', { timeout: 30_000 }, async () => {
    server = await startGoogleTokens()
    vi.stubEnv('GCE_METADATA_HOST', server.host)
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    vi.stubEnv('CLOUDSDK_CONFIG', '/nowhere')
    const credential = await googleCredentials(settings, {}).get(registry)
    expect(server.valid).toContain(credential?.kind === 'bearer' ? credential.token : '')
  })

  it('are asked for once, and a refused token is replaced once for all who hold it', async () => {
    const source = googleCredentials(settings, await federation())
    const other = { ...registry, path: 'shop/api' }
    const first = await source.get(registry)
    expect(await source.get(other)).toEqual(first)
    const second = await source.get(registry, { refresh: true })
    expect(second).not.toEqual(first)
    expect(await source.get(other, { refresh: true })).toEqual(second)
    expect(await source.get(other, { refresh: true })).not.toEqual(second)
    expect(server?.requests).toHaveLength(3)
  })

  it('say what to do when there are none, or answer with none where that is asked for', async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '')
    vi.stubEnv('CLOUDSDK_CONFIG', '/nowhere')
    await expect(googleCredentials(settings, {}).get(registry)).rejects.toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      hint: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS') as string,
    })
    expect(await googleCredentials(settings, {}, 'answer').get(registry)).toBeUndefined()
  })

  it('that are there and do not work are an error, not an absence', async () => {
    const environment = { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere/key.json' }
    await expect(googleCredentials(settings, environment, 'answer').get(registry)).rejects.toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
    })
  })
})

describe('a service account’s key', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

  it.each(['', 'no JSON', '{"type":"authorized_user"}', '{"type":"service_account"}', '[]', 'null'])(
    'that is %j is refused without being quoted',
    (key) => {
      expect(() => serviceAccountCredentials(settings, key, 'the file k')).toThrow(
        'The key from the file k is not that of a Google service account.',
      )
    },
  )

  it('is read without a request', () => {
    const key = JSON.stringify({ type: 'service_account', client_email: 'w@shop.example', private_key })
    expect(serviceAccountCredentials(settings, key, 'the file k').name).toBe('the file k')
  })
})
