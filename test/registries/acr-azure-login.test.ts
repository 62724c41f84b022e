/** The Azure login, by Azure's own library: a managed identity as App Service gives it, over HTTP. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { json, startFakeServer, type FakeServer } from '../fakes/fake-server.ts'
import { winnow } from '../support/winnow-in-process.ts'
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

async function seeded(azureTokens: ReadonlySet<string>, kindIsWritten = true): Promise<void> {
  lab = await openAcrLab(
    { azureTokens },
    { credentials: { get: async () => undefined }, settings: { hasOwnCredentials: false, kindIsWritten } },
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

describe('what only looks like a registry of Azure', () => {
  it('is shown nothing of the Azure login, and nobody asks Azure for one', async () => {
    await seeded(new Set([azureToken]), false)
    await expect(lab.reader.listRepositories()).rejects.toThrow('no credentials were found')
    expect(lab.opened.note).toContain('kind: acr')
    expect(endpoint.requests).toEqual([])
    expectNothingShown(lab.server)
  })

  it('is not told either where a run finds it by itself', async () => {
    await seeded(new Set([azureToken]))
    const folder = await mkdtemp(join(tmpdir(), 'winnow-acr-'))
    try {
      const config = join(folder, 'winnow.yaml')
      const written = (kind: string) =>
        writeFile(config, JSON.stringify({ version: 1, registries: { own: { url: lab.server.url, kind } } }))
      const run = () =>
        winnow(['inventory', '--config', config, '--state', join(folder, 'state')], { DOCKER_CONFIG: folder })
      await written('auto')
      const { code, events } = await run()
      expect([code, JSON.stringify(events)]).toEqual([6, expect.stringContaining('kind: acr')])
      expect(endpoint.requests).toEqual([])
      expectNothingShown(lab.server)
      await written('acr')
      expect(await run()).toMatchObject({ code: 0 })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

function expectNothingShown({ requests }: FakeServer): void {
  const shown = requests.map(
    ({ url, headers, body }) => `${url.href} ${JSON.stringify(headers)} ${body.toString()}`,
  )
  expect(shown.join('\n')).not.toContain(azureToken)
  expect(requests.filter(({ url }) => url.pathname === '/oauth2/exchange')).toEqual([])
}
