import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createMutableFileStore } from '../../src/adapters/storage/filesystem/write-files.ts'
import { createStorageWriter } from '../../src/adapters/registries/storage-distribution/storage-writer.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import {
  StorageWriteError,
  type MutableBlobStore,
  type StorageWriteObstacle,
} from '../../src/ports/mutable-blob-store.ts'
import type { MutableRegistry } from '../../src/ports/mutable-registry.ts'
import type { RawManifest } from '../../src/ports/readable-registry.ts'
import { layerLink } from '../../src/adapters/registries/storage-distribution/layout.ts'
import {
  distributionBinaries,
  startDockerRegistry,
  type DistributionLine,
  type DockerRegistry,
} from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { sha256 } from '../servers/registry-request.ts'
import { pullWhole, pushImage, pushMultiPlatform } from '../servers/push.ts'
import {
  app,
  at,
  configAndLayersOf,
  day,
  drop,
  put,
  writeSmallRegistry,
  type SmallRegistry,
} from './small-registry.ts'
import {
  digestOf,
  makeFolder,
  open,
  registryName,
  removeFolder,
  repo,
  snapshot,
  tag,
  tagsIn,
} from './world.ts'

const done = { kind: 'done' }
const absent = { kind: 'absent' }
let dir = ''
let small: SmallRegistry

beforeEach(async () => {
  dir = await makeFolder()
  small = await writeSmallRegistry(dir)
})
afterEach(() => removeFolder(dir))

async function saved(digest: Digest): Promise<RawManifest> {
  const raw = await open(dir).reader.readManifest(app, digest)
  if (raw === undefined) throw new Error(`${digest} is not there`)
  return raw
}

const read = () => open(dir).reader.readRepository(app)

describe('removing', () => {
  it('removes a tag with its folder, and nothing else', async () => {
    const before = await snapshot(dir)
    expect(await open(dir).writer.untag(app, tag('latest'))).toEqual(done)
    expect(await readdir(join(dir, at.tags))).toEqual(['0.9', '1.0', 'multi'])
    expect(tagsIn(await read())).toEqual({ '0.9': small.older, '1.0': small.release, multi: small.index })
    const gone = [...before.keys()].filter((path) => path.includes('/tags/latest/'))
    expect([...before.keys()].filter((path) => !gone.includes(path))).toEqual([
      ...(await snapshot(dir)).keys(),
    ])
    expect(await open(dir).writer.untag(app, tag('latest'))).toEqual(absent)
    expect(await open(dir).writer.untag(repo('no/where'), tag('latest'))).toEqual(absent)
  })

  it('removes what a killed registry left in a tag, which would be listed for ever', async () => {
    await put(dir, `${at.current('0.9')}.5f0c.tmp`, 'sha256:')
    expect(await open(dir).writer.untag(app, tag('0.9'))).toEqual(done)
    expect(await readdir(join(dir, at.tags))).not.toContain('0.9')
  })

  it('removes a manifest with every tag on it; bytes, blobs and other tags stay', async () => {
    const before = await snapshot(dir)
    expect(await open(dir).writer.deleteManifest(app, small.release)).toEqual(done)
    const { manifests, problems } = await read()
    expect(problems).toEqual([])
    expect(manifests.map(({ digest }) => digest)).not.toContain(small.release)
    expect(await readdir(join(dir, at.tags))).toEqual(['0.9', 'multi'])
    const after = await snapshot(dir)
    const gone = [...before.keys()].filter((path) => !after.has(path))
    expect(gone.every((path) => path.includes('/_manifests/'))).toBe(true)
    expect(gone).toHaveLength(1 + 2 * 2)
    expect(await open(dir).writer.deleteManifest(app, small.release)).toEqual(absent)
  })

  it('finishes what a crash between the link and its tags left', async () => {
    await drop(dir, at.revision(small.older))
    expect(await open(dir).reader.resolveTag(app, tag('0.9'))).toBeUndefined()
    expect(await open(dir).writer.deleteManifest(app, small.older)).toEqual(done)
    expect(await readdir(join(dir, at.tags))).not.toContain('0.9')
  })

  it('lets a push of the same manifest win that comes in between', async () => {
    const files = createMutableFileStore(dir)
    const store: MutableBlobStore = {
      ...files,
      remove: async (key, options) => {
        // The registry has read the link and is about to set the tag when we remove the one and list the other.
        if (key === at.revision(small.older)) await put(dir, at.current('pushed'), small.older)
        return files.remove(key, options)
      },
    }
    const writer = createStorageWriter({ name: registryName, store })
    expect(await writer.deleteManifest(app, small.older)).toMatchObject({
      kind: 'refused',
      reason: 'referenced',
    })
    const { problems, ...inventory } = await read()
    expect(problems).toEqual([])
    expect(tagsIn({ ...inventory, problems })).toMatchObject({ '0.9': small.older, pushed: small.older })
  })

  it('does nothing at all when one of the tags cannot be read', async () => {
    await put(dir, at.current('0.9'), 'rubbish')
    await expect(open(dir).writer.deleteManifest(app, small.release)).rejects.toMatchObject({
      code: 'STORAGE_CORRUPT',
    })
    expect(await stat(join(dir, at.revision(small.release)))).toBeDefined()
  })
})

