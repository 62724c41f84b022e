/** The builder makes what it is told: everything else in this folder stands on it. */
import { afterEach, describe, expect, it } from 'vitest'
import { changeRepository, git, makeRepository, type TestRepository } from './make-repository.ts'

const made: TestRepository[] = []
afterEach(async () => {
  for (const each of made.splice(0)) await each.remove()
})

const spec = {
  commits: [
    { id: 'a', parents: [], committedAt: '2024-01-01T00:00:00Z' },
    { id: 'b', parents: ['a'], committedAt: Date.UTC(2024, 0, 2) },
    { id: 'root', parents: [], committedAt: Date.UTC(2024, 0, 3) },
    { id: 'merge', parents: ['b', 'a', 'root'], committedAt: Date.UTC(2024, 0, 4) },
  ],
  references: [
    { kind: 'branch', name: 'main', commit: 'merge' },
    { kind: 'branch', name: 'mine', commit: 'b', remote: null },
    { kind: 'tag', name: 'v1', commit: 'a' },
    { kind: 'tag', name: 'v2', commit: 'b', annotatedAt: '2024-02-01T00:00:00Z' },
    { kind: 'pull-request', name: '7', commit: 'b' },
  ],
} as const

describe.each(['remote', 'clone'] as const)('a repository of the form %s', (form) => {
  it('has its commits with parents and dates, and its references', async () => {
    const repository = await makeRepository(spec, { form })
    made.push(repository)
    const { path, id } = repository
    const heads = form === 'remote' ? ['refs/heads/main'] : ['refs/heads/mine', 'refs/remotes/origin/main']
    const references = await git(path, ['for-each-ref', '--format=%(refname) %(objecttype)'])
    const expected = [...heads, 'refs/pull/7/head', 'refs/tags/v1'].map((name) => `${name} commit`)
    expect(references.trim().split('\n')).toEqual([...expected, 'refs/tags/v2 tag'].toSorted())
    const shown = await git(path, ['show', '--no-patch', '--format=%H %ct %P', id('merge')])
    expect(shown.trim()).toBe(
      `${id('merge')} ${Date.UTC(2024, 0, 4) / 1000} ${id('b')} ${id('a')} ${id('root')}`,
    )
    expect((await git(path, ['show', '--no-patch', '--format=%P', id('root')])).trim()).toBe('')
    expect(await git(path, ['for-each-ref', '--format=%(taggerdate:unix)', 'refs/tags/v2'])).toBe(
      `${Date.UTC(2024, 1, 1) / 1000}\n`,
    )
    await git(path, ['fsck', '--strict'])
  })
})

it('a repository changes: more commits, a forced branch, references gone', async () => {
  const repository = await makeRepository(spec)
  made.push(repository)
  await changeRepository(repository, {
    commits: [{ id: 'c', parents: ['a'], committedAt: '2024-03-01T00:00:00Z' }],
    references: [{ kind: 'branch', name: 'main', commit: 'c' }],
    removed: ['refs/tags/v2', 'refs/pull/7/head'],
  })
  const references = await git(repository.path, ['for-each-ref', '--format=%(refname) %(objectname)'])
  expect(references.trim().split('\n')).toEqual([
    `refs/heads/main ${repository.id('c')}`,
    `refs/tags/v1 ${repository.id('a')}`,
  ])
})

it('a repository may have long ids', async () => {
  const repository = await makeRepository(spec, { objectFormat: 'sha256' })
  made.push(repository)
  expect(repository.id('a')).toMatch(/^[0-9a-f]{64}$/)
})
