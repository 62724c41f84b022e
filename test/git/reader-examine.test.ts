/** What doctor finds out about Git repositories. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { examineGit } from '../../src/adapters/git/examine-git.ts'
import type { GitReaderSettings } from '../../src/adapters/git/git-settings.ts'
import { configuredCredentials } from '../../src/adapters/http/configured-credentials.ts'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import { git, testEnvironment, type RepositorySpec } from './make-repository.ts'
import { startGitHttp } from './reader-http-server.ts'
import { afterwards, repositoryOf, temporaryFolder } from './reader-stand.ts'

const spec: RepositorySpec = {
  commits: [
    { id: 'a', parents: [], committedAt: '2024-01-01T00:00:00Z' },
    { id: 'b', parents: ['a'], committedAt: '2024-01-02T00:00:00Z' },
  ],
  references: [
    { kind: 'branch', name: 'main', commit: 'b' },
    { kind: 'tag', name: 'v1', commit: 'a' },
  ],
}

/** `what: state, text`, one line each; cures on their own. */
async function examine(
  settings: Partial<GitReaderSettings> & Pick<GitReaderSettings, 'place'>,
): Promise<{ readonly lines: readonly string[]; readonly cures: string }> {
  const findings = await examineGit({
    name: 'app',
    stateDirectory: '/nowhere',
    leases: createMemoryLeaseStore(),
    environment: testEnvironment(),
    ...settings,
  })
  return {
    lines: findings.map(({ what, state, text }) => `${what}: ${state}, ${text}`),
    cures: findings.map(({ cure }) => cure ?? '').join('\n'),
  }
}

describe('doctor', () => {
  it('finds a clone with all that is needed', async () => {
    const remote = await repositoryOf(spec)
    const path = join(await temporaryFolder(), 'clone')
    await git('/', ['clone', '--quiet', `file://${remote.path}`, path])
    const { lines } = await examine({ place: { kind: 'clone', path, fetch: true } })
    expect(lines).toEqual([
      expect.stringMatching(/^find git: ok, git \d+\.\d+/),
      `open the clone: ok, ${path}`,
      'see the whole history: ok, ',
      'find what it has of its origin: ok, 1 branch, 1 tag',
      `find its origin: ok, file://${remote.path}`,
      'reach the server: ok, 2 branches and tags, with no credentials',
    ])
    expect(await git(path, ['for-each-ref', 'refs/winnow'])).toBe('')
  })

  it('finds what is wrong with a clone, all of it, each with its cure', async () => {
    const remote = await repositoryOf(spec)
    const path = join(await temporaryFolder(), 'clone')
    await git('/', ['clone', '--quiet', '--depth=1', `file://${remote.path}`, path])
    await git(path, ['remote', 'rename', 'origin', 'upstream'])
    const { lines, cures } = await examine({ place: { kind: 'clone', path, fetch: false } })
    expect(lines.map((line) => line.replace(/,.*/, ''))).toEqual([
      'find git: ok',
      'open the clone: ok',
      'see the whole history: failed',
      'find what it has of its origin: failed',
      'find its origin: failed',
    ])
    expect(cures).toContain('fetch --unshallow')
    expect(cures).toContain('remote rename')
  })

  it('reaches a server with the credentials that are configured, and says where they come from', async () => {
    const root = await temporaryFolder()
    await repositoryOf(spec, { path: join(root, 'app.git') })
    const server = await startGitHttp({ root, login: 'me:pa55word-secret' })
    afterwards(() => server.close())
    const place = { kind: 'address', address: `${server.url}/app.git` } as const
    const auth = { username: 'me', passwordEnv: 'PASSWORD' }
    const credentials = configuredCredentials(auth, { PASSWORD: 'pa55word-secret' })
    expect((await examine({ place, credentials })).lines.at(-1)).toBe(
      'reach the server: ok, 2 branches and tags, with credentials from the variable PASSWORD',
    )
    const wrong = configuredCredentials(auth, { PASSWORD: 'wr0ng-secret' })
    const { lines, cures } = await examine({ place, credentials: wrong })
    expect(lines.at(-1)).toMatch(/^reach the server: failed/)
    expect(lines.join() + cures).not.toContain('wr0ng-secret')
    expect(cures).toContain('`auth:`')
  })

  it('asks the forge', async () => {
    const root = await temporaryFolder()
    await repositoryOf(spec, { path: join(root, 'app.git') })
    const server = await startGitHttp({ root })
    afterwards(() => server.close())
    const place = { kind: 'address', address: `${server.url}/app.git` } as const
    const pulls = [{ number: 1, head: undefined, closedAt: undefined }]
    const forge = { name: 'Gitea', listPullRequests: () => Promise.resolve(pulls) }
    expect((await examine({ place, forge })).lines.at(-1)).toBe('ask Gitea for pull requests: ok, 1 are open')
  })

  it('says when there is no git, and when an address is none', async () => {
    const place = { kind: 'address', address: 'ext::sh' } as const
    expect((await examine({ place, program: 'no-such-git' })).lines).toHaveLength(1)
    expect((await examine({ place })).lines.at(-1)).toContain('understand the address: failed')
  })
})
