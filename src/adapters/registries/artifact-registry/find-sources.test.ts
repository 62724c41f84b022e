/** Where the API finds what Google's own hosts serve. */
import { afterEach, describe, expect, it } from 'vitest'
import { startGoogleServer, type GoogleServer } from '../../../../test/fakes/google-server.ts'
import { googlePlace } from '../../../core/evidence/google-names.ts'
import type { RegistryName } from '../../../core/image/names.ts'
import { createHttpClient } from '../../http/client.ts'
import { ArtifactApi } from './artifact-api.ts'
import { findSources } from './find-sources.ts'
import { otherThanProject, rootsOf } from './roots.ts'

let server: GoogleServer | undefined

afterEach(async () => {
  await server?.stop()
})

async function found(host: string, root: string): Promise<readonly string[] | undefined> {
  server = await startGoogleServer({
    repositories: [
      { project: 'shop', id: 'gcr.io', names: 'shop' },
      { project: 'shop', id: 'apps' },
      { project: 'shop', id: 'eu.gcr.io', location: 'europe', names: 'shop' },
      { project: 'shop', id: 'tools', location: 'us-central1' },
      { project: 'example.com/shop', id: 'gcr.io', names: 'example.com/shop' },
    ],
  })
  const http = createHttpClient({ base: server.url, environment: {} })
  const api = new ArtifactApi({ name: 'test' as RegistryName, base: `${server.url}/v1/`, http })
  const sources = await findSources(api, { host, place: googlePlace(host) }, root, {})
  await http.close()
  return sources?.map(({ resource, names }) => `${names} is ${resource}`)
}

const US = 'projects/shop/locations/us/repositories'

describe('findSources', () => {
  it.each([
    ['gcr.io', 'shop', [`shop is ${US}/gcr.io`]],
    ['eu.gcr.io', 'shop', ['shop is projects/shop/locations/europe/repositories/eu.gcr.io']],
    ['us-docker.pkg.dev', 'shop', [`shop/gcr.io is ${US}/gcr.io`, `shop/apps is ${US}/apps`]],
    ['us-docker.pkg.dev', 'shop/apps', [`shop/apps is ${US}/apps`]],
    [
      'us-central1-docker.pkg.dev',
      'shop',
      ['shop/tools is projects/shop/locations/us-central1/repositories/tools'],
    ],
  ])('finds at %s below %s', async (host, root, sources) => {
    expect(await found(host, root)).toEqual(sources)
  })

  it('encodes a project within a domain', async () => {
    expect(await found('gcr.io', 'example.com/shop')).toEqual([
      'example.com/shop is projects/example.com%3Ashop/locations/us/repositories/gcr.io',
    ])
  })

  it('finds nothing where there is no such repository', async () => {
    expect(await found('us-docker.pkg.dev', 'shop/nothing')).toEqual([])
    expect(await found('asia.gcr.io', 'shop')).toEqual([])
  })

  it.each([
    ['gcr.io', 'shop/web'],
    ['us-docker.pkg.dev', 'shop/apps/web'],
  ])('leaves what lies within a repository to its own list: %s/%s', async (host, root) => {
    expect(await found(host, root)).toBeUndefined()
  })

  it('says that a project cannot be seen', async () => {
    await expect(found('gcr.io', 'foreign')).rejects.toMatchObject({ status: 403 })
  })
})

describe('rootsOf', () => {
  it('takes what the address names, and it alone', () => {
    expect(rootsOf('shop/apps', ['shop', 'other'])).toEqual(['shop/apps'])
  })

  it('takes the projects that policies name, unless one is half a name', () => {
    expect(rootsOf(undefined, ['shop', 'other'])).toEqual(['shop', 'other'])
    expect(rootsOf(undefined, ['shop', 'example.com'])).toBeUndefined()
    expect(rootsOf(undefined, undefined)).toBeUndefined()
  })

  it('knows when a repository is meant by name', () => {
    expect(otherThanProject(googlePlace('us-docker.pkg.dev'), 'shop')).toBe(false)
    expect(otherThanProject(googlePlace('us-docker.pkg.dev'), 'shop/apps')).toBe(true)
    expect(otherThanProject(googlePlace('gcr.io'), 'shop')).toBe(true)
  })
})
