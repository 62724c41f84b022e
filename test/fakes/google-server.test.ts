/** The fake of Google's registry by itself: what the public reference says of it. */
import { afterEach, describe, expect, it } from 'vitest'
import { pushImage, pushIndex, pushReferrer } from '../servers/push.ts'
import { startGoogleServer, type GoogleServer, type GoogleServerOptions } from './google-server.ts'

const servers: GoogleServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

async function start(options: GoogleServerOptions = {}): Promise<GoogleServer> {
  const server = await startGoogleServer(options)
  servers.push(server)
  return server
}

async function ask(
  server: GoogleServer,
  path: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly link: string | null; readonly body: unknown }> {
  const response = await fetch(`${server.url}${path}`, init)
  const text = await response.text()
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, link: response.headers.get('link'), body }
}

describe('lists of tags', () => {
  it('hold every manifest with numbers as texts, and the folders below', async () => {
    const server = await start()
    const child = await pushImage(server.url, 'shop/apps/web', {})
    const index = await pushIndex(server.url, 'shop/apps/web', { tags: ['v1'], children: [child.descriptor] })
    expect((await ask(server, '/v2/shop/tags/list?n=10000')).body).toEqual({
      child: ['apps'],
      manifest: {},
      name: 'shop',
      tags: [],
    })
    const time = expect.stringMatching(/^\d{13}$/) as string
    expect((await ask(server, '/v2/shop/apps/web/tags/list?n=10000')).body).toMatchObject({
      manifest: {
        [child.digest]: { tag: [], timeUploadedMs: time, timeCreatedMs: '0' },
        [index.digest]: { tag: ['v1'], timeUploadedMs: time },
      },
      tags: ['v1'],
    })
  })

  it('go on with a link, and end early in silence without a number', async () => {
    const server = await start({ pageSize: 2 })
    for (let i = 0; i < 3; i += 1)
      await pushImage(server.url, 'shop/web', { tags: [`v${i}`], labels: { i: `${i}` } })
    const first = await ask(server, '/v2/shop/web/tags/list?n=10000')
    expect(first.link).toMatch(/^<\/v2\/shop\/web\/tags\/list\?n=10000&last=.*>; rel="next"$/)
    expect((await ask(server, '/v2/shop/web/tags/list')).link).toBeNull()
  })
})

describe('deletions', () => {
  const remove = async (server: GoogleServer, reference: string) => {
    const { status, body } = await ask(server, `/v2/shop/web/manifests/${reference}`, { method: 'DELETE' })
    return [status, (body as { errors: { code: string }[] } | undefined)?.errors[0]?.code]
  }

  it('are refused as long as a tag, an index or a referrer is left', async () => {
    const server = await start()
    const child = await pushImage(server.url, 'shop/web', {})
    const index = await pushIndex(server.url, 'shop/web', { tags: ['v1'], children: [child.descriptor] })
    const referrer = await pushReferrer(server.url, 'shop/web', child.descriptor)
    expect(await remove(server, index.digest)).toEqual([400, 'GOOGLE_MANIFEST_DANGLING_TAG'])
    expect(await remove(server, 'v1')).toEqual([202, undefined])
    expect(await remove(server, child.digest)).toEqual([400, 'GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE'])
    expect(await remove(server, index.digest)).toEqual([202, undefined])
    expect(await remove(server, child.digest)).toEqual([400, 'GOOGLE_MANIFEST_REFERRING_MANIFEST'])
    expect(await remove(server, referrer.digest)).toEqual([202, undefined])
    expect(await remove(server, child.digest)).toEqual([202, undefined])
    expect(await remove(server, child.digest)).toEqual([404, 'MANIFEST_UNKNOWN'])
  })
})

describe('logins', () => {
  it('give a token for one repository and its actions, which a reader may not delete with', async () => {
    const server = await start({ rightsOf: (token) => (token === 'ya29.r' ? 'reader' : undefined) })
    const basic = `Basic ${Buffer.from('oauth2accesstoken:ya29.r').toString('base64')}`
    const scope = 'repository:shop/web:pull,delete'
    const issued = await ask(server, `/v2/token?service=x&scope=${scope}`, {
      headers: { authorization: basic },
    })
    const authorization = `Bearer ${(issued.body as { token: string }).token}`
    expect((await ask(server, '/v2/shop/web/tags/list', { headers: { authorization } })).status).toBe(404)
    expect((await ask(server, '/v2/shop/api/tags/list', { headers: { authorization } })).status).toBe(401)
    const deletion = { method: 'DELETE', headers: { authorization } }
    expect((await ask(server, '/v2/shop/web/manifests/v1', deletion)).status).toBe(403)
  })

  it('are refused to who has no account', async () => {
    const server = await start({ rightsOf: () => undefined })
    expect((await ask(server, '/v2/shop/web/tags/list')).status).toBe(401)
    const basic = `Basic ${Buffer.from('oauth2accesstoken:x').toString('base64')}`
    expect((await ask(server, '/v2/token', { headers: { authorization: basic } })).status).toBe(401)
  })
})

describe('the API', () => {
  it('pages with tokens, and says 403 of projects that are not there', async () => {
    const repositories = ['a', 'b', 'c'].map((id) => ({ project: 'shop', id }))
    const server = await start({ repositories, pageSize: 2 })
    const path = '/v1/projects/shop/locations/us/repositories?pageSize=1000'
    const first = (await ask(server, path)).body as { repositories: unknown[]; nextPageToken: string }
    expect(first.repositories).toHaveLength(2)
    const next = await ask(server, `${path}&pageToken=${encodeURIComponent(first.nextPageToken)}`)
    expect(next.body).toMatchObject({ repositories: [{ format: 'DOCKER' }], nextPageToken: '' })
    expect((await ask(server, '/v1/projects/other/locations')).status).toBe(403)
  })
})