describe('putting back', () => {
  it('restores every file byte for byte, and the times of what stayed', async () => {
    const before = await snapshot(dir)
    const { writer } = open(dir)
    const images = [small.release, small.older, small.untagged, small.index]
    const manifests = await Promise.all(images.map(saved))
    for (const digest of images) await writer.deleteManifest(app, digest)
    expect(tagsIn(await read())).toEqual({})
    const tags = [['1.0', 'latest'], ['0.9'], [undefined], ['multi']]
    for (const [i, manifest] of manifests.entries()) {
      for (const name of tags[i] ?? []) {
        expect(await writer.putManifest(app, manifest, name === undefined ? undefined : tag(name))).toEqual(
          done,
        )
      }
    }
    expect(await snapshot(dir)).toEqual(before)
  })

  it('leaves the upload time of a manifest that is there alone', async () => {
    const manifest = await saved(small.release)
    expect(await open(dir).writer.putManifest(app, manifest, tag('again'))).toEqual(done)
    const row = (await read()).manifests.find(({ digest }) => digest === small.release)
    expect(row?.pushedAt).toBe(day(1))
    expect(row?.tags.map(({ name }) => name)).toEqual(['1.0', 'again', 'latest'])
  })

  it('moves a tag, as a push does', async () => {
    expect(await open(dir).writer.putManifest(app, await saved(small.older), tag('latest'))).toEqual(done)
    expect(await open(dir).reader.resolveTag(app, tag('latest'))).toBe(small.older)
  })

  it('writes the bytes again when they are gone or damaged', async () => {
    const manifest = await saved(small.older)
    for (const damage of [() => drop(dir, at.blob(small.older)), () => put(dir, at.blob(small.older), '{')]) {
      await damage()
      expect(await open(dir).writer.putManifest(app, manifest, undefined)).toEqual(done)
      expect(await saved(small.older)).toEqual(manifest)
    }
  })

  it('writes links of layers again, without which the registry would refuse the image', async () => {
    const manifest = await saved(small.older)
    const blobs = await configAndLayersOf(dir, small.older)
    for (const blob of blobs) await drop(dir, layerLink(app, blob))
    expect(await open(dir).reader.hasBlob(app, blobs[0]!)).toBe(false)
    expect(await open(dir).writer.putManifest(app, manifest, undefined)).toEqual(done)
    for (const blob of blobs) expect(await open(dir).reader.hasBlob(app, blob)).toBe(true)
  })

  it.each([
    {
      name: 'a layer',
      of: 'older',
      lose: async () => drop(dir, at.blob((await configAndLayersOf(dir, small.older))[1]!)),
    },
    {
      name: 'the config',
      of: 'older',
      lose: async () => drop(dir, at.blob((await configAndLayersOf(dir, small.older))[0]!)),
    },
    {
      name: 'a child of an index',
      of: 'index',
      lose: async () => drop(dir, at.revision((await childrenOf(small.index))[0]!)),
    },
    {
      name: 'the bytes of a child',
      of: 'index',
      lose: async () => drop(dir, at.blob((await childrenOf(small.index))[0]!)),
    },
  ] as const)('refuses an image when $name is gone, and writes nothing', async ({ of, lose }) => {
    const manifest = await saved(small[of])
    await lose()
    await open(dir).writer.deleteManifest(app, small[of])
    const before = await snapshot(dir)
    expect(await open(dir).writer.putManifest(app, manifest, tag('back'))).toMatchObject({
      kind: 'refused',
      reason: 'missing-blob',
    })
    expect(await snapshot(dir)).toEqual(before)
  })

  it('does not miss a layer that says it lies elsewhere', async () => {
    const layer = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      size: 1,
      digest: `sha256:${'1'.repeat(64)}`,
    }
    const [config] = await configAndLayersOf(dir, small.release)
    const image = (layers: readonly object[]): RawManifest => {
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType,
          config: { mediaType: 'x/y', size: 1, digest: config },
          layers,
        }),
      )
      return { digest: digestOf(sha256(bytes)), mediaType, bytes }
    }
    expect(await open(dir).writer.putManifest(app, image([layer]), undefined)).toMatchObject({
      reason: 'missing-blob',
    })
    expect(
      await open(dir).writer.putManifest(
        app,
        image([{ ...layer, urls: ['https://example.com/layer'] }]),
        undefined,
      ),
    ).toEqual(done)
  })

  it('refuses bytes that are not what their digest says', async () => {
    const { mediaType, bytes } = await saved(small.older)
    const before = await snapshot(dir)
    const put = open(dir).writer.putManifest(app, { digest: small.release, mediaType, bytes }, tag('x'))
    await expect(put).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
    expect(await snapshot(dir)).toEqual(before)
  })
})

