/** The fake Quay does what is published of the real one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { seederInto } from '../registries/quay-lab.ts'
import { oauthToken, robot, startQuayServer, type QuayServer } from './quay-server.ts'

const repository = 'acme/app' as RepositoryName
let server: QuayServer
let graph: Graph

beforeAll(async () => {
  server = await startQuayServer({ pageSize: 4 })
  graph = await seedGraph(seederInto(server.state), repository, [])
})
afterAll(() => server.stop())

const basic = `Basic ${Buffer.from(`${robot.name}:${robot.token}`).toString('base64')}`
const api = (path: string, more: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}/api/v1/${path}`, { headers: { authorization: `Bearer ${oauthToken}` }, ...more })
const tags = async (query: string): Promise<readonly Record<string, unknown>[]> =>
  ((await (await api(`repository/acme/app/tag/?${query}`)).json()) as { tags: Record<string, unknown>[] })
    .tags

it('takes no robot at its API, and wants a namespace', async () => {
  expect((await api('repository?namespace=acme', { headers: { authorization: basic } })).status).toBe(401)
  expect((await api('repository')).status).toBe(400)
})

it('pages by number while there is more, and wants the slash at the end', async () => {
  const first = await api('repository/acme/app/tag/?onlyActiveTags=true&limit=100&page=1')
  expect(await first.json()).toMatchObject({ page: 1, has_additional: true })
  expect((await api('repository/acme/app/tag')).status).toBe(404)
})

it('keeps dead tags in the history, with cosign’s of what has no name any more, and brings a tag back', async () => {
  for (const tag of graph.index.tags)
    expect((await api(`repository/acme/app/tag/${tag}`, { method: 'DELETE' })).status).toBe(204)
  expect(await tags('onlyActiveTags=true&specificTag=v1')).toEqual([])
  expect(await tags(`onlyActiveTags=true&specificTag=${graph.signature.tags[0] ?? ''}`)).toEqual([])
  const [dead] = await tags('specificTag=v1')
  expect(dead).toMatchObject({ manifest_digest: graph.index.digest, end_ts: expect.any(Number) as number })
  expect(dead?.['expiration']).toMatch(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} -0000$/)
  const body = JSON.stringify({ manifest_digest: graph.index.digest })
  expect((await api('repository/acme/app/tag/v1/restore', { method: 'POST', body })).status).toBe(200)
  expect(await tags('onlyActiveTags=true&specificTag=v1')).toHaveLength(1)
})

it('ends every tag of a digest over /v2/, and knows none without', async () => {
  const scope = 'repository:acme/app:push'
  const answer = await fetch(`${server.url}/v2/auth?scope=${scope}`, { headers: { authorization: basic } })
  const { token } = (await answer.json()) as { token: string }
  const remove = (): Promise<Response> =>
    fetch(`${server.url}/v2/acme/app/manifests/${graph.epoch.digest}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
  expect((await remove()).status).toBe(202)
  expect((await remove()).status).toBe(404)
})
