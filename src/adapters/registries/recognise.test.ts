/** `kind: auto` against hosts, headers, logins and the public pages of products; and against those that only look alike. */
import { afterEach, describe, expect, it } from 'vitest'
import { startCraneRegistry } from '../../../test/servers/crane-registry.ts'
import { startDockerRegistry } from '../../../test/servers/docker-registry.ts'
import { missing, titled } from '../../../test/servers/find.ts'
import { json, startFakeServer, type FakeRequest, type FakeServer } from '../../../test/fakes/fake-server.ts'
import type { Reply } from '../../../test/fakes/oci-server.ts'
import type { RegistryName } from '../../core/image/names.ts'
import { createHttpClient } from '../http/client.ts'
import type { DriverSettings } from './driver.ts'
import { kindOfHost } from './recognise-hosts.ts'
import { recogniseRegistry, type RecognisedRegistry } from './recognise.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const credentials = { get: async () => ({ kind: 'basic', username: 'ci', password: 'pw-of-ci' }) as const }

async function recognised(baseUrl: string): Promise<RecognisedRegistry> {
  const openHttp: DriverSettings['openHttp'] = (client) => {
    const http = createHttpClient({ retry: { attemptsMax: 2, backoffMs: 1 }, ...client })
    stops.push(() => http.close())
    return http
  }
  const http = openHttp({ base: baseUrl, credentials })
  return recogniseRegistry({ name: 'prod' as RegistryName, baseUrl, http, openHttp })
}

/** A registry with these answers by path; what has none is a 404 of JSON. */
async function scripted(
  answers: Readonly<Record<string, Reply | ((request: FakeRequest) => Reply)>>,
): Promise<FakeServer> {
  const server = await startFakeServer((request) => {
    const answer = answers[request.url.pathname]
    if (typeof answer === 'function') return answer(request)
    return answer ?? json(404, { errors: [{ code: 'NOT_FOUND' }] })
  })
  stops.push(() => server.stop())
  return server
}

const version = { 'docker-distribution-api-version': 'registry/2.0' }
const bearer = (path: string, service: string): ((request: FakeRequest) => Reply) => {
  return ({ headers: { host = '' } }) =>
    json(401, {}, { ...version, 'www-authenticate': challenge(`http://${host}${path}`, service, host) })
}
const challenge = (realm: string, service: string, host: string): string =>
  `Bearer realm="${realm}",service="${service.replace('HOST', host)}"`
const goPage: Reply = {
  status: 404,
  headers: { ...version, 'content-type': 'text/plain; charset=utf-8' },
  body: '404 page not found\n',
}
const referrers = `/v2/winnow/referrers/sha256:${'0'.repeat(64)}`
const zotPage = json(200, { extensions: [{ name: '_zot', url: 'x', endpoints: [] }] })
const text = (body: string): Reply => ({ status: 200, headers: { 'content-type': 'text/html' }, body })

describe('kindOfHost', () => {
  it.each([
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'ecr'],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'ecr'],
    ['public.ecr.aws', 'ecr'],
    ['europe-docker.pkg.dev', 'artifact-registry'],
    ['eu.gcr.io', 'artifact-registry'],
    ['team.azurecr.io', 'acr'],
    ['registry-1.docker.io', 'docker-hub'],
    ['GHCR.io', 'ghcr'],
    ['registry.gitlab.com', 'gitlab'],
    ['quay.io', 'quay'],
    ['acme.jfrog.io', 'artifactory'],
    ['registry.example.com', undefined],
    ['ghcr.io.example.com', undefined],
    ['notgcr.io', undefined],
  ])('takes %s for %s', (host, kind) => {
    expect(kindOfHost(host)).toBe(kind)
  })
})

