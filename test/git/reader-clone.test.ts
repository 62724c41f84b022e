/** Reading a clone at a path, with the real git. */
import { createHash } from 'node:crypto'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { changeRepository, git, type RepositorySpec } from './make-repository.ts'
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

/** main: a – b – merge; feature: b – c; lost is on no branch. */
const spec: RepositorySpec = {
  commits: [
    { id: 'a', parents: [], committedAt: day(1) },
    { id: 'b', parents: ['a'], committedAt: day(2) },
    { id: 'c', parents: ['b'], committedAt: day(3) },
    { id: 'merge', parents: ['b', 'c'], committedAt: day(4) },
    { id: 'lost', parents: ['a'], committedAt: day(5) },
    { id: 'root', parents: [], committedAt: day(6) },
  ],
  references: [
    { kind: 'branch', name: 'main', commit: 'merge' },
    { kind: 'branch', name: 'feature/x', commit: 'c' },
    { kind: 'branch', name: 'mine', commit: 'lost', remote: null },
    { kind: 'branch', name: 'theirs', commit: 'lost', remote: 'fork' },
    { kind: 'tag', name: 'v1', commit: 'a' },
    { kind: 'tag', name: 'v2', commit: 'b', annotatedAt: day(20) },
    { kind: 'tag', name: 'outside', commit: 'root', annotatedAt: null },
  ],
}

function clone(
  path: string,
  fetch = false,
): { readonly kind: 'clone'; readonly path: string; readonly fetch: boolean } {
  return { kind: 'clone', path, fetch }
}

