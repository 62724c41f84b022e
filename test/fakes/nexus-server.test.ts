/** The fake Nexus does what the reference says of the real one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { seederOver } from '../registries/lab.ts'
import { nexusUser, startNexus, type NexusServer } from './nexus-server.ts'

let server: NexusServer
let graph: Graph
const basic = Buffer.from(`${nexusUser.name}:${nexusUser.password}`).toString('base64')
const headers = { authorization: `Basic ${basic}` }

beforeAll(async () => {
  server = await startNexus({ rowsMax: 5 })
  graph = await seedGraph(
    seederOver(`http://${nexusUser.name}:${nexusUser.password}@${server.host}`),
    'team/app' as RepositoryName,
    [],
  )
})
afterAll(() => server.stop())

const ask = (path: string, method = 'GET'): Promise<Response> =>
  fetch(`${server.url}${path}`, { method, headers })

interface Page {
  readonly items: readonly { readonly id: string; readonly version: string }[]
  readonly continuationToken: string | null
}

it('gives every component once, with a token for the next page and null at the end', async () => {
  const versions: string[] = []
  let token: string | null = ''
  while (token !== null) {
    const more = token === '' ? '' : `&continuationToken=${encodeURIComponent(token)}`
    const page = (await (
      await ask(`/service/rest/v1/components?repository=docker-hosted${more}`)
    ).json()) as Page
    versions.push(...page.items.map(({ version }) => version))
    token = page.continuationToken
  }
  expect(new Set(versions).size).toBe(versions.length)
  expect(versions).toEqual(expect.arrayContaining(['v1', 'latest', graph.arm64.digest]))
  expect((await ask('/service/rest/v1/components?repository=nothing')).status).toBe(404)
})

it('deletes one component; the layers stay', async () => {
  const found = (await (
    await ask('/service/rest/v1/search?repository=docker-hosted&docker.imageName=team/app')
  ).json()) as Page
  const [component] = found.items
  expect((await ask(`/service/rest/v1/components/${component?.id ?? ''}`, 'DELETE')).status).toBe(204)
  expect((await ask(`/service/rest/v1/components/${component?.id ?? ''}`, 'DELETE')).status).toBe(404)
  expect((await ask(`/v2/team/app/blobs/${graph.epoch.layers[0] ?? ''}`)).status).toBe(200)
})

it('demands Basic', async () => {
  expect((await fetch(`${server.url}/service/rest/v1/repositories`)).status).toBe(401)
  expect((await fetch(`${server.url}/v2/team/app/tags/list`)).status).toBe(401)
})
