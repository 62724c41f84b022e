/** Reading a repository by its address: a copy of our own, brought up to date. The server is git itself, on file://. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import type { GitHistory } from '../../src/core/git/git-history.ts'
import type { RunEvent } from '../../src/ports/run-options.ts'
import { changeRepository, git, type RepositorySpec, type TestRepository } from './make-repository.ts'
import {
  commitsOf,
  fateOf,
  namesOf,
  readGit,
  repositoryOf,
  temporaryFolder,
  troubleOf,
} from './reader-stand.ts'

const day = (number: number): number => Date.UTC(2024, 0, number)

const spec: RepositorySpec = {
  commits: [
    { id: 'a', parents: [], committedAt: day(1) },
    { id: 'b', parents: ['a'], committedAt: day(2) },
    { id: 'c', parents: ['a'], committedAt: day(3) },
    { id: 'root', parents: [], committedAt: day(4) },
  ],
  references: [
    { kind: 'branch', name: 'main', commit: 'b' },
    { kind: 'branch', name: 'topic', commit: 'c' },
    { kind: 'tag', name: 'v1', commit: 'a' },
    { kind: 'tag', name: 'outside', commit: 'root', annotatedAt: day(9) },
    { kind: 'pull-request', name: '7', commit: 'c' },
  ],
}

function at(remote: TestRepository): { readonly kind: 'address'; readonly address: string } {
  return { kind: 'address', address: `file://${remote.path}` }
}

/** The copy in a state directory. */
async function copyIn(stateDirectory: string): Promise<string> {
  const [folder = ''] = await readdir(join(stateDirectory, 'git'))
  return join(stateDirectory, 'git', folder, 'repository.git')
}