describe('a run that dies anywhere', () => {
  type Act = (writer: MutableRegistry, manifest: RawManifest) => Promise<unknown>
  const acts: readonly (readonly [string, Act])[] = [
    ['removing a tag', (writer) => writer.untag(app, tag('latest'))],
    ['removing an image', (writer) => writer.deleteManifest(app, small.release)],
    ['putting an image back', (writer, manifest) => writer.putManifest(app, manifest, tag('1.0'))],
  ]

  it.each(acts)('leaves whole images, and the next run finishes: %s', async (title, act) => {
    let manifest = await saved(small.release)
    const startOver = async (): Promise<void> => {
      await removeFolder(dir)
      dir = await makeFolder()
      small = await writeSmallRegistry(dir)
      if (!title.startsWith('putting')) return
      manifest = await saved(small.release)
      await open(dir).writer.deleteManifest(app, small.release)
      // The hardest start: of what putting back can write, only what other images share is there.
      await drop(dir, at.blob(small.release))
      const [config, , program] = await configAndLayersOfRaw(manifest)
      for (const blob of [config, program]) await drop(dir, layerLink(app, blob!))
    }
    await startOver()
    await act(open(dir).writer, manifest)
    const whole = await snapshot(dir)

    let steps = 0
    for (let isDone = false; !isDone; steps += 1) {
      await startOver()
      let left = steps
      const dying = dyingStore(createMutableFileStore(dir), () => (left -= 1) >= 0)
      isDone = await act(createStorageWriter({ name: registryName, store: dying }), manifest).then(
        () => true,
        (error: unknown) => !(error instanceof Error && error.message === 'killed'),
      )
      await expectWholeImages()
      await act(open(dir).writer, manifest)
      expect(await snapshot(dir)).toEqual(whole)
    }
    expect(steps).toBeGreaterThan(3)
  })

  /** What can be reached by a tag is there with everything beneath it. */
  async function expectWholeImages(): Promise<void> {
    const { reader } = open(dir)
    const { complete, manifests } = await reader.readRepository(app)
    expect(complete).toBe(true)
    const known = new Set(manifests.map(({ digest }) => digest))
    for (const { children, config, layers } of manifests) {
      for (const child of children) expect(known).toContain(child)
      for (const { digest } of [...(config ? [config] : []), ...layers]) {
        expect(await reader.hasBlob(app, digest)).toBe(true)
      }
    }
  }
})

