/**
 * What layouts say is needed, against an opinion of the test's own: trees that skopeo wrote, and random ones of every
 * layout. What nothing needs is really removed from skopeo's trees, and skopeo must still be able to copy every tag.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOciLayout } from '../../src/adapters/registries/storage-oci/oci-layout.ts'
import { createTrowLayout } from '../../src/adapters/registries/storage-trow/trow-layout.ts'
import { createZotLayout } from '../../src/adapters/registries/storage-zot/zot-layout.ts'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import type { ReadableBlobStore } from '../../src/ports/readable-blob-store.ts'
import type { ReadableLayout } from '../../src/ports/readable-layout.ts'
import { startDockerRegistry, type DockerRegistry } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { pushImage, pushMultiPlatform } from '../servers/push.ts'
import { drawWorld, type World } from './layout-worlds.ts'
import { markLayout } from './mark-pool.ts'
import { OldTrowTree } from './trow-trees.ts'
import { beginZotTree, LayoutTree } from './zot-trees.ts'

const run = promisify(execFile)

/** The same store without a listing of its own: layouts must walk it then. */
function walkedStore(root: string): ReadableBlobStore {
  const store = createReadableFileStore(root)
  return {
    place: store.place,
    list: (folder, options) => store.list(folder, options),
    read: (key, bytesMax, options) => store.read(key, bytesMax, options),
    stat: (key, options) => store.stat(key, options),
  }
}

describe.skipIf(missing('skopeo', 'docker-registry'))(
  titled('layouts that skopeo wrote', 'skopeo', 'docker-registry'),
  () => {
    let folder: string
    let root: string
    let registry: DockerRegistry

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'winnow-layouts-'))
      root = join(folder, 'root')
      registry = await startDockerRegistry()
      const layers = (name: string): Uint8Array[] => ['base', name].map((text) => gzipSync(text))
      for (const tag of ['1.0', '1.1', '2.0'])
        await pushImage(registry.url, 'app', { tags: [tag], layers: layers(tag) })
      await pushMultiPlatform(registry.url, 'multi', { tags: ['latest'], layers: layers('multi') })
      await copy('app:1.0', 'app:stable')
      await copy('app:1.1', 'app:1.1')
      // The tag moves on. skopeo keeps what it was as a row without a tag, which is taken out below.
      await copy('app:2.0', 'app:stable')
      await copy('multi:latest', 'team/multi:latest', '--all')
      await copy('app:1.0', 'team/multi:latest-app')
    })

    afterAll(async () => {
      await registry.stop()
      rmSync(folder, { recursive: true, force: true })
    })

    async function copy(from: string, to: string, ...flags: readonly string[]): Promise<void> {
      mkdirSync(join(root, to.slice(0, to.lastIndexOf(':'))), { recursive: true })
      await skopeo('copy', ...flags, `docker://${registry.host}/${from}`, `oci:${join(root, to)}`)
    }

    async function skopeo(verb: string, ...words: readonly string[]): Promise<void> {
      await run('skopeo', [
        '--insecure-policy',
        verb,
        ...(words.some((word) => word.startsWith('docker:')) ? ['--src-tls-verify=false'] : []),
        ...words,
      ])
    }

    it('need what an index names without a tag', async () => {
      const [app] = await markLayout(createOciLayout({ store: walkedStore(root) }))
      expect(app?.unneeded).toEqual([])
      dropUntagged(join(root, 'app/index.json'))
    })

    it.each([
      { name: 'its own listing', storeOf: createReadableFileStore },
      { name: 'a walk', storeOf: walkedStore },
    ])('are marked exactly, through $name', async ({ storeOf }) => {
      const pools = await markLayout(createOciLayout({ store: storeOf(root) }))
      expect(pools.map(({ name }) => name)).toEqual(['app', 'team/multi'])
      for (const { name, stored, unneeded, absent } of pools) {
        const needed = namedIn(join(root, name))
        expect(unneeded).toEqual(stored.filter((digest) => !needed.has(digest)))
        expect(absent).toEqual([])
      }
      // The manifest, the config and the own layer of what the tag was before; the base is still shared.
      expect(pools.map(({ unneeded }) => unneeded.length)).toEqual([3, 0])
    })

    it('give every tag after what nothing needs was removed', async () => {
      for (const { name, unneeded } of await markLayout(createOciLayout({ store: walkedStore(root) }))) {
        for (const digest of unneeded) rmSync(join(root, name, 'blobs', digest.replace(':', '/')))
      }
      const tags = ['app:stable', 'app:1.1', 'team/multi:latest', 'team/multi:latest-app']
      for (const [i, tag] of tags.entries())
        await skopeo('copy', '--all', `oci:${join(root, tag)}`, `dir:${join(folder, `copy-${i}`)}`)
    })

    it('are refused when their blobs lie in a shared folder', async () => {
      const shared = join(folder, 'shared')
      for (const name of ['one', 'two']) {
        mkdirSync(join(shared, name), { recursive: true })
        await skopeo(
          'copy',
          `--dest-shared-blob-dir=${join(shared, 'one/blobs')}`,
          `docker://${registry.host}/app:1.1`,
          `oci:${join(shared, name)}:1.1`,
        )
      }
      await expect(createOciLayout({ store: walkedStore(shared) }).check()).rejects.toMatchObject({
        code: 'METADATA_ELSEWHERE',
      })
    })

    it('are refused as an archive', async () => {
      const archives = join(folder, 'archives')
      mkdirSync(archives)
      await skopeo(
        'copy',
        `docker://${registry.host}/app:1.1`,
        `oci-archive:${join(archives, 'app.tar')}:1.1`,
      )
      await expect(createOciLayout({ store: walkedStore(archives) }).check()).rejects.toMatchObject({
        code: 'LAYOUT_MISMATCH',
        message: expect.stringMatching(/inside of an archive/) as unknown,
      })
    })
  },
)