describe('recogniseRegistry', () => {
  it.each<{
    readonly name: string
    readonly kind: string
    readonly answers: Parameters<typeof scripted>[0]
    readonly by: string
    readonly requests: number
  }>([
    {
      name: 'GitLab by its header',
      kind: 'gitlab',
      answers: { '/v2/': json(401, {}, { 'gitlab-container-registry-version': '4.9.0-gitlab' }) },
      by: 'Gitlab-Container-Registry-Version',
      requests: 1,
    },
    {
      name: 'GitLab by its login',
      kind: 'gitlab',
      answers: { '/v2/': bearer('/jwt/auth', 'container_registry') },
      by: '/jwt/auth',
      requests: 1,
    },
    {
      name: 'Artifactory by a header',
      kind: 'artifactory',
      answers: { '/v2/': json(200, {}, { 'x-artifactory-id': 'x' }) },
      by: 'X-Artifactory-Id',
      requests: 1,
    },
    {
      name: 'Nexus by its server name',
      kind: 'nexus',
      answers: { '/v2/': json(200, {}, { server: 'Nexus/3.70.1 (OSS)' }) },
      by: 'Server',
      requests: 1,
    },
    {
      name: 'Nexus behind a proxy by the name of its login',
      kind: 'nexus',
      answers: {
        '/v2/': json(401, {}, { 'www-authenticate': 'BASIC realm="Sonatype Nexus Repository Manager"' }),
      },
      by: 'login',
      requests: 1,
    },
    {
      name: 'GitHub Enterprise Server',
      kind: 'ghcr',
      answers: { '/v2/': json(401, {}, { 'x-github-request-id': 'A:B' }) },
      by: 'X-Github-Request-Id',
      requests: 1,
    },
    {
      name: 'Azure',
      kind: 'acr',
      answers: { '/v2/': bearer('/oauth2/token', 'HOST') },
      by: '/oauth2/token',
      requests: 1,
    },
    {
      name: 'Trow with a login',
      kind: 'trow',
      answers: { '/v2/': bearer('/login', 'trow_registry') },
      by: '/login',
      requests: 1,
    },
    {
      name: 'Harbor',
      kind: 'harbor',
      answers: { '/v2/': bearer('/service/token', 'harbor-registry'), '/api/v2.0/ping': text('Pong') },
      by: '/api/v2.0/ping',
      requests: 2,
    },
    {
      name: 'Quay',
      kind: 'quay',
      answers: {
        '/v2/': bearer('/v2/auth', 'HOST'),
        '/api/v1/discovery': json(200, { swagger: '2.0', paths: { '/api/v1/repository': {} } }),
      },
      by: '/api/v1/discovery',
      requests: 2,
    },
    {
      name: 'Gitea',
      kind: 'gitea',
      answers: {
        '/v2/': bearer('/v2/token', 'container_registry'),
        '/api/v1/version': json(200, { version: '9.0.3+gitea-1.22.0' }),
      },
      by: '/api/v1/version',
      requests: 2,
    },
    {
      name: 'zot',
      kind: 'zot',
      answers: { '/v2/': json(200, {}, version), '/v2/_oci/ext/discover': zotPage },
      by: '/v2/_oci/ext/discover',
      requests: 2,
    },
    {
      name: 'CNCF Distribution',
      kind: 'distribution',
      answers: { '/v2/': json(200, {}, version), [referrers]: goPage },
      by: '/referrers/',
      requests: 3,
    },
    {
      name: 'Harbor behind a front that logs in',
      kind: 'harbor',
      answers: { '/v2/': json(200, {}), '/api/v2.0/ping': text('Pong') },
      by: '/api/v2.0/ping',
      requests: 3,
    },
    {
      name: 'Trow without a login',
      kind: 'trow',
      answers: {
        '/v2/': json(200, {}, version),
        '/': text('<h1>Welcome to Trow, the cluster registry</h1>'),
      },
      by: 'its answer to /',
      requests: 5,
    },
    {
      name: 'nothing in any OCI registry',
      kind: 'generic',
      answers: { '/v2/': json(200, {}) },
      by: 'no product that Winnow knows',
      requests: 4,
    },
    {
      name: 'nothing in pages that are the same for everything',
      kind: 'generic',
      answers: Object.fromEntries(
        ['/v2/', '/v2/_oci/ext/discover', referrers, '/api/v2.0/ping', '/'].map((path) => [
          path,
          json(200, ['fine'], version),
        ]),
      ),
      by: 'no product that Winnow knows',
      requests: 5,
    },
  ])('knows $name', async ({ kind, answers, by, requests }) => {
    const server = await scripted(answers)
    const found = await recognised(server.url)
    expect(found).toMatchObject({ kind, note: undefined })
    expect(found.by).toContain(by)
    expect(server.requests).toHaveLength(requests)
    expect(server.requests.every(({ method }) => method === 'GET')).toBe(true)
    // Nobody wanted a login below /v2/ that a question went to.
    expect(server.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })

  it.each([
    { service: 'harbor-registry', path: '/service/token', kind: 'harbor' },
    { service: 'HOST', path: '/v2/auth', kind: 'quay' },
    { service: 'container_registry', path: '/v2/token', kind: 'gitea' },
  ])(
    'says what a registry may be that logs in like $kind and has not its API',
    async ({ path, service, kind }) => {
      const server = await scripted({ '/v2/': bearer(path, service) })
      const found = await recognised(server.url)
      expect(found.kind).toBe('generic')
      expect(found.note).toContain(`set kind: ${kind}`)
    },
  )

  it('takes a front of another registry for no more than it is', async () => {
    const server = await scripted({
      '/v2/': json(401, {}, { 'www-authenticate': challenge('https://ghcr.io/token', 'ghcr.io', '') }),
    })
    const found = await recognised(server.url)
    expect(found).toMatchObject({ kind: 'generic' })
    expect(found.note).toContain('a front or a cache of that registry (kind: ghcr)')
    expect(server.requests).toHaveLength(1)
  })

  it('logs in for zot’s own page only where zot wants it', async () => {
    const login = json(401, {}, { 'www-authenticate': 'Basic realm="Authorization Required"' })
    const server = await scripted({
      '/v2/': login,
      '/v2/_oci/ext/discover': ({ headers }) => (headers.authorization === undefined ? login : zotPage),
    })
    expect((await recognised(server.url)).kind).toBe('zot')
    const [, ...rest] = server.requests.map(({ headers }) => headers.authorization !== undefined)
    expect(rest).toEqual([false, false, true])
  })

  it('gives no credentials to the API beside a registry', async () => {
    const login = json(401, {}, { 'www-authenticate': 'Basic realm="x"' })
    const server = await scripted({ '/v2/': login, '/api/v2.0/ping': login, '/': login })
    await recognised(server.url)
    const shown = server.requests.filter(({ headers }) => headers.authorization !== undefined)
    expect(shown.every(({ url }) => url.pathname.startsWith('/v2/'))).toBe(true)
  })

  it('takes a question that breaks the connection for one that says nothing', async () => {
    const server = await scripted({ '/v2/': json(200, {}, version), [referrers]: goPage })
    server.inject({ on: ({ url }) => url.pathname.includes('discover'), reply: 'reset' })
    expect((await recognised(server.url)).kind).toBe('distribution')
    expect(server.requests).toHaveLength(3)
  })

  it('passes over what another host answers', async () => {
    const elsewhere = await scripted({ '/api/v2.0/ping': text('Pong') })
    const server = await scripted({
      '/v2/': json(200, {}),
      '/api/v2.0/ping': { status: 302, headers: { location: `${elsewhere.url}/api/v2.0/ping` } },
    })
    expect((await recognised(server.url)).kind).toBe('generic')
  })

  it('throws when nobody answers at all', async () => {
    const server = await scripted({})
    server.inject({ on: () => true, reply: 'reset' })
    await expect(recognised(server.url)).rejects.toMatchObject({ code: expect.any(String) as string })
  })

  it.skipIf(missing('docker-registry'))(
    titled('knows the real Distribution', 'docker-registry'),
    async () => {
      const server = await startDockerRegistry()
      stops.push(() => server.stop())
      expect(await recognised(server.url)).toMatchObject({ kind: 'distribution', note: undefined })
    },
  )

  it.skipIf(missing('crane-registry'))(
    titled("takes go-containerregistry's registry for no Distribution, and leaves it well", 'crane-registry'),
    async () => {
      const server = await startCraneRegistry()
      stops.push(() => server.stop())
      expect(await recognised(server.url)).toMatchObject({ kind: 'generic' })
      expect(server.logs()).not.toMatch(/panic/)
    },
  )
})
