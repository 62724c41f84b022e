import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestTypes } from '../../src/core/image/media-types.ts'
import { sampleWorld } from '../../src/app/demo/sample-world.ts'
import { writeSampleFiles } from '../../src/adapters/storage/filesystem/write-sample.ts'
import { missing, titled } from '../servers/find.ts'
import { startDockerRegistry, type DockerRegistry } from '../servers/docker-registry.ts'
import { pullWhole } from '../servers/push.ts'
import { makeFolder, open, removeFolder, repo, tagsIn } from './world.ts'

const now = Date.parse('2026-06-15T12:00:00Z')
let dir = ''

beforeAll(async () => {
  dir = await makeFolder()
  await writeSampleFiles(dir, sampleWorld(now, false).files)
})
afterAll(() => removeFolder(dir))

describe('the sample world on disk', () => {
  it('is read in full, repository by repository', async () => {
    const { reader } = open(join(dir, 'registry'))
    const rows: Record<string, unknown>[] = []
    for (const name of await reader.listRepositories()) {
      const { manifests, complete, problems } = await reader.readRepository(name)
      const children = new Set(manifests.flatMap((manifest) => manifest.children))
      const roots = manifests.filter(({ digest, subject }) => !children.has(digest) && subject === undefined)
      const untagged = roots.filter(({ tags }) => tags.length === 0)
      rows.push({
        name,
        complete,
        problems: problems.length,
        manifests: manifests.length,
        tags: manifests.flatMap(({ tags }) => tags).length,
        roots: roots.length,
        untagged: untagged.length,
      })
    }
    expect(rows).toMatchInlineSnapshot(`
      [
        {
          "complete": true,
          "manifests": 40,
          "name": "base/debian",
          "problems": 0,
          "roots": 8,
          "tags": 8,
          "untagged": 0,
        },
        {
          "complete": true,
          "manifests": 5,
          "name": "charts/shop",
          "problems": 0,
          "roots": 5,
          "tags": 5,
          "untagged": 0,
        },
        {
          "complete": true,
          "manifests": 135,
          "name": "team/api",
          "problems": 0,
          "roots": 135,
          "tags": 119,
          "untagged": 17,
        },
        {
          "complete": true,
          "manifests": 171,
          "name": "team/web",
          "problems": 0,
          "roots": 78,
          "tags": 81,
          "untagged": 0,
        },
        {
          "complete": true,
          "manifests": 40,
          "name": "team/worker",
          "problems": 0,
          "roots": 40,
          "tags": 29,
          "untagged": 12,
        },
      ]
    `)
  })

  it('tells upload times by the files, also of images that claim to be from 1970', async () => {
    const { reader } = open(join(dir, 'registry'))
    const { manifests } = await reader.readRepository(repo('team/worker'))
    const newest = manifests.find(({ tags }) => tags.some(({ name }) => name === '1.6.0'))
    expect(newest).toMatchObject({ createdAt: 0, pushedAt: now - 2 * 86_400_000, platform: 'linux/amd64' })
    expect(newest?.tags[0]?.pushedAt).toBe(now - 2 * 86_400_000)
  })

  it('is not written over what is there', async () => {
    const folder = join(dir, 'twice')
    await mkdir(folder)
    const files = [{ path: 'a/b', bytes: Buffer.from('x'), modifiedAt: now }]
    await writeSampleFiles(folder, files)
    await expect(writeSampleFiles(folder, files)).rejects.toThrow('EEXIST')
  })
})

describe.skipIf(missing('docker-registry'))(
  titled('the sample world behind a real registry', 'docker-registry'),
  () => {
    let server: DockerRegistry
    beforeAll(async () => {
      server = await startDockerRegistry({ storageDir: join(dir, 'registry') })
    })
    afterAll(() => server.stop())

    it('has the same tags on the same digests as we read from the files', async () => {
      const { reader } = open(join(dir, 'registry'))
      const { repositories } = (await (await fetch(`${server.url}/v2/_catalog?n=1000`)).json()) as {
        repositories: string[]
      }
      expect(await reader.listRepositories()).toEqual(repositories)
      for (const repository of repositories) {
        const answer = (await (await fetch(`${server.url}/v2/${repository}/tags/list`)).json()) as {
          tags: string[]
        }
        const ours = tagsIn(await reader.readRepository(repo(repository)))
        expect(Object.keys(ours).toSorted()).toEqual(answer.tags.toSorted())
        for (const [tag, digest] of Object.entries(ours))
          expect(await headDigest(repository, tag)).toBe(digest)
      }
    })

    it.each([
      ['base/debian', '12.1'],
      ['charts/shop', '0.3.1'],
      ['team/api', 'main'],
      ['team/web', '2.3.1'],
      ['team/web', 'pr-417'],
      ['team/worker', 'stable-2024'],
    ])('serves %s:%s whole', async (repository, tag) => {
      expect((await pullWhole(server.url, repository, tag)).blobs.length).toBeGreaterThan(1)
    })

    async function headDigest(repository: string, tag: string): Promise<string | null> {
      const accept = manifestTypes.join(', ')
      const answer = await fetch(`${server.url}/v2/${repository}/manifests/${tag}`, {
        method: 'HEAD',
        headers: { accept },
      })
      return answer.headers.get('docker-content-digest')
    }
  },
)