describe('a repository with an address', () => {
  it('has its branches and all its tags, those outside every branch too', async () => {
    const remote = await repositoryOf(spec)
    const history = await readGit({ place: at(remote) })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, remote)).toEqual([
      'branch main = b',
      'branch topic = c',
      'tag outside = root',
      'tag v1 = a',
    ])
    expect(commitsOf(history, remote).toSorted()).toEqual(['a <', 'b < a', 'c < a', 'root <'])
  })

  it('is told as it is now: branches and tags deleted, moved by force, and new', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    await changeRepository(remote, {
      commits: [{ id: 'd', parents: ['a'], committedAt: day(5) }],
      references: [
        { kind: 'branch', name: 'main', commit: 'c' },
        { kind: 'branch', name: 'topic/deeper', commit: 'd' },
        { kind: 'tag', name: 'v1', commit: 'd', annotatedAt: day(8) },
      ],
      removed: ['refs/heads/topic', 'refs/tags/outside'],
    })
    const history = await readGit(
      { place: at(remote), stateDirectory },
      { commits: [remote.id('b'), remote.id('root')] },
    )
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, remote)).toEqual(['branch main = c', 'branch topic/deeper = d', 'tag v1 = d'])
    // Nothing is collected, so what nothing reaches any more is still known.
    expect(fateOf(history, remote.id('b'))).toBe('unreached')
    expect(fateOf(history, remote.id('root'))).toBe('unreached')
  })

  it('is copied without the contents of files, where the server can leave them out', async () => {
    const remote = await repositoryOf(spec)
    await git(remote.path, ['config', 'uploadpack.allowFilter', 'true'])
    const stateDirectory = await temporaryFolder()
    const history = await readGit({ place: at(remote), stateDirectory })
    expect(troubleOf(history)).toBe('')
    expect(await kindsOfObjects(await copyIn(stateDirectory))).toEqual(['commit', 'tag', 'tree'])
  })

  it('is copied whole where the server cannot', async () => {
    const remote = await repositoryOf(spec)
    await git(remote.path, ['config', 'uploadpack.allowFilter', 'false'])
    const stateDirectory = await temporaryFolder()
    expect(troubleOf(await readGit({ place: at(remote), stateDirectory }))).toBe('')
    expect(await kindsOfObjects(await copyIn(stateDirectory))).toEqual(['blob', 'commit', 'tag', 'tree'])
  })

  it('may have long ids, or no commit at all', async () => {
    const long = await repositoryOf(spec, { objectFormat: 'sha256' })
    const history = await readGit({ place: at(long) })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, long)).toContain('tag v1 = a')
    const empty = await repositoryOf({ commits: [], references: [] })
    expect(await readGit({ place: at(empty) })).toMatchObject({
      complete: true,
      references: [],
      problems: [],
    })
  })

  it('asks the server for nothing when a commit is not there', async () => {
    const remote = await repositoryOf(spec)
    await git(remote.path, ['config', 'uploadpack.allowFilter', 'true'])
    await git(remote.path, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    await changeRepository(remote, { commits: [{ id: 'hidden', parents: [], committedAt: day(7) }] })
    // The server would give it to whoever asks by its id, as a partial clone does for everything it lacks.
    const copy = await copyIn(stateDirectory)
    const hidden = remote.id('hidden')
    const history = await readGit(
      { place: at(remote), stateDirectory },
      { commits: [hidden, 'f'.repeat(40)] },
    )
    expect(fateOf(history, hidden)).toBe('absent')
    expect(fateOf(history, 'f'.repeat(40))).toBe('absent')
    expect((await git(copy, ['cat-file', '-t', hidden])).trim()).toBe('commit')
  })

  it.each([
    ['packs of a partial copy', true],
    ['packs of a whole copy', false],
  ])('keeps its %s few, and loses no commit by that', async (_what, isPartial) => {
    const remote = await repositoryOf(spec)
    await git(remote.path, ['config', 'uploadpack.allowFilter', String(isPartial)])
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    const copy = await copyIn(stateDirectory)
    await changeRepository(remote, { references: [{ kind: 'branch', name: 'main', commit: 'a' }] })
    for (let number = 0; number < 6; number++) {
      const id = `more${number}`
      await changeRepository(remote, {
        commits: [{ id, parents: [], committedAt: day(number) }],
        references: [{ kind: 'branch', name: 'topic', commit: id }],
      })
      const words = ['fetch', '--quiet', 'origin', '+refs/heads/topic:refs/remotes/origin/topic']
      await git(copy, words)
    }
    const packs = async (): Promise<number> =>
      (await readdir(join(copy, 'objects/pack'))).filter((name) => name.endsWith('.pack')).length
    expect(await packs()).toBeGreaterThan(4)
    if (!isPartial) await makeWhole(copy)
    const asked = [remote.id('b'), remote.id('more3')]
    const limits = { packsMax: 4 }
    const history = await readGit({ place: at(remote), stateDirectory, limits }, { commits: asked })
    expect(await packs()).toBe(1)
    expect(asked.map((id) => fateOf(history, id))).toEqual(['unreached', 'unreached'])
  })
})

