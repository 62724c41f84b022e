import { afterEach, describe, expect, it } from 'vitest'
import { startDockerRegistry } from '../../../test/servers/docker-registry.ts'
import { missing, titled } from '../../../test/servers/find.ts'
import { startOciServer, type OciServerOptions } from '../../../test/fakes/oci-server.ts'
import type { RegistryName } from '../../core/image/names.ts'
import { createHttpClient } from '../http/client.ts'
import { kindOfHost, recogniseRegistry, type RecognisedRegistry } from './recognise.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function recognised(baseUrl: string): Promise<RecognisedRegistry> {
  const http = createHttpClient({ base: baseUrl })
  stops.push(() => http.close())
  return recogniseRegistry({ name: 'prod' as RegistryName, baseUrl, http })
}

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
  const zotExtensions = JSON.stringify({ extensions: [{ name: '_zot', url: 'x', endpoints: [] }] })
  const json = { 'content-type': 'application/json' }
  it.each<{
    readonly name: string
    readonly kind: string
    readonly intercept: OciServerOptions['intercept']
  }>([
    { name: 'any OCI registry', kind: 'generic', intercept: () => undefined },
    {
      name: 'zot by its extensions',
      kind: 'zot',
      intercept: ({ url }) =>
        url.includes('discover') ? { status: 200, headers: json, body: zotExtensions } : undefined,
    },
    {
      name: 'Artifactory by a header',
      kind: 'artifactory',
      intercept: () => ({ status: 200, headers: { ...json, 'x-artifactory-id': 'x' }, body: '{}' }),
    },
    {
      name: 'Nexus by its server name',
      kind: 'nexus',
      intercept: () => ({ status: 200, headers: { ...json, server: 'Nexus/3.70.1 (OSS)' }, body: '{}' }),
    },
    {
      name: 'a page that is not JSON as nothing special',
      kind: 'generic',
      intercept: ({ url }) =>
        url.includes('discover') ? { status: 200, headers: json, body: '[]' } : undefined,
    },
  ])('knows $name', async ({ kind, intercept }) => {
    const server = await startOciServer({ ...(intercept && { intercept }) })
    stops.push(() => server.stop())
    const found = await recognised(server.url)
    expect(found.kind).toBe(kind)
  })

  it.skipIf(missing('docker-registry'))(titled('knows CNCF Distribution', 'docker-registry'), async () => {
    const server = await startDockerRegistry()
    stops.push(() => server.stop())
    expect(await recognised(server.url)).toEqual({ kind: 'distribution', note: undefined })
  })

  it('sends nothing that could change a registry', async () => {
    const server = await startOciServer()
    stops.push(() => server.stop())
    await recognised(server.url)
    expect(server.requests.every((request) => request.startsWith('GET '))).toBe(true)
  })
})