/** As a tool would that removes images from a layout. */
function dropUntagged(path: string): void {
  const index = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly manifests: readonly { readonly annotations?: object }[]
  }
  const manifests = index.manifests.filter(({ annotations }) => annotations !== undefined)
  expect(manifests.length).toBe(index.manifests.length - 1)
  writeFileSync(path, JSON.stringify({ ...index, manifests }))
}

/** Every digest that an OCI layout's index.json leads to, by reading whatever is JSON. */
function namedIn(layout: string): ReadonlySet<string> {
  const named = new Set<string>()
  const follow = (text: string): void => {
    for (const [digest = ''] of text.matchAll(/sha256:[0-9a-f]{64}/g)) {
      if (named.has(digest)) continue
      named.add(digest)
      const hex = digest.slice('sha256:'.length)
      if (!readdirSync(join(layout, 'blobs/sha256')).includes(hex)) continue
      const content = readFileSync(join(layout, 'blobs/sha256', hex), 'latin1')
      if (content.includes('"mediaType"')) follow(content)
    }
  }
  follow(readFileSync(join(layout, 'index.json'), 'utf8'))
  return named
}

const SEED = Number(process.env['WINNOW_SEED'] ?? 0)
const WORLDS = 12

const writers: Readonly<
  Record<string, { readonly write: (root: string, worlds: readonly World[]) => void; readonly open: Opener }>
> = {
  oci: {
    write: (root, worlds) => {
      const tree = new LayoutTree(root)
      worlds.forEach((world, i) => writePool(tree, `p${i}`, world))
    },
    open: (store) => createOciLayout({ store }),
  },
  zot: {
    write: (root, worlds) => {
      const tree = beginZotTree(root)
      worlds.forEach((world, i) => writePool(tree, `team/p${i}`, world))
    },
    open: (store) =>
      createZotLayout({
        store,
        state: { mayChange: true, isRunning: async () => 'stopped', toldStopped: false },
      }),
  },
  trow: {
    write: (root, [world]) => {
      const tree = new OldTrowTree(root)
      tree.store(...(world?.stored ?? []))
      world?.roots.forEach(({ digest }, i) => {
        const before = world.stored[i]?.digest ?? digest
        tree.tag(`team/app${i % 3}`, `v${i}`, [digest, before])
      })
    },
    open: (store) => createTrowLayout({ store }),
  },
}

type Opener = (store: ReadableBlobStore) => ReadableLayout

function writePool(tree: LayoutTree, pool: string, { stored, roots }: World): void {
  tree.store(pool, ...stored)
  tree.index(
    pool,
    roots.map((root, i) => (i % 2 === 0 ? { ...root, tag: `v${i}` } : root)),
  )
}

describe.each(Object.entries(writers))('random trees of %s', (name, { write, open }) => {
  it(`are marked exactly, seeds ${SEED} to ${SEED + WORLDS - 1}`, async () => {
    for (let seed = SEED; seed < SEED + WORLDS; seed += 1) {
      const root = mkdtempSync(join(tmpdir(), `winnow-${name}-world-`))
      const worlds = (name === 'trow' ? [0] : [0, 1]).map((i) => drawWorld(seed * 2 + i))
      try {
        // A tree without any root is refused by Trow’s layout, and says nothing here.
        if (worlds.some(({ roots }) => roots.length === 0)) continue
        write(root, worlds)
        for (const store of [createReadableFileStore(root), walkedStore(root)]) {
          const pools = await markLayout(open(store))
          const found = pools.map(({ unneeded }) => unneeded)
          expect(found, `seed ${seed}`).toEqual(worlds.map(({ unneeded }) => unneeded))
        }
      } finally {
        rmSync(root, { recursive: true })
      }
    }
  })
})
