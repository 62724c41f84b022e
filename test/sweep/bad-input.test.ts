/**
 * Storage that is not as it should be. Whatever a sweep makes of it, it loses nothing that is needed; and where it stops,
 * it says so by its exit code and has changed nothing.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { expectGone, expectKept } from './check-sweep.ts'
import { allOf, f1TaggedIndex, type FaultTree } from './fault-trees.ts'
import { isTracing, unreadable } from './strace.ts'
import { allAtOnce, fingerprint, makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'
import { ageAll, at, digestOf, pushImage, pushManifest, put, uploadAlias, uploadBlob } from './trees.ts'

// The program is started several times over, by machines that have more to do.
vi.setConfig({ testTimeout: 240_000 })

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

/** Runs plan and sweep; where they stop, nothing may have changed. Returns the exit code of the sweep. */
async function sweepOf(tree: FaultTree, allowed: readonly number[]): Promise<number | null> {
  const before = fingerprint(sweeper.folder, 'storage')
  const planned = await sweeper.sweep()
  expect(allowed, planned.stderr).toContain(planned.code)
  expect(fingerprint(sweeper.folder, 'storage'), 'a plan writes nothing').toEqual(before)
  const docker = (): readonly string[] => fingerprint(sweeper.root, 'docker')
  const unswept = docker()
  const swept = await sweeper.sweep(allAtOnce)
  expect(allowed, swept.stderr).toContain(swept.code)
  expect(swept.stderr).not.toMatch(/\bbug\b/i)
  if (swept.code !== 0) expect(docker(), 'stopped, and changed something').toEqual(unswept)
  expectKept(sweeper.root, tree.needed)
  return swept.code
}

interface Trouble {
  readonly name: string
  /** Exit codes that are right. */
  readonly exits: readonly number[]
  /** Does the damage, and tells what else has to stay. */
  readonly damage: (root: string, tree: FaultTree) => readonly string[] | undefined
}

const troubles: readonly Trouble[] = [
  {
    name: 'a manifest that is written in half',
    exits: [6],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { name: 'half' })
      const whole = readFileSync(join(root, at.blob(image.digest)))
      put(root, at.blob(image.digest), whole.subarray(0, whole.length / 2))
      return image.blobs
    },
  },
  {
    name: 'a linked manifest of no bytes',
    exits: [6],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { name: 'empty' })
      put(root, at.blob(image.digest), '')
      return image.blobs
    },
  },
  {
    name: 'a manifest with other bytes than its digest says',
    exits: [6],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { name: 'changed' })
      put(root, at.blob(image.digest), '{"schemaVersion":2,"layers":[]}')
      return image.blobs
    },
  },
  {
    name: 'an empty link of a revision',
    exits: [0],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { name: 'being linked' })
      put(root, at.revision('team/app', image.digest), '')
      return allOf(image)
    },
  },
  {
    name: 'a link of a revision that leads to another one',
    exits: [0, 6],
    damage: (root) => {
      const [one, other] = ['one', 'other'].map((name) => pushImage(root, 'a/b', { name }))
      if (one === undefined || other === undefined) return undefined
      rmSync(join(root, at.revision('a/b', other.digest)))
      put(root, at.revision('a/b', one.digest), other.digest)
      return allOf(one, other)
    },
  },
  {
    name: 'a tag whose manifest has no link of its own',
    exits: [0],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { tags: ['only-tagged'] })
      rmSync(join(root, at.revision('team/app', image.digest)))
      return allOf(image)
    },
  },
  {
    name: 'a link that names no digest',
    exits: [6],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { name: 'link' })
      put(root, at.revision('team/app', image.digest), 'not a digest at all')
      return allOf(image)
    },
  },
  {
    name: 'layers under sha512 names, as 2.8.2 keeps them',
    exits: [0],
    damage: (root) => {
      const alias = uploadAlias(root, 'team/app', 'known by another name')
      const image = pushImage(root, 'team/app', { tags: ['alias'], uploaded: [alias] })
      return [...allOf(image), digestOf('known by another name')]
    },
  },
  {
    name: 'a manifest of a kind nobody knows',
    exits: [0, 6],
    damage: (root) => {
      const layer = uploadBlob(root, 'team/app', 'of an unknown kind')
      const kind = { schemaVersion: 2, mediaType: 'application/vnd.example.unknown+json' }
      return [
        layer.digest,
        pushManifest(root, 'team/app', { ...kind, config: layer, layers: [layer] }).digest,
      ]
    },
  },
  {
    name: 'a manifest that names blobs under keys of its own',
    exits: [0, 6],
    damage: (root) => [
      pushManifest(root, 'team/app', { schemaVersion: 2, mediaType: 'application/vnd.x+json', blobs: [] })
        .digest,
    ],
  },
  {
    name: 'a link of a revision that is a folder',
    exits: [0, 6],
    damage: (root) => {
      const image = pushImage(root, 'team/app', { tags: ['folder'] })
      rmSync(join(root, at.revision('team/app', image.digest)))
      mkdirSync(join(root, at.revision('team/app', image.digest)))
      return allOf(image)
    },
  },
  {
    name: 'a manifest that is linked where no registry looks',
    exits: [0],
    damage: (root) => allOf(pushImage(root, '_hidden/app', { name: 'hidden' })),
  },
  {
    name: 'files where folders belong, and names that no registry gives',
    exits: [0, 6],
    damage: (root) => {
      put(root, `${at.repositories}/README`, 'not a repository')
      put(root, `${at.blobs}/sha256/zz/not-hexadecimal/data`, 'x')
      put(root, `${at.blobs}/sha256/lost+found`, 'x')
      put(root, `${at.repositories}/a\nb/_manifests/tags/..evil/current/link`, '')
      put(root, `${at.repositories}/${'long/'.repeat(60)}_layers/sha256/zz/link`, 'x')
      const image = pushImage(root, 'ünïcode/名前', { tags: ['1.0'] })
      return allOf(image)
    },
  },
]

