/** Whose credentials are taken, in which order, and what becomes an OAuth token. */
import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startGoogleTokens, type GoogleTokenServer } from '../../../../test/fakes/google-tokens.ts'
import type { Credential, CredentialSource } from '../../http/credentials.ts'
import { googleChain, oauthTokens } from './credentials.ts'

const target = { host: 'us-docker.pkg.dev', path: 'shop/apps/web' }
const nothing: CredentialSource = { get: async () => undefined }
const docker: CredentialSource = {
  name: 'a login of Docker',
  get: async () => ({ kind: 'basic', username: '_json_key', password: 'of docker' }),
}
let server: GoogleTokenServer

beforeEach(async () => {
  server = await startGoogleTokens()
  vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '')
  vi.stubEnv('CLOUDSDK_CONFIG', '/nowhere')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server.stop()
})

async function folderWith(name: string, content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-google-'))
  await writeFile(join(folder, name), content)
  return folder
}

async function federationFile(): Promise<string> {
  const folder = await folderWith('subject', 'token of the other cloud')
  const file = join(folder, 'federation.json')
  const audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q'
  const document = {
    type: 'external_account',
    audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${server.url}/sts`,
    credential_source: { file: join(folder, 'subject') },
  }
  await writeFile(file, JSON.stringify(document))
  return file
}

describe('on a host of Google’s', () => {
  it('a file that the environment names comes first, with no more rights than wanted', async () => {
    const environment = { GOOGLE_APPLICATION_CREDENTIALS: await federationFile() }
    const read = googleChain({ docker, environment }, 'read')
    expect(await read.get(target)).toMatchObject({ kind: 'bearer' })
    await googleChain({ docker, environment }, 'write').get(target)
    const scopes = server.requests.map(({ body }) => new URLSearchParams(body.toString()).get('scope'))
    expect(scopes).toEqual([
      'https://www.googleapis.com/auth/cloud-platform.read-only',
      'https://www.googleapis.com/auth/cloud-platform',
    ])
  })

  it('a login of Docker’s to this host comes before what is merely found', async () => {
    expect(await googleChain({ docker, environment: {} }, 'read').get(target)).toMatchObject({
      password: 'of docker',
    })
    expect(server.requests).toEqual([])
  })

  it('the metadata server is asked where there is no login', { timeout: 30_000 }, async () => {
    vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present')
    vi.stubEnv('GCE_METADATA_HOST', server.host)
    const credential = await googleChain({ docker: nothing, environment: {} }, 'read').get(target)
    expect(credential).toMatchObject({ kind: 'bearer' })
  })

  it('gcloud’s own login comes last', async () => {
    const answer = { ServerURL: target.host, Username: '_dcgcloud_token', Secret: 'ya29.of-gcloud' }
    const script = `#!/bin/sh\ncat > /dev/null\necho '${JSON.stringify(answer)}'\n`
    const folder = await folderWith('docker-credential-gcloud', script)
    await chmod(join(folder, 'docker-credential-gcloud'), 0o755)
    const environment = { PATH: [folder, process.env['PATH'] ?? ''].join(delimiter) }
    const chain = googleChain({ docker: nothing, environment }, 'read')
    expect(await chain.get(target)).toMatchObject({ kind: 'basic', password: 'ya29.of-gcloud' })
    expect(await oauthTokens(chain, 'read').get(target)).toMatchObject({
      kind: 'bearer',
      token: 'ya29.of-gcloud',
    })
  })

  it('nobody is somebody without an account', async () => {
    expect(
      await googleChain({ docker: nothing, environment: { PATH: '/nowhere' } }, 'read').get(target),
    ).toBeUndefined()
  })
})

describe('an OAuth token', () => {
  const tokensOf = (credential: Credential) =>
    oauthTokens({ get: async () => credential }, 'read').get(target)

  it.each(['oauth2accesstoken', '_token', '_dcgcloud_token', '_dcgcr_2_1_8_token'])(
    'is the password of %s',
    async (username) => {
      expect(await tokensOf({ kind: 'basic', username, password: 'ya29.x' })).toMatchObject({
        kind: 'bearer',
        token: 'ya29.x',
      })
    },
  )

  it('is a token that the configuration names', async () => {
    expect(await tokensOf({ kind: 'bearer', token: 'ya29.x' })).toEqual({ kind: 'bearer', token: 'ya29.x' })
  })

  it('is not made of anybody else’s password', async () => {
    expect(await tokensOf({ kind: 'basic', username: 'robot', password: 'x' })).toBeUndefined()
    expect(await tokensOf({ kind: 'identity-token', token: 'x' })).toBeUndefined()
  })

  it.each([
    ['_json_key', 'not a key'],
    ['_json_key_base64', Buffer.from('not a key').toString('base64')],
  ])('cannot be made of a key of %s that is none, which is not quoted', async (username, password) => {
    const failed: unknown = await tokensOf({ kind: 'basic', username, password, origin: 'the file k' }).catch(
      (error: unknown) => error,
    )
    expect(failed).toMatchObject({
      message: 'The key from the file k is not that of a Google service account.',
    })
  })
})
