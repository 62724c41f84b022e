/** The fake of Azure Container Registry does what the reference says of the real one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseRepositoryName, type RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { seederOver } from '../registries/lab.ts'
import { acrLogin, startAcrServer, type AcrServer } from './acr-server.ts'

const repository = parseRepositoryName('team/app') as RepositoryName
const list = `/acr/v1/${repository}/_manifests`
const basic = `Basic ${Buffer.from(`${acrLogin.username}:${acrLogin.password}`).toString('base64')}`
let server: AcrServer
let graph: Graph

beforeAll(async () => {
  server = await startAcrServer({ pageSize: 5, isAbac: true })
  graph = await seedGraph(seederOver(server.urlWithPassword), repository, [])
})
afterAll(() => server.stop())

const ask = (path: string, authorization: string | undefined, method = 'GET'): Promise<Response> =>
  fetch(server.url + path, { method, headers: authorization === undefined ? {} : { authorization } })

async function tokenFor(scope: string): Promise<string> {
  const query = new URLSearchParams({ service: server.host, scope })
  const response = await ask(`/oauth2/token?${query.toString()}`, basic)
  return `Bearer ${((await response.json()) as { access_token: string }).access_token}`
}

it('names its own token server and the scope that is missing', async () => {
  const anonymous = await ask(list, undefined)
  expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([
    401,
    `Bearer realm="${server.url}/oauth2/token",service="${server.host}",scope="repository:team/app:metadata_read"`,
  ])
  const pulling = await ask(list, await tokenFor('repository:team/app:pull'))
  expect(pulling.headers.get('www-authenticate')).toContain('error="insufficient_scope"')
  expect((await ask(list, await tokenFor('repository:team/app:metadata_read'))).status).toBe(200)
})

it('gives a token for a wildcard that allows nothing, where permissions are by repository', async () => {
  expect((await ask(list, await tokenFor('repository:*:metadata_read'))).status).toBe(401)
})

it('pages by relative links, each row once, times with seven digits', async () => {
  const seen: string[] = []
  for (let path: string | undefined = `${list}?n=4`; path !== undefined;) {
    const response: Response = await ask(path, basic)
    const { manifests } = (await response.json()) as { manifests: { digest: string; createdTime: string }[] }
    expect(manifests.length).toBeLessThanOrEqual(4)
    for (const { createdTime } of manifests) expect(createdTime).toMatch(/\.\d{7}Z$/)
    seen.push(...manifests.map(({ digest }) => digest))
    path = /^<(\/[^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1]
  }
  expect(seen.toSorted()).toEqual(
    Object.values(graph)
      .map(({ digest }) => digest)
      .toSorted(),
  )
})

it('removes a name alone, and a manifest with its names and referrers but not its children', async () => {
  expect((await ask(`/acr/v1/${repository}/_tags/epoch`, basic, 'DELETE')).status).toBe(202)
  expect((await ask(`/acr/v1/${repository}/_tags/epoch`, basic, 'DELETE')).status).toBe(404)
  expect((await ask(`${list}/${graph.epoch.digest}`, basic)).status).toBe(200)
  const there = async (digest: string): Promise<boolean> => (await ask(`${list}/${digest}`, basic)).ok
  expect((await ask(`/v2/${repository}/manifests/${graph.amd64.digest}`, basic, 'DELETE')).status).toBe(202)
  expect([await there(graph.referrer.digest), await there(graph.index.digest)]).toEqual([false, true])
  expect((await ask(`/v2/${repository}/manifests/${graph.index.digest}`, basic, 'DELETE')).status).toBe(202)
  expect([await there(graph.index.digest), await there(graph.arm64.digest)]).toEqual([false, true])
})

it('refuses to touch what is locked', async () => {
  server.state.setAttributes(repository, 'chart-1.0.0', { writeEnabled: false })
  for (const path of [
    `/acr/v1/${repository}/_tags/chart-1.0.0`,
    `/v2/${repository}/manifests/${graph.chart.digest}`,
  ]) {
    const refused = await ask(path, basic, 'DELETE')
    expect([refused.status, await refused.json()]).toMatchObject([
      405,
      { errors: [{ code: 'REGISTRY_DISALLOWED_OPERATION' }] },
    ])
  }
})
