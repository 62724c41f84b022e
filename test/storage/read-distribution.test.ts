import { createHash } from 'node:crypto'
import { mkdir, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createReadableFileStore } from '../../src/adapters/storage/filesystem/read-files.ts'
import { createStorageReader } from '../../src/adapters/registries/storage-distribution/storage-reader.ts'
import type { ReadableBlobStore } from '../../src/ports/readable-blob-store.ts'
import {
  app,
  at,
  bytesOf,
  configAndLayersOf,
  day,
  drop,
  put,
  writeSmallRegistry,
  type SmallRegistry,
} from './small-registry.ts'
import {
  createCache,
  digestOf,
  makeFolder,
  open,
  registryName,
  removeFolder,
  repo,
  tag,
  tagsIn,
} from './world.ts'

let dir = ''
let small: SmallRegistry
const read = () => open(dir).reader.readRepository(app)

beforeEach(async () => {
  dir = await makeFolder()
  small = await writeSmallRegistry(dir)
})
afterEach(() => removeFolder(dir))

describe('a Distribution storage', () => {
  it('lists every manifest that is linked, with tags and the times of the links', async () => {
    const { complete, problems, manifests } = await read()
    expect({ complete, problems, count: manifests.length }).toEqual({
      complete: true,
      problems: [],
      count: 8,
    })
    const release = manifests.find(({ digest }) => digest === small.release)
    expect(release).toMatchObject({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      createdAt: day(1),
      pushedAt: day(1),
      platform: 'linux/amd64',
      labels: { team: 'a' },
      locked: false,
      tags: [
        { name: '1.0', pushedAt: day(1), pulledAt: undefined },
        { name: 'latest', pushedAt: day(5), pulledAt: undefined },
      ],
    })
    expect(manifests.find(({ digest }) => digest === small.untagged)).toMatchObject({
      tags: [],
      pushedAt: day(3),
    })
    expect(manifests.find(({ digest }) => digest === small.index)?.children).toHaveLength(4)
  })

  it('has a repository wherever a folder holds manifests or layers, nested ones too', async () => {
    const root = join(dir, 'docker/registry/v2/repositories')
    await mkdir(join(root, 'team/app/nested/_layers'), { recursive: true })
    await mkdir(join(root, 'only/manifests/_manifests'), { recursive: true })
    await mkdir(join(root, 'no/repository'), { recursive: true })
    await writeFile(join(root, 'README'), 'a file beside the folders')
    expect(await open(dir).reader.listRepositories()).toEqual([
      'only/manifests',
      'team/app',
      'team/app/nested',
    ])
  })

  it('answers with an empty, complete repository for one that is not there', async () => {
    expect(await open(dir).reader.readRepository(repo('no/where'))).toEqual({
      name: 'no/where',
      complete: true,
      problems: [],
      manifests: [],
    })
  })

  it('reads single tags, manifests and blobs', async () => {
    const { reader } = open(dir)
    const [config, layer] = await configAndLayersOf(dir, small.release)
    expect(await reader.resolveTag(app, tag('latest'))).toBe(small.release)
    expect(await reader.resolveTag(app, tag('none'))).toBeUndefined()
    expect(await reader.readManifest(app, small.older)).toEqual({
      digest: small.older,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      bytes: await bytesOf(dir, small.older),
    })
    expect(await reader.readManifest(repo('team/other'), small.older)).toBeUndefined()
    expect(await reader.hasBlob(app, config!)).toBe(true)
    expect(await reader.hasBlob(repo('team/other'), config!)).toBe(false)
    await drop(dir, at.blob(layer!))
    expect(await reader.hasBlob(app, layer!)).toBe(false)
  })

  it('fetches nothing twice: a second reading opens no manifest and no config', async () => {
    const opened: string[] = []
    const files = createReadableFileStore(dir)
    const store: ReadableBlobStore = {
      ...files,
      read: (key, bytesMax, options) => {
        opened.push(key)
        return files.read(key, bytesMax, options)
      },
    }
    const reader = createStorageReader({ name: registryName, store, cache: createCache() })
    const first = await reader.readRepository(app)
    opened.length = 0
    expect(await reader.readRepository(app)).toEqual(first)
    expect(opened.filter((key) => key.includes('/blobs/'))).toEqual([])
    expect(opened).toHaveLength(8 + 4)
  })

  it('throws when cancelled', async () => {
    await expect(open(dir).reader.readRepository(app, { signal: AbortSignal.abort() })).rejects.toMatchObject(
      {
        code: 'INTERRUPTED',
      },
    )
  })
})

