/** The fake Gitea does what the sources of the real one say. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { seederOver } from '../registries/lab.ts'
import { giteaUser, startGitea, type GiteaServer } from './gitea-server.ts'

let server: GiteaServer
let graph: Graph
const headers = { authorization: `token ${giteaUser.token}` }

beforeAll(async () => {
  server = await startGitea({ rowsMax: 5 })
  const seeder = seederOver(`http://${giteaUser.login}:${giteaUser.token}@${server.host}`)
  graph = await seedGraph(seeder, 'team/app' as RepositoryName, ['schema1', 'cache'])
})
afterAll(() => server.stop())

const ask = (path: string, method = 'GET'): Promise<Response> =>
  fetch(`${server.url}${path}`, { method, headers })

it('lists versions newest first, a page as long as it likes, with the total', async () => {
  const response = await ask('/api/v1/packages/team?type=container&page=1&limit=50')
  const rows = (await response.json()) as { id: number; version: string }[]
  expect(rows).toHaveLength(5)
  expect(response.headers.get('x-total-count')).toBe('12')
  expect(rows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id).toSorted((a, b) => b - a))
})

it('takes no personal access token as Bearer in the registry', async () => {
  expect((await ask('/v2/team/app/manifests/v1')).status).toBe(401)
  const basic = Buffer.from(`x:${giteaUser.token}`).toString('base64')
  const options = { headers: { authorization: `Basic ${basic}` } }
  expect((await fetch(`${server.url}/v2/team/app/manifests/V1`, options)).status).toBe(200)
})

it('deletes one version, and with the last one its layers', async () => {
  expect((await ask('/api/v1/packages/team/container/app/epoch', 'DELETE')).status).toBe(204)
  expect((await ask('/api/v1/packages/team/container/app/epoch', 'DELETE')).status).toBe(404)
  const held = server.state.store.repository('team/app' as RepositoryName)
  expect(held.blobs.has(graph.epoch.layers[0] ?? graph.epoch.digest)).toBe(false)
  expect(held.blobs.has(graph.amd64.layers[0] ?? graph.epoch.digest)).toBe(true)
})
