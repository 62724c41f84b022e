/** The fake of GitLab holds to what GitLab documents. */
import { afterEach, describe, expect, it } from 'vitest'
import { startGitLabServer, type GitLabServer, type GitLabServerOptions } from './gitlab-server.ts'

const servers: GitLabServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

const indexType = 'application/vnd.oci.image.index.v1+json'

interface Started {
  readonly server: GitLabServer
  /** Asks the registry with a token for this scope. */
  readonly ask: (scope: string, path: string, method?: string) => Promise<Response>
}

async function start(
  options: GitLabServerOptions = {},
  scopes = ['read_registry', 'write_registry'],
): Promise<Started> {
  const server = await startGitLabServer(options)
  servers.push(server)
  server.state.tokens.set('secret-token', { scopes })
  for (const tag of ['1', '2', '3'])
    server.state.put('team/app', Buffer.from('{"schemaVersion":2,"manifests":[]}'), indexType, tag)
  const basic = `Basic ${Buffer.from('user:secret-token').toString('base64')}`
  return {
    server,
    ask: async (scope, path, method = 'GET') => {
      const issued = await fetch(`${server.url}/jwt/auth?scope=${scope}`, {
        headers: { authorization: basic },
      })
      const { token } = (await issued.json()) as { readonly token: string }
      return fetch(`${server.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        redirect: 'manual',
      })
    },
  }
}

describe('the fake of GitLab', () => {
  it('pages its own list of tags, wants the slash at its end, and has it with a database alone', async () => {
    const { ask } = await start({ pageSize: 2 })
    const list = '/gitlab/v1/repositories/team/app/tags/list'
    const first = await ask('repository:team/app:pull', `${list}/?n=1000`)
    expect(((await first.json()) as readonly { readonly name: string }[]).map(({ name }) => name)).toEqual([
      '1',
      '2',
    ])
    expect(first.headers.get('link')).toContain('last=2')
    expect((await ask('repository:team/app:pull', list)).status).toBe(301)
    const other = await start({ hasDatabase: false })
    expect((await other.ask('repository:team/app:pull', `${list}/`)).status).toBe(404)
    expect((await fetch(`${other.server.url}/gitlab/v1/`)).status).toBe(404)
  })

  it('names its token server, and grants what the token may do without a word about the rest', async () => {
    const { server, ask } = await start({}, ['read_registry'])
    const challenge = (await fetch(`${server.url}/v2/`)).headers.get('www-authenticate')
    expect(challenge).toContain(`realm="${server.url}/jwt/auth",service="container_registry"`)
    expect((await ask('repository:team/app:pull,delete', '/v2/team/app/manifests/1')).status).toBe(200)
    expect((await ask('repository:team/app:pull,delete', '/v2/team/app/manifests/1', 'DELETE')).status).toBe(
      401,
    )
  })

  it('deletes tags that no rule protects, and keeps manifests', async () => {
    const { server, ask } = await start()
    server.state.projects.set('team/app', [
      { tag_name_pattern: '^1$', minimum_access_level_for_push: null, minimum_access_level_for_delete: null },
    ])
    const scope = 'repository:team/app:pull,delete'
    expect((await ask(scope, '/v2/team/app/manifests/1', 'DELETE')).status).toBe(403)
    expect((await ask(scope, '/v2/team/app/manifests/2', 'DELETE')).status).toBe(202)
    expect((await ask(scope, '/v2/team/app/manifests/2')).status).toBe(404)
    expect(server.state.store.repositories.get('team/app' as never)?.manifests.size).toBe(1)
  })

  it('shows repositories and rules to those who may see them', async () => {
    const { server } = await start({}, ['read_api'])
    const ask = async (path: string, secret?: string): Promise<number> =>
      (
        await fetch(
          `${server.url}/api/v4${path}`,
          secret === undefined ? {} : { headers: { authorization: `Bearer ${secret}` } },
        )
      ).status
    expect(await ask('/groups/team/registry/repositories', 'secret-token')).toBe(200)
    expect(await ask('/groups/other/registry/repositories', 'secret-token')).toBe(404)
    expect(await ask('/projects/team%2Fapp/registry/protection/tag/rules', 'secret-token')).toBe(200)
    expect(await ask('/projects/team%2Fapp/registry/protection/tag/rules')).toBe(404)
    expect(await ask('/groups', 'wrong')).toBe(401)
  })
})