describe('what is gone is told apart from what cannot be read', () => {
  it.each([
    {
      name: 'a revision without its link was deleted',
      damage: () => drop(dir, at.revision(small.untagged)),
      absent: 'untagged',
      remarks: 0,
    },
    {
      name: 'an empty link is a link',
      damage: () => put(dir, at.revision(small.untagged), ''),
      absent: undefined,
      remarks: 0,
    },
    {
      name: 'a link with a line break is a link',
      damage: () => put(dir, at.revision(small.older), `${small.older}\n`),
      absent: undefined,
      remarks: 0,
    },
    {
      name: 'a tag whose manifest was deleted is told of',
      damage: () => drop(dir, at.revision(small.older)),
      absent: 'older',
      remarks: 1,
    },
    {
      name: 'a tag folder without a link was removed',
      damage: () => drop(dir, at.current('0.9')),
      absent: undefined,
      remarks: 0,
    },
    {
      name: 'a file beside the tags is none',
      damage: () => put(dir, `${at.tags}/.DS_Store`, 'x'),
      absent: undefined,
      remarks: 0,
    },
    {
      name: 'a temporary file of the registry is none',
      damage: () => put(dir, `${at.revision(small.older)}.0b9c.tmp`, 'sha'),
      absent: undefined,
      remarks: 0,
    },
  ] as const)('$name', async ({ damage, absent, remarks }) => {
    await damage()
    const { complete, problems, manifests } = await read()
    expect(complete).toBe(true)
    expect(problems).toHaveLength(remarks)
    expect(manifests).toHaveLength(absent === undefined ? 8 : 7)
    if (absent !== undefined) expect(manifests.map(({ digest }) => digest)).not.toContain(small[absent])
  })

  it('tells of a child and of a config that are gone', async () => {
    const child = (await read()).manifests.find(({ digest }) => digest === small.index)!.children[0]!
    await drop(dir, at.revision(child))
    const [config] = await configAndLayersOf(dir, small.older)
    await drop(dir, at.blob(config!))
    const { complete, problems, manifests } = await read()
    expect(complete).toBe(true)
    expect(problems.join('\n')).toMatch(/config .* is gone[\s\S]*names 1 of 4 manifests/)
    expect(manifests.find(({ digest }) => digest === small.older)?.createdAt).toBeUndefined()
  })

  it.each([
    // Its parts would look like images that nobody wants.
    { name: 'a linked manifest whose bytes are gone', damage: () => drop(dir, at.blob(small.older)) },
    { name: 'an empty manifest', damage: () => truncate(join(dir, at.blob(small.older))) },
    { name: 'half a manifest', damage: () => truncate(join(dir, at.blob(small.older)), 100) },
    {
      name: 'a manifest with other bytes',
      damage: () => put(dir, at.blob(small.older), '{"schemaVersion":2}'),
    },
    {
      name: 'a manifest that is a folder',
      damage: async () => {
        await drop(dir, at.blob(small.older))
        await mkdir(join(dir, at.blob(small.older)))
      },
    },
    { name: 'an empty tag link', damage: () => put(dir, at.current('0.9'), '') },
    { name: 'a tag link with no digest in it', damage: () => put(dir, at.current('0.9'), 'sha256:short') },
    {
      name: 'a revision link with no digest in it',
      damage: () => put(dir, at.revision(small.untagged), 'rubbish'),
    },
    {
      name: 'a damaged config',
      damage: async () => put(dir, at.blob((await configAndLayersOf(dir, small.older))[0]!), '{}'),
    },
    { name: 'a tag folder that is no tag name', damage: () => mkdir(join(dir, at.tags, 'not a tag')) },
    { name: 'a tag that is a symbolic link', damage: () => symlink('1.0', join(dir, at.tags, 'alias')) },
    {
      name: 'a revision folder that is no digest',
      damage: () => mkdir(join(dir, at.revisions, 'sha256', 'beef')),
    },
    {
      name: 'a digest algorithm nobody registered',
      damage: () =>
        mkdir(join(dir, at.revisions, 'md5', 'd41d8cd98f00b204e9800998ecf8427e'), { recursive: true }),
    },
    {
      name: 'a folder in the repository that is no repository name',
      damage: () => mkdir(join(dir, 'docker/registry/v2/repositories/team/app/Copy of app')),
    },
    {
      name: 'a manifest that leads out of the storage',
      damage: async () => {
        await drop(dir, at.blob(small.older))
        await symlink('/etc/hostname', join(dir, at.blob(small.older)))
      },
    },
  ])('$name makes the repository incomplete', async ({ damage }) => {
    await damage()
    const { complete, problems } = await read()
    expect(complete).toBe(false)
    expect(problems.length).toBeGreaterThan(0)
  })

  it('waits for a file that is being written in place', async () => {
    const bytes = await bytesOf(dir, small.older)
    await truncate(join(dir, at.blob(small.older)), 50)
    await put(dir, at.current('0.9'), '')
    const files = createReadableFileStore(dir)
    const reader = createStorageReader({
      name: registryName,
      store: files,
      cache: createCache(),
      retryPauseMs: 100,
    })
    const [inventory] = await Promise.all([
      reader.readRepository(app),
      sleep(40).then(() => put(dir, at.current('0.9'), small.older)),
      sleep(150).then(() => put(dir, at.blob(small.older), bytes)),
    ])
    expect(inventory).toMatchObject({ complete: true, problems: [] })
    expect(tagsIn(inventory)['0.9']).toBe(small.older)
  })

  it('counts both digests of a link that names another than its path, and lets neither go', async () => {
    const bytes = await bytesOf(dir, small.untagged)
    const sha512 = digestOf(`sha512:${createHash('sha512').update(bytes).digest('hex')}`)
    await drop(dir, at.revision(small.untagged))
    await put(dir, at.revision(sha512), small.untagged)
    const { complete, manifests } = await read()
    expect(complete).toBe(true)
    for (const name of [sha512, small.untagged]) {
      expect(manifests.find(({ digest }) => digest === name)).toMatchObject({
        locked: true,
        sizeBytes: bytes.length,
      })
    }
    expect(await open(dir).reader.readManifest(app, sha512)).toMatchObject({ digest: sha512, bytes })
  })

  it('warns of a stray folder above the repositories and does not enter it', async () => {
    const strays = join(dir, 'docker/registry/v2/repositories')
    await mkdir(join(strays, 'Team/app/_manifests'), { recursive: true })
    await symlink('team', join(strays, 'linked'))
    const warnings: string[] = []
    const names = await open(dir).reader.listRepositories({
      onEvent: (event) => void (event.kind === 'warning' && warnings.push(event.text)),
    })
    expect(names).toEqual([app])
    expect(warnings).toHaveLength(2)
  })
})

