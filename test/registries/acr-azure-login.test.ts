/** The Azure login, by Azure's own library: a managed identity as App Service gives it, over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { json, startFakeServer, type FakeServer } from '../fakes/fake-server.ts'
import { openAcrLab, type AcrLab } from './acr-lab.ts'

const repository = parseRepositoryName('team/app') as RepositoryName
const azureToken = `aad-${'t'.repeat(30)}`
const variables = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'AZURE_TOKEN_CREDENTIALS'] as const

let endpoint: FakeServer
let lab: AcrLab
const before = new Map<string, string | undefined>()

beforeEach(async () => {
  endpoint = await startFakeServer(({ headers }) =>
    headers['x-identity-header'] === 'the header'
      ? json(200, {
          access_token: azureToken,
          expires_on: `${Math.floor(Date.now() / 1000) + 3600}`,
          resource: 'https://containerregistry.azure.net',
          token_type: 'Bearer',
        })
      : json(401, {}),
  )
  // The library reads the environment of the program.
  for (const name of variables) before.set(name, process.env[name])
  process.env['IDENTITY_ENDPOINT'] = `${endpoint.url}/msi/token`
  process.env['IDENTITY_HEADER'] = 'the header'
  process.env['AZURE_TOKEN_CREDENTIALS'] = 'ManagedIdentityCredential'
})

afterEach(async () => {
  await lab.stop()
  await endpoint.stop()
  for (const [name, value] of before) {
    if (value === undefined) Reflect.deleteProperty(process.env, name)
    else process.env[name] = value
  }
})

async function seeded(azureTokens: ReadonlySet<string>): Promise<void> {
  lab = await openAcrLab(
    { azureTokens },
    { credentials: { get: async () => undefined }, settings: { hasOwnCredentials: false } },
  )
  await seedGraph(lab.seeder, repository, [])
  lab.server.forgetRequests()
}

describe('a registry of Azure without credentials of its own', () => {
  it('is logged in to with the Azure login, exchanged once, each token shown to its own host alone', async () => {
    await seeded(new Set([azureToken]))
    expect(await lab.reader.listRepositories()).toEqual([repository])
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
    const exchanges = lab.server.requests.filter(({ url }) => url.pathname === '/oauth2/exchange')
    expect(exchanges.map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString())))).toEqual([
      { grant_type: 'access_token', service: lab.server.host, access_token: azureToken },
    ])
    const asked = endpoint.requests.map(({ url }) => url.searchParams.get('resource'))
    expect(new Set(asked)).toEqual(new Set(['https://containerregistry.azure.net']))
    for (const { headers } of endpoint.requests) expect(headers.authorization).toBeUndefined()
    for (const { headers } of lab.server.requests)
      expect(headers.authorization ?? '').not.toContain(azureToken)
  })

  it('goes on when its refresh token has run out', async () => {
    await seeded(new Set([azureToken]))
    await lab.reader.readRepository(repository)
    lab.server.tokens.expireAll()
    expect((await lab.reader.readRepository(repository)).complete).toBe(true)
  })

  it('says that the registry does not take the login, and shows no token', async () => {
    await seeded(new Set())
    const { complete, problems } = await lab.reader.readRepository(repository)
    expect([complete, problems.join()]).toEqual([
      false,
      expect.stringContaining('does not take this Azure login'),
    ])
    expect(problems.join()).not.toContain(azureToken)
  })
})