describe('a clone', () => {
  it('has its remote branches and its tags, and neither local branches nor those of other remotes', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const history = await readGit({ place: clone(repository.path) })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, repository)).toEqual([
      'branch feature/x = c',
      'branch main = merge',
      'tag outside = root',
      'tag v1 = a',
      'tag v2 = b',
    ])
    expect(commitsOf(history, repository).toSorted()).toEqual([
      'a <',
      'b < a',
      'c < b',
      'merge < b c',
      'root <',
    ])
  })

  it('tells dates: of heads, of taggers, of commits', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const { references, graph } = await readGit({ place: clone(repository.path) })
    const dates = Object.fromEntries(references.map(({ name, datedAt }) => [name, datedAt]))
    expect(dates).toEqual({ main: day(4), 'feature/x': day(3), v1: day(1), v2: day(20), outside: day(6) })
    expect(graph.committedAtOf(graph.indexOf(repository.id('b')) ?? -1)).toBe(day(2))
  })

  it('has origin/HEAD, which is another name of a branch, not as a branch', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const words = ['symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main']
    await git(repository.path, words)
    const { references } = await readGit({ place: clone(repository.path) })
    expect(references.map(({ name }) => name)).not.toContain('HEAD')
  })

  it('has tags of tags as what they lead to, dated by the outer one; tags of files are told and do not count', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const { path, id } = repository
    const at = { GIT_COMMITTER_DATE: '2024-03-01T00:00:00Z' }
    await git(path, ['tag', '-a', '-m', 'outer', 'outer', 'v2'], at)
    await git(path, ['tag', 'file', `${id('a')}:file`])
    await git(path, ['tag', '-a', '-m', 'x', 'annotated-file', `${id('a')}:file`])
    await git(path, ['tag', '-a', '-m', 'x', 'folder', `${id('a')}^{tree}`])
    const history = await readGit({ place: clone(path) })
    expect(history.complete).toBe(true)
    const outer = history.references.find(({ name }) => name === 'outer')
    expect(outer).toMatchObject({ datedAt: Date.UTC(2024, 2, 1), commit: history.graph.indexOf(id('b')) })
    expect(history.references.map(({ name }) => name)).not.toContain('folder')
    expect(history.problems).toEqual([
      {
        severity: 'warning',
        text: expect.stringContaining('refs/tags/annotated-file, refs/tags/file, refs/tags/folder') as string,
        accept: undefined,
      },
    ])
  })

  it('has a tag without a tagger, as git made them at first, dated by its commit', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const { path, id } = repository
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'tag'), `object ${id('c')}\ntype commit\ntag old\n\nold\n`)
    const tag = (
      await git(path, ['hash-object', '-t', 'tag', '-w', '--literally', join(folder, 'tag')])
    ).trim()
    await git(path, ['update-ref', 'refs/tags/old', tag])
    const { references } = await readGit({ place: clone(path) })
    expect(references.find(({ name }) => name === 'old')?.datedAt).toBe(day(3))
  })

  it('may be bare in form, or a linked working tree, or have its objects elsewhere', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const { path, id } = repository
    const folder = await temporaryFolder()
    const names = namesOf(await readGit({ place: clone(path) }), repository)
    await git(path, ['worktree', 'add', '--quiet', '--detach', join(folder, 'tree'), id('a')])
    expect(namesOf(await readGit({ place: clone(join(folder, 'tree')) }), repository)).toEqual(names)
    expect(namesOf(await readGit({ place: clone(join(path, '.git')) }), repository)).toEqual(names)
    await git(folder, ['init', '--quiet', 'borrowing'])
    const borrowing = join(folder, 'borrowing')
    await writeFile(join(borrowing, '.git/objects/info/alternates'), `${path}/.git/objects\n`)
    await git(borrowing, ['update-ref', 'refs/remotes/origin/main', id('merge')])
    expect(namesOf(await readGit({ place: clone(borrowing) }), repository)).toEqual(['branch main = merge'])
    await symlink(path, join(folder, 'link'))
    expect(namesOf(await readGit({ place: clone(join(folder, 'link')) }), repository)).toEqual(names)
  })

  it('may have long ids', async () => {
    const repository = await repositoryOf(spec, { form: 'clone', objectFormat: 'sha256' })
    const history = await readGit({ place: clone(repository.path) }, { commits: [repository.id('lost')] })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, repository)).toContain('tag v2 = b')
    expect(fateOf(history, repository.id('lost'))).toBe('unreached')
  })

  it('without any reference is a history without any', async () => {
    const repository = await repositoryOf({ commits: spec.commits, references: [] }, { form: 'clone' })
    const history = await readGit({ place: clone(repository.path) })
    expect(history).toMatchObject({ complete: true, references: [], problems: [] })
    expect(history.graph.size).toBe(0)
  })
})

describe('commits that were asked for', () => {
  it('are reached, unreached, absent or ambiguous', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const { path, id } = repository
    await git(path, ['tag', '-a', '-m', 'x', 'annotated', id('lost')])
    const tag = (await git(path, ['rev-parse', 'annotated'])).trim()
    await git(path, ['tag', '-d', 'annotated'])
    const tree = (await git(path, ['rev-parse', `${id('a')}^{tree}`])).trim()
    const asked = {
      [id('a')]: 'reached',
      [id('a').slice(0, 9)]: 'reached',
      [id('lost')]: 'unreached',
      [id('lost').slice(0, 9)]: 'unreached',
      [tag]: 'unreached',
      [tree]: 'absent',
      ['f'.repeat(40)]: 'absent',
      ['f'.repeat(12)]: 'absent',
      ['e'.repeat(64)]: 'absent',
    }
    const history = await readGit({ place: clone(path) }, { commits: Object.keys(asked) })
    const fates = Object.keys(asked).map((each) => [each, fateOf(history, each)])
    // A short id that one commit of the graph has is left to whoever has the graph.
    const expected = { ...asked, [id('a').slice(0, 9)]: 'untold' }
    expect(Object.fromEntries(fates)).toEqual(expected)
    expect(history.others.get(id('lost').slice(0, 9))).toEqual({ kind: 'unreached', id: id('lost') })
    expect(history.others.get(tag)).toEqual({ kind: 'unreached', id: id('lost') })
  })

  it('are ambiguous when a short id begins several commits, in the graph or beside it', async () => {
    // Found by trial: among so many commits some begin alike for four digits.
    const commits = Array.from({ length: 1200 }, (_, at) => ({
      id: `c${at}`,
      parents: [],
      committedAt: day(1),
    }))
    const reached = commits.slice(0, 300)
    const repository = await repositoryOf(
      {
        commits,
        references: reached.map(({ id }) => ({ kind: 'tag' as const, name: id, commit: id })),
      },
      { form: 'clone', files: false },
    )
    const sides = new Map<string, string[]>()
    for (const [label, id] of repository.ids) {
      const side = Number(label.slice(1)) < 300 ? 'reached' : 'lost'
      sides.set(id.slice(0, 4), [...(sides.get(id.slice(0, 4)) ?? []), side])
    }
    const shared = (wanted: string): string =>
      [...sides].find(([, all]) => all.join(' ') === wanted)?.[0] ?? ''
    const both = shared('reached reached')
    const lost = shared('lost lost')
    const history = await readGit({ place: clone(repository.path) }, { commits: [both, lost] })
    expect([fateOf(history, both), fateOf(history, lost)]).toEqual(['ambiguous', 'ambiguous'])
  })
})

