/** The fake Harbor does what is published of the real one. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seedGraph, type Graph } from '../conformance/registry-fixture.ts'
import { seederInto } from '../registries/harbor-lab.ts'
import { robot, startHarborServer, type HarborServer } from './harbor-server.ts'
import { repositoryNamed } from './harbor-state.ts'

const repository = repositoryNamed('team/a/b')
const artifacts = '/api/v2.0/projects/team/repositories/a%252Fb/artifacts'
let server: HarborServer
let graph: Graph

beforeAll(async () => {
  server = await startHarborServer({ pageSize: 4 })
  graph = await seedGraph(seederInto(server.state), repository, [])
})
afterAll(() => server.stop())

const basic = `Basic ${Buffer.from(`${robot.name}:${robot.secret}`).toString('base64')}`
const ask = (path: string, more: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, { headers: { authorization: basic }, ...more })
const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { errors: { code: string }[] }).errors[0]?.code

it('demands a login, and takes a request with a cookie for that of a browser', async () => {
  expect((await ask('/api/v2.0/repositories', { headers: {} })).status).toBe(401)
  const forged = await ask(`${artifacts}/latest`, {
    method: 'DELETE',
    headers: { authorization: basic, cookie: 'sid=1' },
  })
  expect([forged.status, await codeOf(forged)]).toEqual([403, 'FORBIDDEN'])
})

it('wants the slash of a repository encoded twice, and no more than a hundred rows', async () => {
  expect((await ask(artifacts)).status).toBe(200)
  expect((await ask(artifacts.replace('%252F', '%2F'))).status).toBe(404)
  expect((await ask(`${artifacts}?page_size=101`)).status).toBe(422)
})

it('shows what has a tag or no parent; with base=* the children too, and never an accessory', async () => {
  const digests = async (query: string): Promise<readonly string[]> => {
    const seen: string[] = []
    for (let path: string | undefined = `${artifacts}?page_size=100&${query}`; path !== undefined;) {
      const response: Response = await ask(path)
      seen.push(...((await response.json()) as { digest: string }[]).map(({ digest }) => digest))
      path = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    }
    return seen
  }
  const some = await digests('')
  const all = await digests('q=base%3D%2A')
  expect(some).toEqual(expect.arrayContaining([graph.index.digest, graph.orphan.digest]))
  expect(some).not.toContain(graph.amd64.digest)
  expect(all).toContain(graph.amd64.digest)
  expect(all).not.toContain(graph.signature.digest)
  expect(all).not.toContain(graph.referrer.digest)
})

it('refuses what an index holds, and deletes by tag over its API alone', async () => {
  const child = await ask(`${artifacts}/${graph.arm64.digest}`, { method: 'DELETE' })
  expect([child.status, await codeOf(child)]).toEqual([412, 'VIOLATE_FOREIGN_KEY_CONSTRAINT'])
  const token = await ask('/service/token?service=harbor-registry&scope=repository:team/a/b:delete')
  const { token: bearer } = (await token.json()) as { token: string }
  const byTag = await ask('/v2/team/a/b/manifests/latest', {
    method: 'DELETE',
    headers: { authorization: `Bearer ${bearer}` },
  })
  expect([byTag.status, await codeOf(byTag)]).toEqual([400, 'UNSUPPORTED'])
})
