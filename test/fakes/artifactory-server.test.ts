/** The fake Artifactory does what the reference says of the real one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RepositoryName } from '../../src/core/image/names.ts'
import { seedGraph } from '../conformance/registry-fixture.ts'
import { seederOver } from '../registries/lab.ts'
import { artifactoryAdmin, startArtifactory, type ArtifactoryServer } from './artifactory-server.ts'

let server: ArtifactoryServer
const headers = { authorization: `Bearer ${artifactoryAdmin.secret}` }

beforeAll(async () => {
  server = await startArtifactory({ rowsMax: 2 })
  const seeder = seederOver(`http://${artifactoryAdmin.name}:${artifactoryAdmin.secret}@${server.host}`)
  await seedGraph(seeder, 'docker-local/team/app' as RepositoryName, [])
})
afterAll(() => server.stop())

const aql = (
  body: string,
  more: Record<string, string> = { 'content-type': 'text/plain' },
): Promise<Response> =>
  fetch(`${server.url}/artifactory/api/search/aql`, {
    method: 'POST',
    headers: { ...headers, ...more },
    body,
  })

it('demands a login, and text/plain for AQL', async () => {
  expect((await fetch(`${server.url}/artifactory/api/repositories`)).status).toBe(401)
  expect((await fetch(`${server.url}/v2/docker-local/team/app/tags/list`)).status).toBe(401)
  const json = { 'content-type': 'application/json' }
  expect((await aql('items.find({"repo":"docker-local"}).include("repo","path","name")', json)).status).toBe(
    415,
  )
})

it('trims answers and says so, and refuses to sort by other domains', async () => {
  const whole = (await (
    await aql('items.find({"repo":"docker-local"}).include("repo","path","name")')
  ).json()) as {
    results: unknown[]
    range: { notification?: string }
  }
  expect(whole.results).toHaveLength(2)
  expect(whole.range.notification).toContain('trimmed')
  const sorted = await aql(
    'items.find({"repo":"docker-local"}).include("repo","path","name","stat.downloads").sort({"$asc":["path"]}).limit(1)',
  )
  expect(sorted.status).toBe(400)
})

it('deletes by path and not by digest', async () => {
  const path = 'docker-local/team/app'
  expect(
    (await fetch(`${server.url}/v2/${path}/manifests/epoch`, { method: 'DELETE', headers })).status,
  ).toBe(406)
  const folder = `${server.url}/artifactory/${path}/epoch`
  expect((await fetch(folder, { method: 'DELETE', headers })).status).toBe(204)
  expect((await fetch(folder, { method: 'DELETE', headers })).status).toBe(404)
  expect((await fetch(`${server.url}/v2/${path}/manifests/epoch`, { headers })).status).toBe(404)
  const restore = `${server.url}/artifactory/api/trash/restore/${path}/epoch?to=${path}/epoch`
  expect((await fetch(restore, { method: 'POST', headers })).status).toBe(200)
  expect((await fetch(`${server.url}/v2/${path}/manifests/epoch`, { headers })).status).toBe(200)
})
