/** Amazon ECR's driver against moto: a second opinion on the shapes of requests and answers, by people who never saw our fake. */
import { createHash } from 'node:crypto'
import { CreateRepositoryCommand, ECRClient, PutImageCommand } from '@aws-sdk/client-ecr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Digest } from '../../src/core/image/digest.ts'
import { ociManifestType } from '../../src/core/image/media-types.ts'
import type { RepositoryName, TagName } from '../../src/core/image/names.ts'
import { missing, titled } from '../servers/find.ts'
import { startMoto, type Moto } from '../servers/moto.ts'
import { openLab, type RegistryLab } from './lab.ts'

const repository = 'team/app' as RepositoryName
const environment = {
  AWS_ACCESS_KEY_ID: 'testing',
  AWS_SECRET_ACCESS_KEY: 'testing',
  AWS_REGION: 'us-east-1',
}

describe.skipIf(missing('moto'))(titled('Amazon ECR by moto', 'moto'), () => {
  let moto: Moto
  let client: ECRClient
  let lab: RegistryLab
  let digests: ReadonlyMap<string, Digest>

  beforeAll(async () => {
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
    moto = await startMoto()
    client = new ECRClient({
      endpoint: moto.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
    })
    await client.send(new CreateRepositoryCommand({ repositoryName: repository }))
    digests = new Map([
      ['one', await push('one', ['1.0', '1.1', 'latest'])],
      ['two', await push('two', ['2.0'])],
      ['three', await push('three', ['3.0'])],
    ])
    const nothing = { fakes: [], seeder: { putBlob: refuse, putManifest: refuse } }
    lab = await openLab({ kind: 'ecr', url: moto.url, environment, ...nothing, stop: () => moto.stop() })
  }, 60_000)
  afterAll(async () => {
    client.destroy()
    await lab.stop()
  })

  async function push(name: string, tags: readonly string[]): Promise<Digest> {
    // Not an image, whose config would have to be pulled.
    const descriptor = { mediaType: 'application/vnd.example.thing', digest: digestOf(name), size: 3 }
    const document = {
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: descriptor,
      layers: [descriptor],
    }
    const imageManifest = JSON.stringify(document)
    // Left out, moto makes up a digest of its own.
    const imageDigest = digestOf(imageManifest)
    for (const imageTag of tags) {
      const image = { repositoryName: repository, imageManifest, imageTag, imageDigest }
      await client.send(new PutImageCommand(image))
    }
    return imageDigest
  }

  it('lists the repository, its images, tags and times, and reads the manifests', async () => {
    expect(await lab.reader.listRepositories()).toEqual([repository])
    const { complete, problems, manifests } = await lab.reader.readRepository(repository)
    expect([complete, problems]).toEqual([true, []])
    expect(new Map(manifests.map(({ digest, tags }) => [digest, tags.map(({ name }) => name)]))).toEqual(
      new Map([
        [digests.get('one'), ['1.0', '1.1', 'latest']],
        [digests.get('two'), ['2.0']],
        [digests.get('three'), ['3.0']],
      ]),
    )
    const minute = 60_000
    for (const { pushedAt } of manifests) expect(Math.abs((pushedAt ?? 0) - Date.now())).toBeLessThan(minute)
    expect((await lab.reader.readRepository('no/such' as RepositoryName)).manifests).toEqual([])
  })

  it('resolves tags, and tells what is not there', async () => {
    expect(await lab.reader.resolveTag(repository, '2.0' as TagName)).toBe(digests.get('two'))
    expect(await lab.reader.resolveTag(repository, 'none' as TagName)).toBeUndefined()
    expect(await lab.reader.readManifest(repository, digestOf('nothing'))).toBeUndefined()
  })

  it('removes a tag and nothing else, and never the last one', async () => {
    expect(await lab.writer.untag(repository, '1.1' as TagName)).toEqual({ kind: 'done' })
    expect(await lab.writer.untag(repository, '1.1' as TagName)).toEqual({ kind: 'absent' })
    expect(await lab.writer.untag(repository, '2.0' as TagName)).toMatchObject({ reason: 'unsupported' })
    expect(await lab.reader.resolveTag(repository, '1.0' as TagName)).toBe(digests.get('one'))
    expect(await lab.reader.resolveTag(repository, '2.0' as TagName)).toBe(digests.get('two'))
  })

  it('deletes images with all their tags, each with its outcome', async () => {
    const asked = [digests.get('one'), digestOf('nothing'), digests.get('three')]
    const outcomes = await Promise.all(
      asked.map((digest) => lab.writer.deleteManifest(repository, digest as Digest)),
    )
    expect(outcomes).toEqual([{ kind: 'done' }, { kind: 'absent' }, { kind: 'done' }])
    const { manifests } = await lab.reader.readRepository(repository)
    expect(manifests.map(({ digest }) => digest)).toEqual([digests.get('two')])
  })

  it('finds that it may delete, without deleting', async () => {
    const probe = await lab.opened.createWriter().probe(repository)
    expect(probe).toEqual({ deletes: { state: 'yes' }, deleteByTag: true })
  })
})

async function refuse(): Promise<void> {
  throw new Error('moto has no distribution API')
}

function digestOf(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}` as Digest
}