describe('a storage that is not whole is refused', () => {
  const v2 = 'docker/registry/v2'
  it.each([
    {
      name: 'missing',
      damage: () => rename(join(dir, 'docker'), join(dir, 'docker')),
      of: 'none',
      code: 'STORAGE_UNREADABLE',
      category: 'incomplete',
    },
    {
      name: 'a file',
      damage: () => put(dir, 'file', ''),
      of: 'file',
      code: 'STORAGE_UNREADABLE',
      category: 'incomplete',
    },
    {
      name: 'empty',
      damage: () => drop(dir, 'docker'),
      of: '',
      code: 'STORAGE_INCOMPLETE',
      category: 'incomplete',
    },
    {
      name: 'empty but for lost+found',
      damage: async () => {
        await drop(dir, 'docker')
        await mkdir(join(dir, 'lost+found'))
      },
      of: '',
      code: 'STORAGE_INCOMPLETE',
      category: 'incomplete',
    },
    {
      name: 'without blobs',
      damage: () => drop(dir, `${v2}/blobs`),
      of: '',
      code: 'STORAGE_INCOMPLETE',
      category: 'incomplete',
    },
    {
      name: 'with an empty blobs folder',
      damage: () => drop(dir, `${v2}/blobs/sha256`),
      of: '',
      code: 'STORAGE_INCOMPLETE',
      category: 'incomplete',
    },
    {
      name: 'without repositories',
      damage: () => drop(dir, `${v2}/repositories`),
      of: '',
      code: 'STORAGE_INCOMPLETE',
      category: 'incomplete',
    },
    {
      name: 'a folder too deep',
      damage: async () => {},
      of: 'docker',
      code: 'STORAGE_LAYOUT',
      category: 'configuration',
    },
    {
      name: 'an OCI layout',
      damage: async () => {
        await drop(dir, 'docker')
        await put(dir, 'oci-layout', '{}')
      },
      of: '',
      code: 'STORAGE_LAYOUT',
      category: 'configuration',
    },
    {
      name: 'linked to elsewhere',
      damage: async () => {
        await rename(join(dir, v2, 'blobs'), join(dir, 'elsewhere'))
        await symlink('/', join(dir, v2, 'blobs'))
      },
      of: '',
      code: 'STORAGE_ESCAPE',
      category: 'incomplete',
    },
  ])('$name', async ({ damage, of, code, category }) => {
    await damage()
    const { reader, writer } = open(join(dir, of))
    const expected = { code, category, hint: expect.stringMatching(/\.$/) as string }
    await expect(reader.capabilities()).rejects.toMatchObject(expected)
    await expect(reader.listRepositories()).rejects.toMatchObject(expected)
    await expect(reader.readRepository(app)).rejects.toMatchObject({ code })
    await expect(reader.resolveTag(app, tag('none'))).rejects.toMatchObject({ code })
    await expect(reader.hasBlob(app, digestOf(`sha256:${'0'.repeat(64)}`))).rejects.toMatchObject({ code })
    await expect(writer.deleteManifest(app, small.older)).rejects.toMatchObject({ code })
  })

  it('takes a registry that holds nothing yet, with both folders, for an empty one', async () => {
    await drop(dir, `${v2}/blobs/sha256`)
    await drop(dir, `${v2}/repositories/team`)
    expect(await open(dir).reader.listRepositories()).toEqual([])
  })

  it('notices a volume that goes away while it is read', async () => {
    const files = createReadableFileStore(dir)
    const store: ReadableBlobStore = {
      ...files,
      list: async (folder, options) => {
        if (folder === at.revisions)
          await rename(join(dir, 'docker'), join(dir, '.gone')).catch(() => undefined)
        return files.list(folder, options)
      },
    }
    const reader = createStorageReader({ name: registryName, store, cache: createCache() })
    await expect(reader.readRepository(app)).rejects.toMatchObject({ code: 'STORAGE_INCOMPLETE' })
  })
})