describe('a storage that cannot be written', () => {
  it.each([
    { obstacle: 'read-only', reason: 'read-only' },
    { obstacle: 'forbidden', reason: 'forbidden' },
  ] as const)('is a refusal: $reason', async ({ obstacle, reason }) => {
    const writer = createStorageWriter({ name: registryName, store: stubbornStore(obstacle) })
    expect(await writer.untag(app, tag('1.0'))).toMatchObject({ kind: 'refused', reason })
    expect(await writer.deleteManifest(app, small.release)).toMatchObject({ kind: 'refused', reason })
    expect(await writer.putManifest(app, await saved(small.release), tag('x'))).toMatchObject({
      kind: 'refused',
      reason,
    })
  })

  it('is an error when the disk is the reason', async () => {
    const writer = createStorageWriter({ name: registryName, store: stubbornStore('other') })
    await expect(writer.untag(app, tag('1.0'))).rejects.toMatchObject({ code: 'STORAGE_NOT_WRITABLE' })
  })

  function stubbornStore(obstacle: StorageWriteObstacle): MutableBlobStore {
    const refuse = async (key: string): Promise<never> =>
      Promise.reject(new StorageWriteError(key, obstacle, 'it says so'))
    return { ...createMutableFileStore(dir), write: refuse, remove: refuse }
  }
})

for (const line of ['debian', 'v3'] as const satisfies readonly DistributionLine[]) {
  const binary = distributionBinaries[line]
  describe.skipIf(missing(binary))(titled(`beside a running registry (${line})`, binary), () => {
    let server: DockerRegistry
    beforeAll(async () => {
      server = await startDockerRegistry({ binary: line })
    })
    afterAll(() => server.stop())

    it('reads what was pushed, removes so that the registry sees it, and puts back what it then serves', async () => {
      const multi = await pushMultiPlatform(server.url, app, { tags: ['2.0', 'latest'] })
      const image = await pushImage(server.url, app, { tags: ['1.0'] })
      const { reader, writer } = open(server.dir)
      const before = await snapshot(server.dir)
      expect(tagsIn(await reader.readRepository(app))).toEqual({
        '1.0': image.digest,
        '2.0': multi.digest,
        latest: multi.digest,
      })

      const manifest = await reader.readManifest(app, digestOf(multi.digest))
      expect(manifest).toMatchObject({ mediaType: multi.mediaType, bytes: multi.bytes })
      expect(await writer.deleteManifest(app, digestOf(multi.digest))).toEqual(done)
      expect(await writer.untag(app, tag('1.0'))).toEqual(done)
      for (const reference of ['1.0', '2.0', 'latest', multi.digest]) {
        await expect(pullWhole(server.url, app, reference)).rejects.toThrow('404')
      }
      // Untagged, not deleted.
      await pullWhole(server.url, app, image.digest)
      const listed = (await (await fetch(`${server.url}/v2/${app}/tags/list`)).json()) as {
        tags: string[] | null
      }
      expect(listed.tags ?? []).toEqual([])

      for (const name of ['2.0', 'latest']) await writer.putManifest(app, manifest!, tag(name))
      await writer.putManifest(app, (await reader.readManifest(app, digestOf(image.digest)))!, tag('1.0'))
      for (const reference of ['1.0', '2.0', 'latest']) await pullWhole(server.url, app, reference)
      expect(await snapshot(server.dir)).toEqual(before)
      // And the registry takes pushes over what we wrote.
      await pushImage(server.url, app, { tags: ['1.0'], created: '2025-01-01T00:00:00Z' })
    })
  })
}

/** A store whose process is killed before the change that `mayAct` refuses. */
function dyingStore(store: MutableBlobStore, mayAct: () => boolean): MutableBlobStore {
  const orDie = async <T>(act: () => Promise<T>): Promise<T> => {
    if (!mayAct()) throw new Error('killed')
    return act()
  }
  return {
    ...store,
    write: (key, bytes, options) => orDie(() => store.write(key, bytes, options)),
    remove: (key, options) => orDie(() => store.remove(key, options)),
    removeEmptyFolders: (folder, options) => orDie(() => store.removeEmptyFolders(folder, options)),
  }
}

async function childrenOf(digest: Digest): Promise<readonly Digest[]> {
  return (await read()).manifests.find((manifest) => manifest.digest === digest)?.children ?? []
}

async function configAndLayersOfRaw({ bytes }: RawManifest): Promise<readonly Digest[]> {
  const { config, layers } = JSON.parse(Buffer.from(bytes).toString()) as {
    config: { digest: string }
    layers: { digest: string }[]
  }
  return [config, ...layers].map(({ digest }) => digestOf(digest))
}