describe('the copy of a repository', () => {
  it.each([
    ['its HEAD', async (copy: string) => rm(join(copy, 'HEAD'))],
    ['a reference', async (copy: string) => writeFile(join(copy, 'refs/tags/broken'), 'nonsense\n')],
    ['a lock that a killed git left', async (copy: string) => writeFile(join(copy, 'packed-refs.lock'), '')],
  ])('is made anew when %s is damaged, and that is told', async (_what, damage) => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    await damage(await copyIn(stateDirectory))
    await changeRepository(remote, { removed: ['refs/tags/v1'] })
    const events: RunEvent[] = []
    const history = await readGit(
      { place: at(remote), stateDirectory },
      {},
      { onEvent: (event) => events.push(event) },
    )
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, remote)).toEqual(['branch main = b', 'branch topic = c', 'tag outside = root'])
    expect(history.problems).toMatchObject([
      { severity: 'warning', text: expect.stringContaining('damaged') as string },
    ])
    expect(events).toContainEqual(expect.objectContaining({ kind: 'warning' }))
    expect((await readGit({ place: at(remote), stateDirectory })).problems).toEqual([])
  })

  it('whose objects cannot be read has them fetched again', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    await damageObjects(await copyIn(stateDirectory))
    const history = await readGit({ place: at(remote), stateDirectory })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, remote)).toHaveLength(4)
  })

  it('stays as it is while the server cannot be read', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    const copy = await copyIn(stateDirectory)
    await damageObjects(copy)
    const before = await readdir(copy, { recursive: true })
    const hidden = `${remote.path}-aside`
    await git('/', ['-c', 'alias.move=!mv', 'move', remote.path, hidden])
    const trouble = troubleOf(await readGit({ place: at(remote), stateDirectory }))
    await git('/', ['-c', 'alias.move=!mv', 'move', hidden, remote.path])
    expect(trouble).not.toBe('')
    expect(await readdir(copy, { recursive: true })).toEqual(before)
  })

  it('that a killed run left half made is taken away', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    await readGit({ place: at(remote), stateDirectory })
    const folder = join(await copyIn(stateDirectory), '..')
    await git('/', ['init', '--quiet', '--bare', join(folder, 'making-1')])
    await readGit({ place: at(remote), stateDirectory })
    expect((await readdir(folder)).toSorted()).toEqual(['address.txt', 'repository.git'])
    expect(await readFile(join(folder, 'address.txt'), 'utf8')).toBe(`file://${remote.path}\n`)
  })

  it('serves several runs at once, one after the other', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    const read = (): Promise<GitHistory> => readGit({ place: at(remote), stateDirectory })
    const histories = await Promise.all([read(), read(), read()])
    for (const history of histories) expect(namesOf(history, remote)).toHaveLength(4)
  })

  it('is waited for only so long', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = await temporaryFolder()
    const leases = createMemoryLeaseStore()
    await readGit({ place: at(remote), stateDirectory, leases })
    const resource = `git ${join(await copyIn(stateDirectory), '..')}`
    const lease = await leases.acquire(resource, 'another run', { ttlMs: 20_000, renewMs: 1000, waitMs: 0 })
    const trouble = troubleOf(
      await readGit({ place: at(remote), stateDirectory, leases, limits: { waitMs: 300 } }),
    )
    expect(trouble).toContain('another run')
    if (lease.kind === 'lease') await lease.release()
    expect(troubleOf(await readGit({ place: at(remote), stateDirectory, leases }))).toBe('')
  })
})

describe('a repository that cannot be fetched stops the plan', () => {
  it('when it is not there', async () => {
    const trouble = troubleOf(
      await readGit({ place: { kind: 'address', address: 'file:///no/such/repository' } }),
    )
    expect(trouble).toContain('no such repository')
  })

  it('when the state directory cannot be written', async () => {
    const remote = await repositoryOf(spec)
    const stateDirectory = join(await temporaryFolder(), 'file')
    await writeFile(stateDirectory, '')
    expect(troubleOf(await readGit({ place: at(remote), stateDirectory }))).toContain('ENOTDIR')
  })
})

async function kindsOfObjects(copy: string): Promise<readonly string[]> {
  const words = ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)']
  return [...new Set((await git(copy, words)).trim().split('\n'))].toSorted()
}

/** As it would be had the server left nothing out. */
async function makeWhole(copy: string): Promise<void> {
  for (const name of await readdir(join(copy, 'objects/pack'))) {
    if (name.endsWith('.promisor')) await rm(join(copy, 'objects/pack', name))
  }
}

/** Cuts packs, or loose objects where there are no packs, so that they cannot be read. */
async function damageObjects(copy: string): Promise<void> {
  for (const name of await readdir(join(copy, 'objects'), { recursive: true })) {
    const path = join(copy, 'objects', name)
    if (!/(?:\.pack|^[0-9a-f]{2}\/[0-9a-f]{38})$/.test(name)) continue
    await rm(path)
    await writeFile(path, 'damaged')
  }
}