it('a short id that a commit and a file begin with means the commit', async () => {
  const repository = await repositoryOf(spec, { form: 'clone' })
  const { path, id } = repository
  const short = id('lost').slice(0, 4)
  const file = contentOfBlob(short)
  await writeFile(join(path, 'file'), file)
  expect((await git(path, ['hash-object', '-w', 'file'])).slice(0, 4)).toBe(short)
  const history = await readGit({ place: clone(path) }, { commits: [short] })
  expect(history.others.get(short)).toEqual({ kind: 'unreached', id: id('lost') })
})

/** Some content whose id as a file begins so, found by trial. */
function contentOfBlob(beginning: string): string {
  for (let number = 0; ; number++) {
    const content = String(number)
    const hash = createHash('sha1').update(`blob ${content.length}\0${content}`).digest('hex')
    if (hash.startsWith(beginning)) return content
  }
}

describe('a clone stops the plan', () => {
  it.each([
    { name: 'one branch', words: ['--single-branch', '--branch', 'main'], told: 'some of the branches' },
    { name: 'no tags', words: ['--no-tags'], told: 'no tags' },
  ])('when it was made for $name only', async ({ words, told }) => {
    const remote = await repositoryOf(spec)
    const folder = join(await temporaryFolder(), 'narrow')
    await git(remote.path, ['clone', '--quiet', ...words, `file://${remote.path}`, folder])
    const trouble = troubleOf(await readGit({ place: clone(folder) }))
    expect(trouble).toContain(`is set to fetch ${told} of its origin`)
    expect(trouble).toContain(`git -C ${folder} remote set-branches origin '*'`)
    const { complete } = await readGit({ place: clone(folder, true) })
    expect(complete).toBe(true)
  })

  it('when it is shallow', async () => {
    const remote = await repositoryOf(spec)
    const folder = join(await temporaryFolder(), 'shallow')
    await git('/', ['clone', '--quiet', '--depth=1', `file://${remote.path}`, folder])
    const trouble = troubleOf(await readGit({ place: clone(folder) }))
    expect(trouble).toContain('is shallow')
    expect(trouble).toContain(`git -C ${folder} remote set-branches origin '*'`)
    expect(trouble).toContain(`git -C ${folder} fetch --unshallow --tags origin`)
    expect(troubleOf(await readGit({ place: clone(folder, true) }))).toContain('is shallow')
  })

  it('when it has no origin', async () => {
    const local = { ...spec, references: spec.references.filter(({ remote }) => remote === null) }
    const repository = await repositoryOf(local, { form: 'clone', originUrl: null })
    expect(troubleOf(await readGit({ place: clone(repository.path) }))).toContain('no remote called origin')
    expect(troubleOf(await readGit({ place: clone(repository.path, true) }))).toContain(
      'no remote called origin',
    )
  })

  it('when it is bare, with the branches of its origin where its own lie', async () => {
    const remote = await repositoryOf(spec)
    const folder = join(await temporaryFolder(), 'mirror.git')
    await git('/', ['clone', '--quiet', '--mirror', `file://${remote.path}`, folder])
    expect(troubleOf(await readGit({ place: clone(folder) }))).toContain(`file://${folder}`)
  })

  it('when there is nothing at its path, or no repository, or one only further up', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const inside = join(repository.path, 'service')
    await mkdir(inside)
    const empty = await temporaryFolder()
    expect(troubleOf(await readGit({ place: clone(join(empty, 'nothing')) }))).toContain('cannot be opened')
    expect(troubleOf(await readGit({ place: clone(empty) }))).toContain('no Git repository')
    expect(troubleOf(await readGit({ place: clone(inside) }))).toContain('top folder of a clone')
  })

  it('when a commit is missing, in the middle or at the end', async () => {
    const references = spec.references.filter(({ name }) => name === 'main')
    for (const label of ['a', 'c', 'merge']) {
      const repository = await repositoryOf({ ...spec, references }, { form: 'clone' })
      const id = repository.id(label)
      // So few objects are not packed (fastimport.unpackLimit).
      await rm(join(repository.path, '.git/objects', id.slice(0, 2), id.slice(2)))
      const trouble = troubleOf(await readGit({ place: clone(repository.path) }))
      expect(trouble).toContain('damaged')
      expect(trouble).toContain(id)
    }
  })

  it('when a reference cannot be read, of which git only warns', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    await writeFile(join(repository.path, '.git/refs/remotes/origin/broken'), 'nonsense\n')
    const trouble = troubleOf(await readGit({ place: clone(repository.path) }))
    expect(trouble).toContain('refs/remotes/origin/broken')
  })

  it('when it belongs to somebody else', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip()
    const repository = await repositoryOf(spec, { form: 'clone' })
    await git('/', ['-c', 'alias.give=!chown -R 12345', 'give', repository.path])
    const trouble = troubleOf(await readGit({ place: clone(repository.path) }))
    expect(trouble).toContain('belongs to another user')
    expect(trouble).toContain(`git config --global --add safe.directory ${repository.path}`)
  })

  it('when there is no git, or one that is too old', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const place = clone(repository.path)
    expect(troubleOf(await readGit({ place, program: 'no-such-git' }))).toContain('not installed')
    const old = join(await temporaryFolder(), 'git')
    await writeFile(old, '#!/bin/sh\necho git version 2.17.1\n', { mode: 0o755 })
    const trouble = troubleOf(await readGit({ place, program: old }))
    expect(trouble).toContain('2.17.1')
    expect(trouble).toContain('2.30')
  })

  it('when it is larger than the limits', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const place = clone(repository.path)
    expect(troubleOf(await readGit({ place, limits: { commitsMax: 4 } }))).toContain('more than 4 commits')
    expect(troubleOf(await readGit({ place, limits: { referencesMax: 3 } }))).toContain(
      'more than 3 references',
    )
    expect(troubleOf(await readGit({ place, limits: { outputBytesMax: 200 } }))).toContain(
      'more than 200 bytes',
    )
    expect((await readGit({ place, limits: { commitsMax: 5 } })).complete).toBe(true)
  })
})

it('references that changed between two readings are told as they are now', async () => {
  const repository = await repositoryOf(spec, { form: 'clone' })
  await changeRepository(repository, {
    references: [{ kind: 'branch', name: 'main', commit: 'lost' }],
    removed: ['refs/tags/v1', 'refs/remotes/origin/feature/x'],
  })
  const history = await readGit({ place: clone(repository.path) })
  expect(namesOf(history, repository)).toEqual(['branch main = lost', 'tag outside = root', 'tag v2 = b'])
})
