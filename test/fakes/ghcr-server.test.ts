/** The fake of GitHub holds to what GitHub's description of its API says. */
import { afterEach, describe, expect, it } from 'vitest'
import { startGitHubServer, type GitHubServer } from './ghcr-server.ts'

const servers: GitHubServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

const indexType = 'application/vnd.oci.image.index.v1+json'

async function start(): Promise<{
  readonly server: GitHubServer
  readonly api: (path: string, method?: string) => Promise<Response>
}> {
  const server = await startGitHubServer({ pageSize: 2 })
  servers.push(server)
  server.state.tokens.set('secret-token', { login: 'octo', scopes: ['read:packages', 'delete:packages'] })
  for (const n of ['1', '2', '3'])
    server.state.put('acme/app', Buffer.from(`{"schemaVersion":2,"manifests":[],"n":${n}}`), indexType, n)
  const headers = { authorization: 'Bearer secret-token' }
  return { server, api: (path, method = 'GET') => fetch(`${server.url}/api/v3${path}`, { method, headers }) }
}

interface Row {
  readonly id: number
  readonly name: string
  readonly metadata: { readonly container: { readonly tags: readonly string[] } }
}

describe('the fake of GitHub', () => {
  it('lists versions newest first, by pages that name the next and the last', async () => {
    const { api } = await start()
    const answer = await api('/orgs/acme/packages/container/app/versions?per_page=100')
    const rows = (await answer.json()) as readonly Row[]
    expect(rows.map((row) => row.metadata.container.tags)).toEqual([['3'], ['2']])
    expect(answer.headers.get('link')).toMatch(/page=2>; rel="next", <.*page=2>; rel="last"/)
    expect(answer.headers.get('x-oauth-scopes')).toBe('read:packages, delete:packages')
  })

  it('deletes into the bin, never the last tagged version, and answers without a body', async () => {
    const { api, server } = await start()
    const ids = [...(server.state.packages.get('acme/app' as never)?.versions.keys() ?? [])]
    const path = '/orgs/acme/packages/container/app/versions'
    for (const id of ids.slice(0, 2)) expect((await api(`${path}/${id}`, 'DELETE')).status).toBe(204)
    const refused = await api(`${path}/${ids[2] ?? 0}`, 'DELETE')
    expect(refused.status).toBe(400)
    const bin = (await (await api(`${path}?state=deleted`)).json()) as readonly Row[]
    expect(bin.map(({ id }) => id).toSorted()).toEqual(ids.slice(0, 2))
  })

  it('knows nobody without a token, and no organisation that is a user', async () => {
    const { api, server } = await start()
    expect((await fetch(`${server.url}/api/v3/user`)).status).toBe(401)
    server.state.users.add('acme')
    expect((await api('/orgs/acme/packages?package_type=container')).status).toBe(404)
    expect((await api('/users/acme/packages?package_type=container')).status).toBe(200)
  })

  it('gives tokens of the registry for their scope alone, and deletes nothing there', async () => {
    const { server } = await start()
    const basic = Buffer.from('anything:secret-token').toString('base64')
    const issued = await fetch(`${server.url}/token?scope=repository:acme/app:pull`, {
      headers: { authorization: `Basic ${basic}` },
    })
    const { token } = (await issued.json()) as { readonly token: string }
    const ask = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`${server.url}/v2/${path}`, { method, headers: { authorization: `Bearer ${token}` } }))
        .status
    expect(await ask('acme/app/manifests/1')).toBe(200)
    expect(await ask('acme/other/manifests/1')).toBe(401)
    expect(await ask('acme/app/manifests/1', 'DELETE')).toBe(405)
    expect(await ask('acme/app/blobs/uploads/', 'POST')).toBe(401)
  })
})
