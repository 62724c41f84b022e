/** Which line of Distribution this is: asked harmlessly, and taken for the older one where nothing tells. */
import { afterEach, describe, expect, it } from 'vitest'
import { json, startFakeServer, type Fault } from '../../../../test/fakes/fake-server.ts'
import { startCraneRegistry } from '../../../../test/servers/crane-registry.ts'
import { distributionBinaries, startDockerRegistry } from '../../../../test/servers/docker-registry.ts'
import { missing, titled } from '../../../../test/servers/find.ts'
import { pushBlob, pushManifest } from '../../../../test/servers/push.ts'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { ociManifestType } from '../../../core/image/media-types.ts'
import { parseRepositoryName, type RegistryName, type RepositoryName } from '../../../core/image/names.ts'
import { createHttpClient } from '../../http/client.ts'
import { OciConnection } from '../oci/connection.ts'
import { recogniseLine } from './recognise-line.ts'

const app = parseRepositoryName('team/app') as RepositoryName
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

function connectionTo(baseUrl: string): OciConnection {
  const http = createHttpClient({ base: baseUrl, retry: { attemptsMax: 2, backoffMs: 1 } })
  stops.push(() => http.close())
  return new OciConnection({ name: 'test' as RegistryName, baseUrl, http })
}

async function over(reply: Fault['reply']): Promise<OciConnection> {
  const server = await startFakeServer(() => json(404, {}))
  stops.push(() => server.stop())
  server.inject({ on: () => true, reply })
  return connectionTo(server.url)
}

const refusal = json(400, { errors: [{ code: 'PAGINATION_NUMBER_INVALID', message: 'x' }] })

describe('recogniseLine', () => {
  it.each<{ readonly name: string; readonly reply: Fault['reply']; readonly deletesTags: boolean }>([
    { name: '3, which refuses the page size', reply: refusal, deletesTags: true },
    { name: '2, which passes it over', reply: json(200, { tags: ['a'] }), deletesTags: false },
    { name: '2 for another refusal', reply: json(400, { errors: [{ code: 'X' }] }), deletesTags: false },
    { name: '2 for a server that breaks on the question', reply: 'reset', deletesTags: false },
    { name: '2 for a server that fails', reply: { status: 500 }, deletesTags: false },
  ])('takes it for $name', async ({ reply, deletesTags }) => {
    expect(await recogniseLine(await over(reply), app)).toMatchObject({ deleteByTag: deletesTags })
  })

  it('throws when it is cancelled', async () => {
    const asking = recogniseLine(await over(refusal), app, { signal: AbortSignal.abort() })
    await expect(asking).rejects.toBeInstanceOf(InterruptedError)
  })

  it.skipIf(missing(distributionBinaries.v3))(
    titled('knows the real Distribution 3, by a repository and by the catalog', distributionBinaries.v3),
    async () => {
      const server = await startDockerRegistry({ binary: 'v3' })
      stops.push(() => server.stop())
      for (const repository of [app, undefined])
        expect(await recogniseLine(connectionTo(server.url), repository)).toMatchObject({ deleteByTag: true })
    },
  )

  it.skipIf(missing('crane-registry'))(
    titled("does no harm to go-containerregistry's registry", 'crane-registry'),
    async () => {
      const server = await startCraneRegistry()
      stops.push(() => server.stop())
      const { digest, size } = await pushBlob(server.url, app, Buffer.from('{}'))
      const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest, size }
      const manifest = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [] }
      await pushManifest(server.url, app, Buffer.from(JSON.stringify(manifest)), ociManifestType, 'v1')
      expect(await recogniseLine(connectionTo(server.url), app)).toMatchObject({ deleteByTag: false })
      expect(server.logs()).not.toMatch(/panic/)
    },
  )
})
