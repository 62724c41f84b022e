/** The fake of Docker Hub does what the reference says of the real one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { hubUser, startHubServers, type HubServers } from './hub-server.ts'

const repository = parseRepositoryName('acme/app') as RepositoryName
let servers: HubServers
let graph: Graph

function seederInto(store: RegistryStore): Parameters<typeof seedGraph>[0] {
  return {
    putBlob: async (name, bytes) => {
      store.repository(name).putBlob(bytes)
    },
    putManifest: async (name, bytes, mediaType, reference) => {
      store.repository(name).putManifest(bytes, mediaType, parseTagName(reference), 1)
    },
  }
}

beforeAll(async () => {
  servers = await startHubServers({ pageSize: 3 })
  graph = await seedGraph(seederInto(servers.state.store), repository, [])
})
afterAll(async () => {
  for (const fake of [servers.api, servers.tokens, servers.registry]) await fake.stop()
})

const headersOf = (authorization: string | undefined): Record<string, string> =>
  authorization === undefined ? {} : { authorization }
const ask = (path: string, authorization?: string, method = 'GET'): Promise<Response> =>
  fetch(servers.api.url + path, { method, headers: headersOf(authorization) })
const askRegistry = (path: string, authorization?: string, method = 'GET'): Promise<Response> =>
  fetch(servers.registry.url + path, { method, headers: headersOf(authorization) })

async function login(secret: string): Promise<Response> {
  const body = JSON.stringify({ identifier: hubUser.name, secret })
  return fetch(`${servers.api.url}/v2/auth/token`, { method: 'POST', body })
}

async function registryToken(actions: string): Promise<string> {
  const query = new URLSearchParams({
    service: 'registry.docker.io',
    scope: `repository:${repository}:${actions}`,
  })
  const basic = `Basic ${Buffer.from(`${hubUser.name}:${hubUser.secret}`).toString('base64')}`
  const response = await fetch(`${servers.tokens.url}/token?${query.toString()}`, {
    headers: { authorization: basic },
  })
  return `Bearer ${((await response.json()) as { token: string }).token}`
}

it('gives a token of the API for a login, and takes no other', async () => {
  expect((await login('wrong')).status).toBe(401)
  const { access_token: token } = (await (await login(hubUser.secret)).json()) as { access_token: string }
  const path = '/v2/namespaces/acme/repositories'
  expect((await ask(path, `Bearer ${token}`)).status).toBe(200)
  expect((await ask(path, await registryToken('pull'))).status).toBe(401)
  expect((await askRegistry('/v2/', `Bearer ${token}`)).status).toBe(401)
})

it('pages by number, and has no page beyond the last', async () => {
  const path = '/v2/namespaces/acme/repositories/app/tags?page_size=100'
  const names: string[] = []
  let pages = 0
  for (let next: string | null = `${servers.api.url}${path}&page=1`; next !== null;) {
    const body = (await (await fetch(next)).json()) as {
      next: string | null
      count: number
      results: { name: string }[]
    }
    expect(body.count).toBe(servers.state.store.repository(repository).tags.size)
    names.push(...body.results.map(({ name }) => name))
    next = body.next
    pages += 1
  }
  expect(new Set(names)).toEqual(new Set(servers.state.store.repository(repository).tags.keys()))
  expect((await ask(`${path}&page=${pages + 1}`)).status).toBe(404)
})

it('counts a manifest that is read as a pull, and not a HEAD', async () => {
  const token = await registryToken('pull')
  const before = servers.state.pulls
  await askRegistry(`/v2/${repository}/manifests/v1`, token, 'HEAD')
  expect(servers.state.pulls).toBe(before)
  expect(
    (await askRegistry(`/v2/${repository}/manifests/v1`, token)).headers.get('ratelimit-remaining'),
  ).toBe('150;w=21600')
  expect(servers.state.pulls).toBe(before + 1)
})

it('deletes a manifest by digest only, and only once nothing refers to it', async () => {
  const token = await registryToken('pull,push,delete')
  const remove = (reference: string): Promise<Response> =>
    askRegistry(`/v2/${repository}/manifests/${reference}`, token, 'DELETE')
  expect((await remove('epoch')).status).toBe(405)
  expect((await remove(graph.epoch.digest)).status).toBe(403)
  expect((await remove(graph.arm64.digest)).status).toBe(403)
  const { access_token: api } = (await (await login(hubUser.secret)).json()) as { access_token: string }
  const tag = '/v2/repositories/acme/app/tags/epoch'
  expect((await ask(tag, `Bearer ${api}`, 'DELETE')).status).toBe(404)
  expect((await ask(`${tag}/`, `Bearer ${api}`, 'DELETE')).status).toBe(204)
  expect((await remove(graph.epoch.digest)).status).toBe(202)
  expect((await remove(graph.epoch.digest)).status).toBe(404)
})