describe('entries that are damaged', () => {
  it.each(troubles)('$name: nothing that is needed goes', async ({ damage, exits }) => {
    const tree = f1TaggedIndex(sweeper.root)
    const further = damage(sweeper.root, tree) ?? []
    const code = await sweepOf({ ...tree, needed: [...tree.needed, ...withBytes(further)] }, exits)
    if (code === 0) expectGone(sweeper.root, tree.garbage)
  })

  /** Of what was damaged on purpose the bytes are wrong already. */
  const withBytes = (digests: readonly string[]): readonly string[] =>
    digests.filter((digest) => digestOf(readFileSync(join(sweeper.root, at.blob(digest)))) === digest)
})

it('warns once, and in the report, of a folder that no registry serves, and removes nothing of it', async () => {
  const tree = f1TaggedIndex(sweeper.root)
  put(sweeper.root, `${at.repositories}/_hidden/bytes`, 'nobody counts them')
  put(sweeper.root, at.layer('_hidden/dead', tree.garbage[0] ?? ''), tree.garbage[0] ?? '')
  ageAll(sweeper.root)
  const before = fingerprint(sweeper.root, `${at.repositories}/_hidden`)
  for (const args of [[], allAtOnce]) {
    const { code, stderr, report } = await sweeper.sweep(args)
    expect(code, stderr).toBe(0)
    expect(stderr.match(/repositories\/_hidden" can be no repository/g)).toHaveLength(1)
    expect(report?.warnings).toContainEqual(expect.stringContaining('_hidden'))
  }
  expect(fingerprint(sweeper.root, `${at.repositories}/_hidden`)).toEqual(before)
})

describe('a storage that is none', () => {
  const nothing: FaultTree = { needed: [], garbage: [] }
  const entriesOfRegistry = (): readonly string[] =>
    fingerprint(sweeper.root).filter((line) => line.startsWith('docker'))

  it('is refused when it is not there', async () => {
    const swept = await sweeper.sweep(allAtOnce)
    expect([3, 6], swept.stderr).toContain(swept.code)
  })

  it.each([
    { name: 'has nothing at all is refused', keys: [], exits: [3, 6] },
    // A registry that nobody has pushed to yet.
    {
      name: 'has the folders and nothing in them loses nothing',
      keys: [at.blobs, at.repositories],
      exits: [0, 6],
    },
  ])('and $name', async ({ keys, exits }) => {
    for (const key of ['', ...keys]) mkdirSync(join(sweeper.root, key), { recursive: true })
    const before = entriesOfRegistry()
    const swept = await sweeper.sweep(allAtOnce)
    expect(exits, swept.stderr).toContain(swept.code)
    expect(entriesOfRegistry()).toEqual(before)
  })

  it.each([at.blobs, at.repositories])(
    'is refused when %s is missing and the other is there',
    async (key) => {
      f1TaggedIndex(sweeper.root)
      renameSync(join(sweeper.root, key), join(sweeper.folder, 'elsewhere'))
      await sweepOf(nothing, [6])
    },
  )

  it('is refused when repositories lie beside an empty folder of blobs, and the other way round', async () => {
    for (const key of [at.blobs, at.repositories]) {
      rmSync(sweeper.root, { recursive: true, force: true })
      f1TaggedIndex(sweeper.root)
      rmSync(join(sweeper.root, key), { recursive: true })
      mkdirSync(join(sweeper.root, key))
      await sweepOf(nothing, [6])
    }
  })

  it('is refused when it has another layout', async () => {
    put(sweeper.root, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}')
    put(sweeper.root, 'index.json', '{"schemaVersion":2,"manifests":[]}')
    const content = 'a blob'
    put(sweeper.root, `blobs/${digestOf(content).replace(':', '/')}`, content)
    const before = fingerprint(sweeper.root)
    const swept = await sweeper.sweep(allAtOnce)
    expect([3, 6], swept.stderr).toContain(swept.code)
    expect(fingerprint(sweeper.root)).toEqual(before)
  })

  it('is refused when a database beside it knows more (GitLab)', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    put(sweeper.root, 'docker/registry/lockfiles/database-in-use', '')
    const { code, stderr } = await sweeper.sweep(allAtOnce)
    expect([1, 3, 6], stderr).toContain(code)
    expectKept(sweeper.root, tree.needed)
    expectKept(sweeper.root, tree.garbage)
  })
})

describe('symbolic links out of the storage', () => {
  it.each([
    { name: 'a repository', key: at.repository('out') },
    { name: 'a shard of blobs', key: `${at.blobs}/sha256/00` },
    { name: 'the folder of all blobs', key: at.blobs },
    { name: 'the folder of all repositories', key: at.repositories },
  ])('$name: what lies there is not touched, and nothing is lost', async ({ key }) => {
    const tree = f1TaggedIndex(sweeper.root)
    const outside = join(sweeper.folder, 'outside')
    const place = join(sweeper.root, key)
    try {
      renameSync(place, outside)
    } catch {
      // There is nothing of that name: what lies outside is somebody else's then.
      put(sweeper.folder, 'outside/somebody/data', 'not of this registry')
    }
    symlinkSync(outside, place)
    ageAll(sweeper.folder, 'outside')
    const before = fingerprint(sweeper.folder, 'outside')
    await sweepOf(tree, [0, 6])
    expect(fingerprint(sweeper.folder, 'outside')).toEqual(before)
  })

  it('the bytes of a blob', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    const [garbage = ''] = tree.garbage
    writeFileSync(join(sweeper.folder, 'outside'), 'not of this registry')
    rmSync(join(sweeper.root, at.blob(garbage)))
    symlinkSync(join(sweeper.folder, 'outside'), join(sweeper.root, at.blob(garbage)))
    await sweepOf(tree, [0, 6])
    expect(readFileSync(join(sweeper.folder, 'outside'), 'utf8')).toBe('not of this registry')
  })
})

const asNobody = { uid: NOBODY }
const rights = isRoot ? undefined : 'only root can run the program as somebody else'
const withRights = (text: string): string => (rights === undefined ? text : `${text} (skipped: ${rights})`)

describe.skipIf(rights)(withRights('rights'), () => {
  it('are not needed for a plan beyond reading', async () => {
    const tree = f1TaggedIndex(sweeper.root)
    const before = fingerprint(sweeper.root)
    const { code, stderr, report } = await sweeper.sweep([], asNobody)
    expect(code, stderr).toBe(0)
    expect(report?.summary['blobsGarbage']).toBe(tree.garbage.length)
    expect(fingerprint(sweeper.root)).toEqual(before)
  })

  it('to write are needed for a sweep, and without them nothing happens', async () => {
    f1TaggedIndex(sweeper.root)
    const before = fingerprint(sweeper.root)
    const { code, stderr } = await sweeper.sweep(allAtOnce, asNobody)
    expect([1, 4, 6], stderr).toContain(code)
    expect(fingerprint(sweeper.root)).toEqual(before)
  })

  it.each([
    { name: 'a manifest', key: (tree: FaultTree) => at.blob(tree.needed[0] ?? '') },
    { name: 'a repository', key: () => at.repository('team') },
    { name: 'a link', key: (tree: FaultTree) => at.revision('team/app', tree.needed[0] ?? '') },
  ])('to read $name are needed: what is not known is not garbage', async ({ key }) => {
    const tree = f1TaggedIndex(sweeper.root)
    chmodSync(join(sweeper.root, key(tree)), 0o000)
    for (const args of [[], allAtOnce]) {
      const before = fingerprint(sweeper.root)
      const { code, stderr } = await sweeper.sweep(args, asNobody)
      expect(args.length > 0 ? [1, 6] : [6], stderr).toContain(code)
      expect(fingerprint(sweeper.root)).toEqual(before)
    }
    chmodSync(join(sweeper.root, key(tree)), 0o755)
  })
})

describe.skipIf(!isTracing())('a disk that fails to read', () => {
  it.each([
    { name: 'a manifest', key: (tree: FaultTree) => at.blob(tree.needed[0] ?? '') },
    { name: 'the list of revisions', key: () => `${at.repository('team/app')}/_manifests/revisions/sha256` },
    { name: 'the list of repositories', key: () => at.repositories },
  ])('$name ends the run before anything is touched', async ({ key }) => {
    const tree = f1TaggedIndex(sweeper.root)
    const before = fingerprint(sweeper.root, 'docker')
    const under = unreadable(join(sweeper.root, key(tree)), join(sweeper.folder, 'trace'))
    const { code, stderr } = await sweeper.sweep(allAtOnce, { under })
    expect(code, stderr).toBe(6)
    expect(fingerprint(sweeper.root, 'docker')).toEqual(before)
  })
})
